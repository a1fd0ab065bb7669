//! The words for a deployment, and the actions that it offers.

use backstay_model::deployment::{Decision, Deployment, HostOutcome, Step};
use backstay_model::rollback::is_built_from;
use backstay_model::{Generation, HostView, Lights, OpId, State};

use crate::components::FEW_LINES;

/// The look of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A host failed, and a person has to decide.
    Failed,
    /// Something is left to do, or in progress.
    Going,
    /// Finished.
    Good,
}

impl Look {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Going => "going",
            Self::Good => "good",
        }
    }

    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Failed => "attention",
            Self::Going => "switch",
            Self::Good => "ok",
        }
    }
}

/// The heading of a deployment's panel.
pub(super) fn heading(deployment: &Deployment) -> String {
    let number = deployment.pull_request.number;
    match &deployment.decision {
        Decision::Open if deployment.needs_decision() => "Deployment Failed".to_owned(),
        Decision::Open | Decision::Continued { .. } | Decision::Superseded => {
            format!("Deployment of PR #{number}")
        }
        Decision::Reverting { .. } => format!("Reverting PR #{number}…"),
        Decision::Reverted { .. } => format!("PR #{number} reverted"),
        Decision::Proposed { .. } => format!("Revert of PR #{number} proposed"),
    }
}

/// The decision in a sentence; `None` if there is none.
pub(super) fn decided(deployment: &Deployment) -> Option<String> {
    let number = deployment.pull_request.number;
    match &deployment.decision {
        Decision::Open => None,
        Decision::Continued { by, .. } => Some(format!("{by} continued despite failures.")),
        Decision::Reverting { by, .. } => {
            Some(format!("Requested by {by}. The revert is being created on GitHub."))
        }
        Decision::Reverted { by, commit, .. } => {
            Some(format!("PR #{number} reverted by {by} (commit {commit})."))
        }
        Decision::Proposed { by, .. } => Some(format!(
            "{by} requested a revert. The branch does not accept pushes, so the revert was proposed as a pull request."
        )),
        Decision::Superseded => Some("A later pull request was merged.".to_owned()),
    }
}

/// The decision in a word or two.
pub(crate) fn decision_words(deployment: &Deployment) -> &'static str {
    match &deployment.decision {
        Decision::Open if deployment.needs_decision() => "Needs a decision",
        Decision::Open => "Open",
        Decision::Continued { .. } => "Continued anyway",
        Decision::Reverting { .. } => "Reverting",
        Decision::Reverted { .. } => "Reverted",
        Decision::Proposed { .. } => "Revert proposed",
        Decision::Superseded => "Superseded",
    }
}

/// The look of a host's result: the name of an icon, and its sign in plain text.
pub(super) fn mark(outcome: &HostOutcome) -> (&'static str, &'static str) {
    let running = |step: &Step| matches!(step, Step::Running { .. });
    match outcome.switch {
        _ if outcome.is_failed() => ("failed", "✗"),
        _ if running(&outcome.switch) || running(&outcome.tests) => ("working", "…"),
        Step::Ok { .. } => ("ok", "✓"),
        _ => ("unknown", "⬜"),
    }
}

/// The names of the hosts: by name, or of many, failed ones first and finished ones last.
pub(super) fn in_order(deployment: &Deployment) -> Vec<String> {
    let mut hosts: Vec<_> = deployment.hosts.iter().collect();
    if hosts.len() > FEW_LINES {
        hosts.sort_by_key(|host| {
            ["failed", "working", "unknown", "ok"].iter().position(|look| *look == mark(host).0)
        });
    }
    hosts.into_iter().map(|host| host.name.clone()).collect()
}

