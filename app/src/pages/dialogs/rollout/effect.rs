//! Says in words what a roll-out will do to a host.

use backstay_model::rollout::RolloutCommits;
use backstay_model::{Commit, HostView, OpKind, SameCommit, State};

use crate::components::generation_name;

/// Says what a roll-out will do to a host in its present state.
pub(super) fn effect(host: &HostView, kind: OpKind, commits: &RolloutCommits) -> String {
    if host.observed && kind.deploys() {
        return "Something else deploys it: left out.".to_owned();
    }
    if let Some(op) = &host.op {
        return format!(
            "Busy: {}, requested by {}. Skipped if still busy when its turn comes.",
            op.title(),
            op.requested_by
        );
    }
    let what = Transition::of(host, commits).words(kind);
    if host.online { what } else { format!("Offline: waits for the host to connect. {what}") }
}

/// Returns whether a roll-out of this kind has anything to do on a host, or `None` if there is no branch to
/// compare it with. On a host that was rolled back nothing is due: somebody wants it as it is.
pub(super) fn is_due(host: &HostView, kind: OpKind, commits: &RolloutCommits) -> Option<bool> {
    if kind == OpKind::Test {
        return Some(true);
    }
    if host.observed && kind.deploys() {
        return Some(false);
    }
    let change = Transition::of(host, commits);
    if change.branch == Branch::None || change.branch == Branch::NotReadable {
        return None;
    }
    let switch_due = host.lights.system.state == State::Attention;
    Some(match kind {
        OpKind::Pull => change.pull_due,
        OpKind::Switch => switch_due,
        _ => change.pull_due || switch_due,
    })
}

/// Whether the branch that a host follows is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Known,
    NotReadable,
    None,
}

/// The present and the next state of a host.
struct Transition<'a> {
    branch: Branch,
    /// True if it was rolled back: a switch undoes that.
    is_rolled_back: bool,
    /// The branch is ahead of the checkout.
    pull_due: bool,
    /// The checkout is not what runs.
    switch_due: bool,
    generation: Option<String>,
    checkout: Option<&'a Commit>,
    head: Option<&'a Commit>,
}

impl<'a> Transition<'a> {
    fn of(host: &HostView, commits: &'a RolloutCommits) -> Self {
        let is_due = |state: State| state == State::Attention;
        let lights = &host.lights;
        let checkout = commits.checkouts.get(&host.name);
        let runs = host.generation.as_ref().and_then(|generation| generation.commit.as_ref());
        // After a rollback the light is green on purpose, and a switch undoes it.
        let runs_another = runs
            .zip(checkout)
            .is_some_and(|(runs, checkout)| runs.compare(checkout) == SameCommit::Different);
        Self {
            branch: match lights.git.state {
                State::Failed => Branch::NotReadable,
                State::Unknown => Branch::None,
                State::Ok | State::Attention | State::Working => Branch::Known,
            },
            is_rolled_back: lights.system.words.starts_with("Rolled back"),
            pull_due: is_due(lights.git.state) || is_due(lights.lock.state),
            switch_due: is_due(lights.system.state) || runs_another,
            generation: host.generation.as_ref().map(generation_name),
            checkout,
            head: commits.head.as_ref(),
        }
    }

    fn words(&self, kind: OpKind) -> String {
        let switches = matches!(kind, OpKind::PullSwitch | OpKind::Switch);
        let undoes = if self.is_rolled_back && switches { " This undoes its rollback." } else { "" };
        match self.branch {
            Branch::Known => format!("{}{undoes}", self.by_branch(kind)),
            Branch::NotReadable => self.without_branch(kind, "the branch cannot be read now"),
            Branch::None => self.without_branch(kind, "no branch to compare with"),
        }
    }

    /// The words if the branch is not known: what will be done, and why the result cannot be predicted.
    fn without_branch(&self, kind: OpKind, why: &str) -> String {
        let checkout = aside(text(self.checkout).as_deref());
        match kind {
            OpKind::Pull => format!("Pulls the checkout{checkout}; {why}."),
            OpKind::PullSwitch => format!("Pulls the checkout{checkout} and builds it; {why}."),
            OpKind::Switch => format!("Builds the checkout{checkout}; {why}."),
            other => self.by_branch(other),
        }
    }

