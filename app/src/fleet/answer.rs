//! Whether the fleet works, in one sentence, and the hosts that do not.

use backstay_model::{HostView, OpView, State, Trouble};

/// Number of broken hosts that the fleet page begins with.
const NAMED: usize = 5;

/// Whether the fleet works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    hosts: usize,
    broken: usize,
    offline: usize,
    untested: usize,
    /// The name of the last host: it is named if it is the only one.
    name: String,
    /// The first broken hosts.
    pub(crate) named: Vec<Broken>,
}

/// A broken host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Its name.
    pub(crate) name: String,
    /// What is broken on it.
    pub(crate) trouble: Trouble,
    /// The open op that changes its system.
    pub(crate) op: Option<OpView>,
}

impl Answer {
    /// Counts a host.
    pub(crate) fn add(&mut self, host: &HostView) {
        self.hosts += 1;
        self.name.clone_from(&host.name);
        if !host.online {
            self.offline += 1;
        } else if let Some(trouble) = &host.trouble {
            self.broken += 1;
            if self.named.len() < NAMED {
                let op = host.op.clone().filter(|op| op.action.kind().changes_system());
                self.named.push(Broken { name: host.name.clone(), trouble: trouble.clone(), op });
            }
        } else if matches!(host.lights.tests.state, State::Attention | State::Working) {
            self.untested += 1;
        }
    }

    /// The sentence: “All 4 hosts work”, “2 of 4 hosts are broken, 1 is offline”.
    pub(crate) fn words(&self) -> String {
        let works = self.hosts - self.broken - self.offline - self.untested;
        let first = match self.broken {
            0 => [(works, "works", "work"), (self.untested, "is not tested yet", "are not tested yet")],
            broken => [(broken, "is broken", "are broken"), (0, "", "")],
        };
        let offline = (self.offline, "is offline", "are offline");
        let parts = first.into_iter().chain([offline]).filter(|(count, ..)| *count > 0);
        let clauses = parts.enumerate().map(|(place, (count, one, many))| {
            let verb = if count == 1 { one } else { many };
            match place {
                0 if self.hosts == 1 => format!("{} {verb}", self.name),
                0 if count == self.hosts => format!("All {count} hosts {verb}"),
                0 => format!("{count} of {} hosts {verb}", self.hosts),
                _ => format!("{count} {verb}"),
            }
        });
        let sentence = clauses.collect::<Vec<_>>().join(", ");
        if sentence.is_empty() { "Fleet".to_owned() } else { sentence }
    }

    /// The state of the light beside the sentence.
    pub(crate) fn state(&self) -> State {
        match self {
            Self { broken: 1.., .. } => State::Failed,
            Self { hosts: 0, .. } => State::Unknown,
            Self { offline: 0, untested: 0, .. } => State::Ok,
            _ => State::Attention,
        }
    }

    /// The names of the first broken hosts.
    pub(crate) fn names(&self) -> Vec<String> {
        self.named.iter().map(|broken| broken.name.clone()).collect()
    }

    /// Number of broken hosts that are not named.
    pub(crate) fn more(&self) -> usize {
        self.broken - self.named.len()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample::{host, op, rollback_to};
    use backstay_model::{OpAction, OpStatus};

    use super::*;

    fn broken(name: &str) -> HostView {
        let trouble =
            Trouble { what: "x11 failed".into(), since: None, way_back: Some(47), worked_until: None };
        HostView { trouble: Some(trouble), ..host(name) }
    }

    fn offline(name: &str) -> HostView {
        HostView { online: false, ..broken(name) }
    }

    fn untested(name: &str) -> HostView {
        let mut host = host(name);
        host.lights.tests.state = State::Attention;
        host
    }

    fn of(hosts: &[HostView]) -> Answer {
        let mut answer = Answer::default();
        for host in hosts {
            answer.add(host);
        }
        answer
    }

    #[test]
    fn the_answer_is_one_sentence() {
        for (hosts, words, state) in [
            (vec![], "Fleet", State::Unknown),
            (vec![host("a")], "a works", State::Ok),
            (vec![host("a"), host("b")], "All 2 hosts work", State::Ok),
            (vec![broken("a")], "a is broken", State::Failed),
            (vec![broken("a"), host("b")], "1 of 2 hosts is broken", State::Failed),
            (vec![broken("a"), broken("b"), untested("c")], "2 of 3 hosts are broken", State::Failed),
            (
                vec![broken("a"), broken("b"), offline("c")],
                "2 of 3 hosts are broken, 1 is offline",
                State::Failed,
            ),
            (vec![host("a"), offline("b")], "1 of 2 hosts works, 1 is offline", State::Attention),
            (vec![offline("a"), offline("b")], "All 2 hosts are offline", State::Attention),
            (
                vec![host("a"), host("b"), untested("c"), offline("d")],
                "2 of 4 hosts work, 1 is not tested yet, 1 is offline",
                State::Attention,
            ),
        ] {
            let answer = of(&hosts);
            assert_eq!((answer.words().as_str(), answer.state()), (words, state));
        }
    }

    #[test]
    fn a_few_broken_hosts_are_named() {
        let hosts: Vec<_> = (0..17).map(|number| broken(&format!("web-{number}"))).collect();
        let answer = of(&hosts);
        assert_eq!((answer.named.len(), answer.more()), (5, 12));
        assert_eq!(answer.named[0].name, "web-0");
    }

    #[test]
    fn a_way_back_that_was_taken_is_not_offered_again() {
        let with = |action| {
            let host = HostView { op: Some(op(action, OpStatus::Running)), ..broken("a") };
            of(&[host]).named.remove(0).op.is_some()
        };
        assert!(with(rollback_to(47)));
        assert!(!with(OpAction::Test), "tests give way to a rollback");
    }
}
