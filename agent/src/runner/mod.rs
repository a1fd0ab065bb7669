//! The runner: a process of its own that does one op of the journal, whatever becomes of the agent.

mod detach;
mod op_end;
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

/// The first pause before the end of an op is written again, where the disk did not take it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Does the op whose journal entry is in `folder`, unless another runner has begun it. `agent` is the unit of the agent that
/// started this runner.
///
/// # Errors
/// Where the entry cannot be read or the op not be marked as begun; nothing has been done then.
pub(crate) fn run_op(folder: &Path, agent: Option<&Unit>) -> Result<()> {
    // A session of its own: neither a terminal nor a supervisor that ends the agent's reaches it. Where this process
    // leads one already, there is nothing to do.
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
    // The clock may have been set back meanwhile.
    let finished_at = clock.now().max(started_at);
    let ended = end(&entry, &OpResult { outcome, exit_code, commit, message, started_at, finished_at });
    if let (true, Some(unit), Ok(config)) = (activated, agent, entry.config()) {
        // An activation stops the agent's unit and starts it at its end, to which it may not have come. Nobody else would
        // start it then. An op that activated nothing has stopped nothing: if the unit is down, a person wanted that.
        unit.start_if_down(&config.commands);
    }
    ended
}

/// The lock of the op; none where another runner holds it or has held it. An agent that looks whether the lock is free
/// holds it for an instant, so one look is not enough.
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

/// Does the op, and says how it ended, also where this program itself is at fault.
fn perform(entry: &Entry, clock: &Arc<dyn Clock>) -> OpEnd {
    catch_unwind(AssertUnwindSafe(|| attempt(entry, clock))).unwrap_or_else(|_| {
        OpEnd::failed(
            "The agent's runner has a fault and stopped. See its log on the host, and what the host is now.",
        )
    })
}

fn attempt(entry: &Entry, clock: &Arc<dyn Clock>) -> OpEnd {
    let config = match entry.config() {
        Ok(config) => Arc::new(config),
        Err(why) => return OpEnd::refused(format!("Nothing was changed: {why}. Try again.")),
    };
    // Held while the op is at work and let go before its end is known: the next op may follow at once.
    let host = match Lock::take(&config.state_dir.join("op.lock")) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            return OpEnd::refused(
                "Another op is at work on this host. Nothing was changed. Wait for its end.",
            );
        }
        Err(error) => {
            return OpEnd::refused(format!("Nothing was changed: no lock for the host ({error})."));
        }
    };
    let end = match Work::new(entry, config, Arc::clone(clock)) {
        Ok(mut work) => {
            let end = work.stopped().unwrap_or_else(|| dispatch(&mut work, &entry.file().action));
            work.finish(end)
        }
        Err(error) => {
            OpEnd::refused(format!("Nothing was changed: the journal cannot be written ({error})."))
        }
    };
    drop(host);
    end
}

fn dispatch(work: &mut Work<'_>, action: &OpAction) -> OpEnd {
    match action {
        OpAction::Rollback { target, seen_current } => rollback::run(work, target, seen_current),
        OpAction::Switch => switch::run(work),
        OpAction::Pull => pull::run(work),
        OpAction::PullSwitch => pull_switch(work),
        OpAction::Test => tests_op::run(work),
        OpAction::Refresh => refresh(work),
    }
}

/// Switches only where the pull went well; the end still says which commit was pulled.
fn pull_switch(work: &mut Work<'_>) -> OpEnd {
    let pulled = pull::run(work);
    if pulled.outcome != Outcome::Completed {
        return pulled;
    }
    work.say(&pulled.message);
    let switched = work.stopped_before("the switch").unwrap_or_else(|| switch::run(work));
    let told = if switched.outcome == Outcome::Completed {
        OpEnd { message: format!("{} {}", pulled.message, switched.message), ..switched }
    } else {
        // Why it failed comes first. Also where the switch has changed nothing, the checkout may have moved.
        switched.and(&format!("The checkout was pulled first: {}", pulled.message))
    };
    OpEnd { commit: pulled.commit, ..told }
}

/// The agent reads the host at the end of every op; this one has nothing more to do than to show what cannot be read.
fn refresh(work: &mut Work<'_>) -> OpEnd {
    work.phase(Phase::ReadingFacts);
    let facts = work.facts().read();
    for problem in &facts.problems {
        work.say(problem);
    }
    OpEnd::completed(format!("The host was read: {} generations.", facts.generations.len()))
}

/// Writes the end down, however long the disk does not take it: nobody else knows it.
fn end(entry: &Entry, result: &OpResult) -> Result<()> {
    let mut pause = FIRST_PAUSE;
    while let Err(error) = entry.end(result) {
        if !entry.folder().exists() {
            return Err(error).context("the op's end is lost, for its place in the journal is gone");
        }
        tracing::error!(%error, "the op's end cannot be written; trying again");
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}