    fn by_branch(&self, kind: OpKind) -> String {
        let (from, checkout, head) = (self.generation.as_deref(), text(self.checkout), text(self.head));
        let (checkout, head) = (checkout.as_deref(), head.as_deref());
        match kind {
            OpKind::Pull if self.pull_due => format!("Will pull{}.", from_to(checkout, head)),
            OpKind::Pull => format!("Up to date{}: nothing to pull.", aside(head)),
            OpKind::PullSwitch if self.pull_due => format!("Will pull and switch{}.", from_to(from, head)),
            OpKind::Switch if self.pull_due => {
                format!(
                    "Will switch to what it last pulled{}; the branch is ahead{}.",
                    from_to(from, checkout),
                    aside(head)
                )
            }
            OpKind::PullSwitch | OpKind::Switch if self.switch_due => {
                format!("Will switch{}.", from_to(from, checkout))
            }
            OpKind::PullSwitch | OpKind::Switch => {
                format!("Already runs the branch{}: nothing to switch.", aside(head))
            }
            OpKind::Test => match from {
                Some(from) => format!("Will run its tests on {from}."),
                None => "Will run its tests.".to_owned(),
            },
            OpKind::Rollback | OpKind::Refresh => String::new(),
        }
    }
}

fn text(commit: Option<&Commit>) -> Option<String> {
    commit.map(ToString::to_string)
}

/// “: Gen 48 (abc1234) → def5678”, or the part of it that is known.
fn from_to(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(": {from} → {to}"),
        (None, Some(to)) => format!(": to {to}"),
        (Some(from), None) => format!(", from {from}"),
        (None, None) => String::new(),
    }
}