/// The results in counts: “2 OK, 1 failed, 1 not attempted”.
pub(crate) fn counts(deployment: &Deployment) -> String {
    let count = |sign: &str| deployment.hosts.iter().filter(|host| mark(host).1 == sign).count();
    let parts: Vec<_> = [("✓", "OK"), ("✗", "failed"), ("…", "in progress"), ("⬜", "not attempted")]
        .into_iter()
        .map(|(sign, words)| (count(sign), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if parts.is_empty() { "no hosts".to_owned() } else { parts.join(", ") }
}

/// Returns whether a host is done: it was switched, and any automatic tests passed.
fn is_through(outcome: &HostOutcome, host: Option<&HostView>) -> bool {
    let untested = || host.is_none_or(|h| !h.auto_test || h.lights.tests.state == State::Unknown);
    match (&outcome.switch, &outcome.tests) {
        (Step::Ok { .. }, Step::Ok { .. }) => true,
        (Step::Ok { .. }, Step::NotAttempted) => untested(),
        _ => false,
    }
}

/// Number of hosts that are done, or after a revert, have recovered.
pub(super) fn through(deployment: &Deployment, host: impl Fn(&HostOutcome) -> Option<HostView>) -> usize {
    let reverted = matches!(deployment.decision, Decision::Reverted { .. });
    let is_done = |outcome: &&HostOutcome| {
        let host = host(outcome);
        if reverted {
            host.is_some_and(|h| after_revert(deployment, &h).0 == State::Ok)
        } else {
            is_through(outcome, host.as_ref())
        }
    };
    deployment.hosts.iter().filter(is_done).count()
}

/// The look of a deployment with this many hosts done.
pub(super) fn look(deployment: &Deployment, through: usize) -> Look {
    let all = through == deployment.hosts.len();
    match deployment.decision {
        _ if deployment.needs_decision() => Look::Failed,
        Decision::Superseded => Look::Good,
        Decision::Open | Decision::Continued { .. } | Decision::Reverted { .. } if all => Look::Good,
        _ => Look::Going,
    }
}

/// The next step on a host after a revert, decided by its running generation and then by its lights.
pub(super) fn after_revert(deployment: &Deployment, host: &HostView) -> (State, String) {
    let Lights { git, lock, system, tests, .. } = &host.lights;
    let lights = [git, lock, system, tests];
    let first = |state: State| lights.iter().find(|light| light.state == state);
    if let Some(working) = first(State::Working) {
        return (State::Working, working.words.clone());
    }
    if let Some(broken) = [git, lock, system].into_iter().find(|light| light.state == State::Failed) {
        return (State::Failed, broken.words.clone());
    }
    if [git, lock].iter().any(|light| light.state == State::Attention) {
        return (State::Attention, "Pull due".to_owned());
    }
    if let Some(words) = host.generation.as_ref().and_then(|generation| still_on_it(deployment, generation)) {
        return (State::Attention, words);
    }
    match (system.state, tests.state) {
        (State::Attention, _) => (State::Attention, system.words.clone()),
        (_, State::Failed) => (State::Failed, format!("Tests: {}", tests.words)),
        (_, State::Attention) => (State::Attention, "Tests due".to_owned()),
        (State::Unknown, _) => (State::Unknown, system.words.clone()),
        (_, State::Unknown) => (State::Ok, "No longer on it, untested".to_owned()),
        _ => (State::Ok, "Recovered".to_owned()),
    }
}

/// Says that a generation is, or may be, from a reverted deployment. One without a commit may be if it was
/// made between merge and revert.
fn still_on_it(deployment: &Deployment, generation: &Generation) -> Option<String> {
    let (commit, number) = (&deployment.commit, deployment.pull_request.number);
    if generation.commit.is_some() {
        return is_built_from(generation, commit).then(|| format!("Still on {commit} of PR #{number}"));
    }
    let Decision::Reverted { at, .. } = deployment.decision else { return None };
    let is_of_its_time = (deployment.merged_at..=at).contains(&generation.created_at);
    is_of_its_time.then(|| format!("May still be on PR #{number}"))
}

/// Whether a host is being rolled back, or was.
pub(super) fn rolled_back(host: &HostView) -> Option<(State, String)> {
    let system = &host.lights.system;
    let rolled = system.words.starts_with("Rolled back") || system.words.starts_with("Rolling back");
    rolled.then(|| (system.state, system.words.clone()))
}

/// The actions that a panel offers to operators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a button of its own")]
pub(super) struct Offers {
    pub(super) revert: bool,
    pub(super) continue_anyway: bool,
    pub(super) roll_back: bool,
    pub(super) roll_out: bool,
}

impl Offers {
    /// `in_full`: on the deployment's own page, which offers a revert even if no host failed.
    pub(super) fn of(deployment: &Deployment, through: usize, in_full: bool) -> Self {
        let failed = deployment.hosts.iter().any(HostOutcome::is_failed);
        let left = through < deployment.hosts.len();
        let undecided = matches!(deployment.decision, Decision::Open | Decision::Continued { .. });
        Self {
            revert: undecided && (failed || in_full),
            continue_anyway: deployment.needs_decision(),
            roll_back: failed && deployment.decision.is_active(),
            roll_out: left
                && match deployment.decision {
                    Decision::Open => !failed,
                    Decision::Continued { .. } | Decision::Reverted { .. } => true,
                    _ => false,
                },
        }
    }
}

/// The logs of failed hosts: the host, the step, and the op.
pub(super) fn logs(deployment: &Deployment) -> Vec<(String, &'static str, OpId)> {
    let of_host = |host: &HostOutcome| {
        let steps = [("switch", host.switch.op()), ("tests", host.tests.op())];
        let name = host.name.clone();
        steps.into_iter().filter_map(move |(step, op)| Some((name.clone(), step, op?)))
    };
    deployment.failed().flat_map(of_host).collect()
}

#[cfg(test)]
mod tests {
    use backstay_model::deployment::HostEvent;
    use backstay_model::{Commit, HostId, Light, Platform, sample};
    use chrono::DateTime;

    use super::*;

    fn light(state: State, words: &str) -> Light {
        Light { state, words: words.into(), hint: String::new() }
    }

    fn host(git: Light, system: Light, tests: Light) -> HostView {
        let lights = Lights { agent: light(State::Ok, "Current"), lock: git.clone(), git, system, tests };
        HostView { platform: Platform::Darwin, lights, ..sample::host("imac0") }
    }

    fn fine() -> HostView {
        host(light(State::Ok, "At c1"), light(State::Ok, "Gen 47"), light(State::Ok, "8/8 passed"))
    }

    fn outcome(name: &str, heard: impl IntoIterator<Item = HostEvent>) -> HostOutcome {
        let mut outcome = HostOutcome::new(HostId::new(), name.into());
        for heard in heard {
            outcome.apply(OpId::new(), heard);
        }
        outcome
    }

    fn good(name: &str) -> HostOutcome {
        outcome(name, [HostEvent::SwitchEnded(Ok(())), HostEvent::TestsEnded(Ok(()))])
    }

    fn bad(name: &str) -> HostOutcome {
        outcome(name, [HostEvent::SwitchEnded(Ok(())), HostEvent::TestsEnded(Err("x11".into()))])
    }

    fn deployment(decision: Decision, hosts: Vec<HostOutcome>) -> Deployment {
        Deployment { decision, hosts, ..sample::deployment(42, "abc1234567") }
    }

    fn reverted() -> Decision {
        Decision::Reverted {
            by: "maria".into(),
            at: DateTime::UNIX_EPOCH,
            commit: Commit("abc1234567".into()),
            reason: None,
        }
    }

    fn continued() -> Decision {
        Decision::Continued { by: "maria".into(), at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn many_hosts_come_with_the_failed_ones_first() {
        let mut all = sample::deployment(42, "c");
        for number in 0..30 {
            let mut outcome = HostOutcome::new(HostId::new(), format!("web-{number:02}"));
            if number == 17 {
                outcome.apply(OpId::new(), HostEvent::SwitchEnded(Err("exit 4".into())));
            }
            if number == 0 {
                outcome.apply(OpId::new(), HostEvent::SwitchEnded(Ok(())));
            }
            all.hosts.push(outcome);
        }
        let order = in_order(&all);
        assert_eq!(
            (order[0].as_str(), order[1].as_str(), order[29].as_str()),
            ("web-17", "web-01", "web-00")
        );
        all.hosts.truncate(FEW_LINES);
        assert_eq!(in_order(&all)[17], "web-17", "a few are found by name");
    }

    #[test]
    fn the_heading_reports_a_failed_host() {
        assert_eq!(heading(&deployment(Decision::Open, vec![good("gpc0")])), "Deployment of PR #42");
        assert_eq!(heading(&deployment(Decision::Open, vec![bad("imac0")])), "Deployment Failed");
        assert_eq!(heading(&deployment(continued(), vec![bad("imac0")])), "Deployment of PR #42");
        let reverted = deployment(reverted(), vec![bad("imac0")]);
        assert_eq!(heading(&reverted), "PR #42 reverted");
        assert_eq!(decided(&reverted).unwrap(), "PR #42 reverted by maria (commit abc1234).");
    }

    #[test]
    fn each_outcome_has_a_sign_of_its_own() {
        let signs: Vec<_> = [
            good("gpc0"),
            bad("imac0"),
            outcome("hsb0", [HostEvent::SwitchStarted]),
            outcome("hsb1", [HostEvent::SwitchEnded(Ok(())), HostEvent::TestsStarted]),
            outcome("hsb2", [HostEvent::SwitchEnded(Ok(()))]),
            outcome("csb0", []),
        ]
        .iter()
        .map(|host| mark(host).1)
        .collect();
        assert_eq!(signs, ["✓", "✗", "…", "…", "✓", "⬜"]);
        let all = deployment(Decision::Open, vec![good("a"), bad("b"), bad("c"), outcome("d", [])]);
        assert_eq!(counts(&all), "1 OK, 2 failed, 1 not attempted");
        assert_eq!(counts(&deployment(Decision::Open, vec![])), "no hosts");
    }

    #[test]
    fn a_host_is_through_when_its_tests_passed_or_are_not_automatic() {
        let switched = outcome("gpc0", [HostEvent::SwitchEnded(Ok(()))]);
        assert!(is_through(&good("gpc0"), Some(&fine())));
        assert!(!is_through(&bad("gpc0"), Some(&fine())));
        assert!(!is_through(&switched, Some(&fine())));
        assert!(is_through(&switched, Some(&HostView { auto_test: false, ..fine() })));
        let without = host(light(State::Ok, ""), light(State::Ok, ""), light(State::Unknown, "No tests"));
        assert!(is_through(&switched, Some(&without)));
        assert!(!is_through(&outcome("gpc0", []), None));
    }

    #[test]
    fn what_is_left_after_a_revert_follows_the_lights() {
        let (ok, due) = (|words| light(State::Ok, words), |words| light(State::Attention, words));
        for (host, state, words) in [
            (fine(), State::Ok, "Recovered"),
            (host(due("Behind"), ok("Gen 48"), ok("")), State::Attention, "Pull due"),
            (host(ok("Same files"), due("Switch due"), ok("")), State::Attention, "Switch due"),
            (host(ok(""), light(State::Working, "Switching"), ok("")), State::Working, "Switching"),
            (host(due("Behind"), light(State::Working, "Switching"), ok("")), State::Working, "Switching"),
            (host(ok(""), ok("Gen 49"), due("Not run yet")), State::Attention, "Tests due"),
            (
                host(ok(""), ok("Gen 49"), light(State::Failed, "3 of 8 failed")),
                State::Failed,
                "Tests: 3 of 8 failed",
            ),
            (
                host(light(State::Failed, "Branch not readable"), ok(""), ok("")),
                State::Failed,
                "Branch not readable",
            ),
        ] {
            assert_eq!(after_revert(&deployment(reverted(), vec![]), &host), (state, words.to_owned()));
        }
    }

    #[test]
    fn a_host_that_runs_the_reverted_commit_has_not_recovered_whatever_its_lights_say() {
        let made = |commit: Option<&str>, day: i64| Generation {
            commit: commit.map(|commit| Commit(commit.into())),
            created_at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(day),
            ..sample::generation(49, 0)
        };
        let rolled_back =
            host(light(State::Ok, "At c1"), light(State::Ok, "Rolled back to Gen 49"), fine().lights.tests);
        let on = |generation| HostView { generation: Some(generation), ..rolled_back.clone() };
        let reverted = deployment(reverted(), vec![good("imac0")]);
        let after = |generation| after_revert(&reverted, &on(generation));
        let still = (State::Attention, "Still on abc1234 of PR #42".to_owned());
        assert_eq!(after(made(Some("abc1234567"), 9)), still);
        assert_eq!(after(made(Some("abc1234567-dirty"), 9)), still);
        assert_eq!(after(made(None, 0)), (State::Attention, "May still be on PR #42".to_owned()));
        for back in [made(Some("abc1234568"), 0), made(None, -1), made(None, 1)] {
            assert_eq!(after(back), (State::Ok, "Recovered".to_owned()));
        }
        let through = through(&reverted, |_| Some(on(made(Some("abc1234567"), 9))));
        assert_eq!((through, look(&reverted, through)), (0, Look::Going));
    }

    #[test]
    fn a_deployment_is_good_when_every_host_is_through() {
        let found = |_: &HostOutcome| Some(fine());
        let done = deployment(Decision::Open, vec![good("a"), good("b")]);
        assert_eq!(look(&done, through(&done, found)), Look::Good);
        let half = deployment(Decision::Open, vec![good("a"), outcome("b", [])]);
        assert_eq!(look(&half, through(&half, found)), Look::Going);
        let failed = deployment(Decision::Open, vec![good("a"), bad("b")]);
        assert_eq!(look(&failed, through(&failed, found)), Look::Failed);
        let back = deployment(reverted(), vec![good("a"), bad("b")]);
        assert_eq!(look(&back, through(&back, found)), Look::Good);
        assert_eq!(look(&back, through(&back, |_| None)), Look::Going);
    }

    #[test]
    fn the_actions_follow_the_decision() {
        let failed = || vec![bad("a"), outcome("b", [])];
        let open = Offers::of(&deployment(Decision::Open, failed()), 0, false);
        assert_eq!(open, Offers { revert: true, continue_anyway: true, roll_back: true, roll_out: false });
        let calm = deployment(Decision::Open, vec![good("a"), outcome("b", [])]);
        assert_eq!(Offers::of(&calm, 1, false), Offers { roll_out: true, ..Offers::default() });
        assert!(Offers::of(&calm, 1, true).revert);
        let going_on = Offers::of(&deployment(continued(), failed()), 0, false);
        assert_eq!(
            going_on,
            Offers { revert: true, continue_anyway: false, roll_back: true, roll_out: true }
        );
        let reverted = Offers::of(&deployment(reverted(), failed()), 0, false);
        assert_eq!(reverted, Offers { roll_out: true, ..Offers::default() });
        assert_eq!(Offers::of(&deployment(Decision::Superseded, failed()), 0, true), Offers::default());
    }

    #[test]
    fn the_logs_are_those_of_failed_hosts() {
        let switch = outcome("hsb0", [HostEvent::SwitchEnded(Err("x".into()))]);
        let all = deployment(Decision::Open, vec![good("gpc0"), bad("imac0"), switch]);
        let named: Vec<_> = logs(&all).into_iter().map(|(host, step, _)| format!("{host}: {step}")).collect();
        assert_eq!(named, ["imac0: switch", "imac0: tests", "hsb0: switch"]);
    }
}
