//! The words for a roll-out.

use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::wire::limits::few;
use backstay_model::{OpAction, OpKind, OpStatus, OpView, Phase};
use chrono::{DateTime, Utc};

use crate::components::FEW_LINES;
use crate::time::rough;

/// “5 hosts”.
pub(crate) fn hosts(count: usize) -> String {
    if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") }
}

/// What a roll-out does.
pub(crate) fn what(kind: OpKind) -> &'static str {
    if kind == OpKind::Rollback { "Rollback" } else { kind.title() }
}

/// The title of a roll-out, such as “Pull and Switch on 5 hosts”.
pub(crate) fn title(rollout: &Rollout) -> String {
    format!("{} on {}", what(rollout.kind), hosts(rollout.hosts.len()))
}

/// The current activity on a host, from its op if known.
fn doing(host: &RolloutHost, op: Option<&OpView>) -> &'static str {
    if matches!(host.step, RolloutStep::Testing { .. }) {
        return "testing";
    }
    if op.is_some_and(|op| op.status == OpStatus::Queued) {
        return "waiting for the host";
    }
    match host.action {
        OpAction::Pull => "pulling",
        OpAction::PullSwitch if op.is_none_or(|op| op.phase.is_none_or(|phase| phase == Phase::Pulling)) => {
            "pulling"
        }
        OpAction::PullSwitch | OpAction::Switch => "switching",
        OpAction::Rollback { .. } => "rolling back",
        OpAction::Test => "testing",
        OpAction::Refresh => "refreshing",
    }
}

/// The step of a host: its look, and words.
pub(super) fn step(host: &RolloutHost, op: Option<&OpView>) -> (&'static str, String) {
    match &host.step {
        RolloutStep::Waiting => ("unknown", "queued".to_owned()),
        RolloutStep::Running { .. } | RolloutStep::Testing { .. } => {
            ("working", format!("{}…", doing(host, op)))
        }
        RolloutStep::Ok { .. } => ("ok", "done".to_owned()),
        RolloutStep::Failed { why, .. } => ("failed", format!("failed: {why}")),
        RolloutStep::Skipped { why } => ("attention", format!("skipped: {why}")),
    }
}

/// The progress or result, with the failed hosts first: “3 of 5 hosts, 1 failed (gpc0), imac0 switching…”.
pub(super) fn progress<'a>(rollout: &Rollout, op: impl Fn(&RolloutHost) -> Option<&'a OpView>) -> String {
    let (all, over) = (rollout.hosts.len(), count(rollout, RolloutStep::is_over));
    let failed = failed(rollout);
    let failed = (!failed.is_empty()).then(|| format!("{} failed ({})", failed.len(), few(&failed)));
    let at_work: Vec<_> = rollout
        .hosts
        .iter()
        .filter(|host| matches!(host.step, RolloutStep::Running { .. } | RolloutStep::Testing { .. }))
        .map(|host| format!("{} {}…", host.name, doing(host, op(host))))
        .collect();
    let at_work = (!at_work.is_empty()).then(|| few(&at_work));
    let done = if rollout.state.is_open() { "" } else { " done" };
    let parts = [format!("{over} of {}{done}", hosts(all))].into_iter().chain(failed).chain(at_work);
    parts.collect::<Vec<_>>().join(", ")
}

/// The names of the failed hosts.
fn failed(rollout: &Rollout) -> Vec<&str> {
    let is_failed = |host: &&RolloutHost| matches!(host.step, RolloutStep::Failed { .. });
    rollout.hosts.iter().filter(is_failed).map(|host| host.name.as_str()).collect()
}

/// The time left, from its own hosts: “about 9 min left, 42 s per host”.
pub(super) fn pace(rollout: &Rollout, now: DateTime<Utc>) -> Option<String> {
    let pace = rollout.pace(now)?;
    Some(format!("about {} left, {} per host", rough(pace.left), rough(pace.per_host)))
}

/// The names of the hosts in the order of their start, or, if they are many, of their urgency. A few are all in sight, and
/// none moves away from under a finger.
pub(super) fn names(rollout: &Rollout) -> Vec<String> {
    let mut hosts: Vec<_> = rollout.hosts.iter().collect();
    if hosts.len() > FEW_LINES {
        hosts.sort_by_key(|host| urgency(&host.step));
    }
    hosts.into_iter().map(|host| host.name.clone()).collect()
}

fn urgency(step: &RolloutStep) -> u8 {
    match step {
        RolloutStep::Failed { .. } => 0,
        RolloutStep::Running { .. } | RolloutStep::Testing { .. } => 1,
        RolloutStep::Waiting => 2,
        RolloutStep::Skipped { .. } => 3,
        RolloutStep::Ok { .. } => 4,
    }
}