/// “ (def5678)”.
fn aside(commit: Option<&str>) -> String {
    commit.map(|commit| format!(" ({commit})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use backstay_model::{Generation, Light, Lights, OpAction, OpStatus, OpView, sample};

    use super::*;

    fn host(git: State, system: State) -> HostView {
        let light = |state| Light { state, words: "w".into(), hint: "h".into() };
        let (fine, git, system) = (light(State::Ok), light(git), light(system));
        let lights = Lights { agent: fine.clone(), lock: git.clone(), git, system, tests: fine };
        HostView { lights, ..sample::host("gpc0") }
    }

    fn commits(checkout: &str, head: &str) -> RolloutCommits {
        RolloutCommits {
            head: Some(Commit(head.into())),
            checkouts: [("gpc0".to_owned(), Commit(checkout.into()))].into(),
        }
    }

    fn on(commit: &str) -> Generation {
        Generation { commit: Some(Commit(commit.into())), current: true, ..sample::generation(48, 0) }
    }

    #[test]
    fn what_will_happen_follows_the_lights() {
        let (ok, due) = (State::Ok, State::Attention);
        let none = RolloutCommits::default();
        for (git, system, kind, said) in [
            (due, ok, OpKind::PullSwitch, "Will pull and switch."),
            (ok, due, OpKind::PullSwitch, "Will switch."),
            (ok, ok, OpKind::PullSwitch, "Already runs the branch: nothing to switch."),
            (due, ok, OpKind::Pull, "Will pull."),
            (ok, ok, OpKind::Pull, "Up to date: nothing to pull."),
            (due, ok, OpKind::Switch, "Will switch to what it last pulled; the branch is ahead."),
            (ok, ok, OpKind::Test, "Will run its tests."),
        ] {
            assert_eq!(effect(&host(git, system), kind, &none), said, "{git:?} {system:?} {kind:?}");
        }
    }

    #[test]
    fn without_a_branch_it_never_says_that_nothing_changes() {
        let at = RolloutCommits { head: None, ..commits("abc1234", "") };
        for (git, kind, said) in [
            (State::Unknown, OpKind::Switch, "Builds the checkout (abc1234); no branch to compare with."),
            (
                State::Unknown,
                OpKind::PullSwitch,
                "Pulls the checkout (abc1234) and builds it; no branch to compare with.",
            ),
            (State::Unknown, OpKind::Pull, "Pulls the checkout (abc1234); no branch to compare with."),
            (State::Failed, OpKind::Switch, "Builds the checkout (abc1234); the branch cannot be read now."),
            (State::Unknown, OpKind::Test, "Will run its tests."),
        ] {
            assert_eq!(effect(&host(git, State::Ok), kind, &at), said);
        }
        let none = RolloutCommits::default();
        assert_eq!(
            effect(&host(State::Unknown, State::Ok), OpKind::Switch, &none),
            "Builds the checkout; no branch to compare with."
        );
    }

    #[test]
    fn what_is_due_is_what_the_lights_say_and_a_rollback_is_left_alone() {
        let none = RolloutCommits::default();
        let (ok, due) = (State::Ok, State::Attention);
        for (git, system, kind, expected) in [
            (ok, ok, OpKind::PullSwitch, Some(false)),
            (due, ok, OpKind::PullSwitch, Some(true)),
            (ok, due, OpKind::PullSwitch, Some(true)),
            (due, ok, OpKind::Switch, Some(false)),
            (ok, due, OpKind::Switch, Some(true)),
            (ok, due, OpKind::Pull, Some(false)),
            (due, ok, OpKind::Pull, Some(true)),
            (ok, ok, OpKind::Test, Some(true)),
            (State::Unknown, ok, OpKind::PullSwitch, None),
            (State::Failed, ok, OpKind::Pull, None),
        ] {
            assert_eq!(is_due(&host(git, system), kind, &none), expected, "{git:?} {system:?} {kind:?}");
        }
        let mut back = HostView { generation: Some(on("aaaaaaa")), ..host(ok, ok) };
        back.lights.system.words = "Rolled back to Gen 48".into();
        let commits = commits("ccccccc", "ccccccc");
        assert_eq!(is_due(&back, OpKind::PullSwitch, &commits), Some(false));
        assert_eq!(
            effect(&back, OpKind::PullSwitch, &commits),
            "Will switch: Gen 48 (aaaaaaa) → ccccccc. This undoes its rollback."
        );
    }

    #[test]
    fn the_known_commits_are_named() {
        let (ok, due) = (State::Ok, State::Attention);
        for (git, runs, checkout, kind, said) in [
            (due, "aaaaaaa", "bbbbbbb", OpKind::Pull, "Will pull: bbbbbbb → ccccccc."),
            (
                due,
                "aaaaaaa",
                "bbbbbbb",
                OpKind::PullSwitch,
                "Will pull and switch: Gen 48 (aaaaaaa) → ccccccc.",
            ),
            (
                due,
                "aaaaaaa",
                "bbbbbbb",
                OpKind::Switch,
                "Will switch to what it last pulled: Gen 48 (aaaaaaa) → bbbbbbb; the branch is ahead (ccccccc).",
            ),
            (ok, "ccccccc", "ccccccc", OpKind::Pull, "Up to date (ccccccc): nothing to pull."),
            (
                ok,
                "ccccccc",
                "ccccccc",
                OpKind::PullSwitch,
                "Already runs the branch (ccccccc): nothing to switch.",
            ),
            (ok, "aaaaaaa", "ccccccc", OpKind::Test, "Will run its tests on Gen 48 (aaaaaaa)."),
            (ok, "aaaaaaa", "ccccccc", OpKind::Switch, "Will switch: Gen 48 (aaaaaaa) → ccccccc."),
        ] {
            let host = HostView { generation: Some(on(runs)), ..host(git, ok) };
            assert_eq!(effect(&host, kind, &commits(checkout, "ccccccc")), said);
        }
    }

    #[test]
    fn a_host_that_something_else_deploys_is_left_out_of_all_but_tests() {
        let (observed, none) =
            (HostView { observed: true, ..host(State::Unknown, State::Ok) }, commits("", ""));
        for kind in [OpKind::Pull, OpKind::Switch, OpKind::PullSwitch] {
            assert_eq!(effect(&observed, kind, &none), "Something else deploys it: left out.");
            assert_eq!(is_due(&observed, kind, &none), Some(false));
        }
        assert_eq!(is_due(&observed, OpKind::Test, &none), Some(true));
    }

    #[test]
    fn an_offline_host_is_waited_for_and_a_busy_one_may_be_skipped() {
        let none = RolloutCommits::default();
        let away = HostView { online: false, ..host(State::Ok, State::Ok) };
        assert_eq!(
            effect(&away, OpKind::Test, &none),
            "Offline: waits for the host to connect. Will run its tests."
        );
        let running = sample::op(OpAction::Switch, OpStatus::Running);
        let op = OpView { requested_by: "maria".into(), ..running };
        let busy = HostView { op: Some(op), ..away };
        assert_eq!(
            effect(&busy, OpKind::Pull, &none),
            "Busy: Switch, requested by maria. Skipped if still busy when its turn comes."
        );
    }
}
