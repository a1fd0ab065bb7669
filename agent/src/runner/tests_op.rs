//! Test: runs the host's own tests on the running generation.

use backstay_model::{GenerationRef, Phase, Stream, TestRun};

use super::op_end::OpEnd;
use super::report::how;
use super::work::Work;
use crate::command::Bounds;
use crate::host_tests::{self, Conditions, Stopped, Watcher};
use crate::journal::Entry;

pub(super) fn run(work: &mut Work<'_>) -> OpEnd {
    let tests = match host_tests::list(work.config()) {
        Ok(tests) if tests.is_empty() => {
            let folder = work.config().tests.dir.display();
            return OpEnd::refused(format!("This host has no tests in {folder}. Put executables there."));
        }
        Ok(tests) => tests,
        Err(error) => return OpEnd::refused(format!("The tests could not be listed: {error}.")),
    };
    if let Some(end) = work.wait_for_others() {
        return end;
    }
    let Some(generation) = running(work) else {
        return OpEnd::refused(
            "The running build is none of the profile's generations, so no generation can be tested. No test was run.",
        );
    };
    let entry: &Entry = work.entry();
    let cancelled = || entry.is_cancelled();
    let bounds = Bounds { deadline: work.deadline(), cancelled: &cancelled };
    let config = std::sync::Arc::clone(work.config());
    let set = entry.file().test_timeout_secs;
    let timeout = config.test_timeout(set);
    if let Some(set) = set.filter(|set| *set > timeout.as_secs()) {
        work.say(&format!(
            "Each test of this host has a time limit of {set} s. The agent's configuration allows {} s (tests.max_timeout).",
            timeout.as_secs()
        ));
    }
    let clock = std::sync::Arc::clone(work.clock());
    let conditions = Conditions {
        generation: &generation,
        timeout,
        scratch: entry.folder(),
        bounds: &bounds,
        clock: clock.as_ref(),
    };
    match host_tests::run(&tests, &conditions, work) {
        Err(Stopped { by, done }) => {
            let message =
                format!("The tests {} after {done} of {}. No result was recorded.", how(&by), tests.len());
            OpEnd::of(&by, message)
        }
        Ok(_) if running(work).as_ref() != Some(&generation) => OpEnd::failed(format!(
            "The host moved away from {generation} while the tests ran. No result was recorded. Run them again."
        )),
        Ok(run) => match record(work, &run) {
            Ok(()) if run.summary().all_passed() => OpEnd::completed(host_tests::describe(&run)),
            Ok(()) => OpEnd::failed(host_tests::describe(&run)),
            Err(error) => OpEnd::failed(format!(
                "{} The result could not be recorded: {error}.",
                host_tests::describe(&run)
            )),
        },
    }
}

/// Records the run, and makes room for others.
fn record(work: &mut Work<'_>, run: &TestRun) -> std::io::Result<()> {
    let config = std::sync::Arc::clone(work.config());
    host_tests::record(&config.state_dir, run)?;
    let profile = work.facts().read_generations().generations;
    let now = work.clock().now();
    if let Err(error) = host_tests::delete_old(&config.state_dir, &profile, now, config.tests.keep_days) {
        work.say(&format!("Old test results could not be deleted: {error}."));
    }
    Ok(())
}

fn running(work: &Work<'_>) -> Option<GenerationRef> {
    work.facts().read_generations().running_generation().map(backstay_model::Generation::reference)
}

impl Watcher for Work<'_> {
    fn line(&mut self, stream: Stream, text: &str) {
        Work::line(self, stream, text);
    }

    fn ended(&mut self, done: usize, total: usize) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.phase(Phase::Testing { done: number(done), total: number(total) });
    }
}