/// Who paused a roll-out, and when, while it is paused.
pub(super) fn paused(rollout: &Rollout) -> Option<(String, DateTime<Utc>)> {
    let at = rollout.paused_at.filter(|_| rollout.is_paused())?;
    let by =
        rollout.paused_by.as_ref().map_or("Paused as planned".to_owned(), |by| format!("Paused by {by}"));
    Some((by, at))
}

/// Why a roll-out is stopping, or stopped, before every host was started; or when it will pause or stop. A
/// failure changes the line, and adds none that would move the page.
pub(super) fn why(rollout: &Rollout) -> Option<String> {
    match &rollout.state {
        RolloutState::Stopping { why } => Some(format!("Stopping: {}", sentence(why))),
        RolloutState::Stopped { why } => Some(format!("Stopped: {}", sentence(why))),
        RolloutState::Running if rollout.is_paused() => None,
        RolloutState::Running => match rollout.pause_after {
            Some(first) => Some(format!("Pauses after {}.", hosts(first as usize))),
            None => rollout.stop_on_failure.then(|| "Stops at the first failure.".to_owned()),
        },
        RolloutState::Done => {
            (rollout.stop_on_failure && failed(rollout).is_empty()).then(|| "No host failed.".to_owned())
        }
    }
}

fn sentence(why: &str) -> String {
    if why.ends_with(['.', '!', '?']) { why.to_owned() } else { format!("{why}.") }
}

pub(super) fn count(rollout: &Rollout, is: impl Fn(&RolloutStep) -> bool) -> usize {
    rollout.hosts.iter().filter(|host| is(&host.step)).count()
}

/// The op behind a host's log, if there is one.
pub(super) fn log(step: &RolloutStep) -> Option<backstay_model::OpId> {
    match step {
        RolloutStep::Running { op } | RolloutStep::Testing { op } | RolloutStep::Ok { op } => Some(*op),
        RolloutStep::Failed { op, .. } => *op,
        RolloutStep::Waiting | RolloutStep::Skipped { .. } => None,
    }
}

