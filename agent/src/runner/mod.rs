//! The runner: a process of its own that performs one op of the journal, even if the agent dies.

mod detach;
mod op_end;
mod others;
mod position;
mod pull;
mod report;
mod rollback;
mod switch;
mod tests_op;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_model::wire::message::OpResult;
use backstay_model::{Clock, OpAction, Outcome, Phase, SystemClock};

use crate::journal::Entry;
use crate::lock::Lock;
use crate::unit::Unit;
pub(crate) use detach::{DETACH, detach};
use op_end::OpEnd;
pub(crate) use pull::note_left as note_left_locks;
use work::Work;

/// First pause before the op's result is written again after a disk error.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Upper bound on that pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Performs the op whose journal entry is in `folder`, unless another runner has begun it. `agent` is the
/// unit of the agent that started this runner.
///
/// # Errors
/// If the entry cannot be read or the op cannot be marked as begun. Nothing has been done in that case.
pub(crate) fn run_op(folder: &Path, agent: Option<&Unit>) -> Result<()> {
    // In its own session, neither a terminal nor a supervisor that ends the agent's session reaches the
    // runner. The call fails if this process already leads a session.
    let _ = rustix::process::setsid();
    let folder = folder.canonicalize().with_context(|| format!("no journal entry {}", folder.display()))?;
    let entry = Entry::read(&folder)?;
    let Some(lock) = lock(&entry)? else {
        tracing::info!(op = %entry.op(), "another runner has this op");
        return Ok(());
    };
    entry.begin().context("the op cannot be marked as begun")?;
    lock.share_with_commands()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let started_at = clock.now();
    let OpEnd { outcome, exit_code, commit, message, activated } = perform(&entry, &clock);
    // The clock may have been set back since.
    let finished_at = clock.now().max(started_at);
    let ended = end(&entry, &OpResult { outcome, exit_code, commit, message, started_at, finished_at });
    if let (true, Some(unit), Ok(config)) = (activated, agent, entry.config()) {
        // An activation stops the agent's unit and starts it at its end, which it may not have reached, and
        // then nothing else would start the unit. An op without an activation has stopped nothing: if the
        // unit is down, a person stopped it.
        unit.start_if_down(&config.commands);
    }
    ended
}

/// Returns the op's lock, or `None` if another runner holds it or held it. An agent that checks the lock
/// holds it for an instant, so one attempt is not enough.
fn lock(entry: &Entry) -> Result<Option<Lock>> {
    for _ in 0..100 {
        if entry.has_begun() {
            return Ok(None);
        }
        if let Some(lock) = entry.lock()? {
            return Ok((!entry.has_begun()).then_some(lock));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// Performs the op, and returns how it ended even if this program has a bug.
fn perform(entry: &Entry, clock: &Arc<dyn Clock>) -> OpEnd {
    catch_unwind(AssertUnwindSafe(|| attempt(entry, clock))).unwrap_or_else(|_| {
        OpEnd::failed(
            "The agent's runner crashed. What was changed is unknown. See its log on the host, and check the state of the host.",
        )
    })
}

fn attempt(entry: &Entry, clock: &Arc<dyn Clock>) -> OpEnd {
    let config = match entry.config() {
        Ok(config) => Arc::new(config),
        Err(why) => {
            return OpEnd::refused(format!("The op cannot be read: {why}. Nothing was changed. Try again."));
        }
    };
    // Held while the op runs and released before its result is written: the next op may follow immediately.
    let host = match Lock::take(&config.state_dir.join("op.lock")) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            return OpEnd::refused(
                "Another op is running on this host. Nothing was changed. Wait for it to end.",
            );
        }
        Err(error) => {
            return OpEnd::refused(format!("The host could not be locked ({error}). Nothing was changed."));
        }
    };
    let end = match Work::new(entry, config, Arc::clone(clock)) {
        Ok(mut work) => {
            let end = work.stopped().unwrap_or_else(|| dispatch(&mut work, &entry.file().action));
            work.finish(end)
        }
        Err(error) => {
            OpEnd::refused(format!("The journal cannot be written ({error}). Nothing was changed."))
        }
    };
    drop(host);
    end
}

fn dispatch(work: &mut Work<'_>, action: &OpAction) -> OpEnd {
    if work.config().observe && action.kind().deploys() {
        return OpEnd::refused(
            "Something else deploys this host (`observe = true` in its agent's configuration). Nothing was changed.",
        );
    }
    match action {
        OpAction::Rollback { target, seen_current, specialisation } => {
            rollback::run(work, target, seen_current, specialisation.as_deref())
        }
        OpAction::Switch => switch::run(work),
        OpAction::Pull => pull::run(work),
        OpAction::PullSwitch => pull_switch(work),
        OpAction::Test => tests_op::run(work),
        OpAction::Refresh => refresh(work),
    }
}

/// Switches only if the pull succeeded. The result names the pulled commit either way.
fn pull_switch(work: &mut Work<'_>) -> OpEnd {
    let pulled = pull::run(work);
    if pulled.outcome != Outcome::Completed {
        return pulled;
    }
    work.say(&pulled.message);
    let switched = work.stopped_before("the switch").unwrap_or_else(|| switch::run(work));
    let end = if switched.outcome == Outcome::Completed {
        OpEnd { message: format!("{} {}", pulled.message, switched.message), ..switched }
    } else {
        // The reason comes first. The checkout may have moved even if the switch changed nothing.
        switched.and(&format!("The checkout was pulled first: {}", pulled.message))
    };
    OpEnd { commit: pulled.commit, ..end }
}

/// The agent reads the host at the end of every op, so this one only shows what cannot be read.
fn refresh(work: &mut Work<'_>) -> OpEnd {
    work.phase(Phase::ReadingFacts);
    let facts = work.facts().read();
    for problem in &facts.problems {
        work.say(problem);
    }
    OpEnd::completed(format!("The host was read: {} generations.", facts.generations.len()))
}

/// Writes the result, and retries until the disk takes it: nothing else knows it.
fn end(entry: &Entry, result: &OpResult) -> Result<()> {
    let mut pause = FIRST_PAUSE;
    while let Err(error) = entry.end(result) {
        if !entry.folder().exists() {
            return Err(error).context("the op's result is lost because its folder in the journal is gone");
        }
        tracing::error!(%error, "the op's result cannot be written; retrying");
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}