/// The look of a roll-out.
pub(super) fn look(rollout: &Rollout) -> &'static str {
    let well = count(rollout, |step| matches!(step, RolloutStep::Ok { .. })) == rollout.hosts.len();
    match rollout.state {
        RolloutState::Running if rollout.is_paused() => "attention",
        RolloutState::Running | RolloutState::Stopping { .. } => "working",
        RolloutState::Done if well => "ok",
        RolloutState::Done | RolloutState::Stopped { .. } => {
            if failed(rollout).is_empty() {
                "attention"
            } else {
                "failed"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{HostId, OpId, sample};
    use chrono::TimeDelta;

    use super::*;

    fn host(name: &str, step: RolloutStep) -> RolloutHost {
        RolloutHost { step, ..RolloutHost::waiting(HostId::new(), name.into(), OpAction::PullSwitch) }
    }

    fn rollout(state: RolloutState, hosts: Vec<RolloutHost>) -> Rollout {
        Rollout { state, ..sample::rollout(OpKind::PullSwitch, hosts) }
    }

    fn op(status: OpStatus, phase: Option<Phase>) -> OpView {
        OpView { phase, ..sample::op(OpAction::PullSwitch, status) }
    }

    fn ok() -> RolloutStep {
        RolloutStep::Ok { op: OpId::new() }
    }

    fn running() -> RolloutStep {
        RolloutStep::Running { op: OpId::new() }
    }

    fn failed() -> RolloutStep {
        RolloutStep::Failed { op: None, why: "x11".into(), in_tests: false }
    }

    #[test]
    fn a_running_roll_out_shows_its_progress() {
        let steps = [ok(), ok(), ok(), running(), RolloutStep::Waiting];
        let names = ["gpc0", "hsb0", "hsb1", "imac0", "csb0"];
        let hosts = names.iter().zip(steps).map(|(name, step)| host(name, step)).collect();
        let rollout = rollout(RolloutState::Running, hosts);
        let switching = op(OpStatus::Running, Some(Phase::Activating));
        assert_eq!(progress(&rollout, |_| Some(&switching)), "3 of 5 hosts, imac0 switching…");
        let pulling = op(OpStatus::Running, Some(Phase::Pulling));
        assert_eq!(progress(&rollout, |_| Some(&pulling)), "3 of 5 hosts, imac0 pulling…");
        let queued = op(OpStatus::Queued, None);
        assert_eq!(progress(&rollout, |_| Some(&queued)), "3 of 5 hosts, imac0 waiting for the host…");
        assert_eq!(title(&rollout), "Pull and Switch on 5 hosts");
        assert_eq!(look(&rollout), "working");
    }

    #[test]
    fn a_closed_roll_out_shows_its_result() {
        let done = rollout(RolloutState::Done, vec![host("gpc0", ok())]);
        assert_eq!((progress(&done, |_| None), look(&done)), ("1 of 1 host done".to_owned(), "ok"));
        let skipped = RolloutStep::Skipped { why: "imac0 failed".into() };
        let state = RolloutState::Stopped { why: "imac0 failed".into() };
        let stopped = rollout(state, vec![host("imac0", failed()), host("csb0", skipped.clone())]);
        assert_eq!(
            (progress(&stopped, |_| None), look(&stopped)),
            ("2 of 2 hosts done, 1 failed (imac0)".to_owned(), "failed")
        );
        assert_eq!(why(&stopped).unwrap(), "Stopped: imac0 failed.");
        let left_out = rollout(RolloutState::Done, vec![host("gpc0", ok()), host("csb0", skipped)]);
        assert_eq!(look(&left_out), "attention");
    }

    #[test]
    fn a_failure_changes_the_line_that_is_there_from_the_start() {
        let waiting = || host("csb0", RolloutStep::Waiting);
        let stopping = RolloutState::Stopping { why: "imac0 failed".into() };
        for (rollout, words) in [
            (rollout(RolloutState::Running, vec![waiting()]), "Stops at the first failure."),
            (rollout(stopping, vec![host("imac0", failed()), waiting()]), "Stopping: imac0 failed."),
            (rollout(RolloutState::Done, vec![host("gpc0", ok())]), "No host failed."),
        ] {
            assert_eq!(why(&rollout).unwrap(), words);
        }
    }

    #[test]
    fn a_pause_is_announced_and_then_shown_with_who_paused_it() {
        let hosts = vec![host("gpc0", ok()), host("csb0", RolloutStep::Waiting)];
        let first = Rollout { pause_after: Some(1), ..rollout(RolloutState::Running, hosts) };
        assert_eq!(why(&first).unwrap(), "Pauses after 1 host.");
        assert_eq!(paused(&first), None);
        let automatic = Rollout { paused_at: Some(sample::now()), ..first };
        let words = "Paused as planned".to_owned();
        assert_eq!(paused(&automatic), Some((words, sample::now())));
        let by_maria = Rollout { paused_by: Some("maria".into()), ..automatic };
        assert_eq!(paused(&by_maria).unwrap().0, "Paused by maria");
        assert_eq!((why(&by_maria), look(&by_maria)), (None, "attention"));
        let stopping = Rollout { state: RolloutState::Stopping { why: "x".into() }, ..by_maria };
        assert_eq!(paused(&stopping), None);
    }

    #[test]
    fn of_many_hosts_the_failed_ones_come_first() {
        let skipped = RolloutStep::Skipped { why: "busy".into() };
        let steps =
            [("a", ok()), ("b", RolloutStep::Waiting), ("c", running()), ("d", skipped), ("e", failed())];
        let hosts: Vec<_> = steps.into_iter().map(|(name, step)| host(name, step)).collect();
        let few = rollout(RolloutState::Running, hosts.clone());
        assert_eq!(names(&few).concat(), "abcde");
        let done = (0..FEW_LINES).map(|_| host("x", ok()));
        let many = rollout(RolloutState::Running, hosts.into_iter().chain(done).collect());
        assert_eq!(names(&many).concat().trim_end_matches('x'), "ecbda");
    }

    #[test]
    fn the_time_left_comes_from_the_ends_so_far() {
        let ended = |minutes| RolloutHost {
            ended_at: Some(sample::now() + TimeDelta::minutes(minutes)),
            ..host("gpc0", ok())
        };
        let waiting = (0..28).map(|_| host("csb0", RolloutStep::Waiting));
        let hosts = (1..=12).map(ended).chain(waiting).collect();
        let rollout = Rollout { created_at: sample::now(), ..rollout(RolloutState::Running, hosts) };
        let now = sample::now() + TimeDelta::minutes(12);
        assert_eq!(pace(&rollout, now).unwrap(), "about 28 min left, 1 min per host");
    }

    #[test]
    fn each_step_has_its_look() {
        let steps =
            [RolloutStep::Waiting, running(), ok(), failed(), RolloutStep::Skipped { why: "busy".into() }];
        let looks: Vec<_> = steps.into_iter().map(|s| step(&host("gpc0", s), None).0).collect();
        assert_eq!(looks, ["unknown", "working", "ok", "failed", "attention"]);
    }
}
