//! What hosts do: begin what they are told, switch, run their tests, go back, fall silent.

use std::sync::Arc;

use backstay_model::wire::message::{AgentMessage, OpResult, ServerMessage};
use backstay_model::{Clock as _, Commit, OpAction, OpId, OpKind, Outcome};
use chrono::{DateTime, TimeDelta, Utc};

use super::at_once::{Player, Slots};
use super::bench::{Bench, MERGED};
use super::host::test_run;

impl Bench {
    pub(super) async fn say(&self, name: &str, message: AgentMessage) {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        self.fleet.handle_message(connection, message).await.unwrap();
    }

    /// What the host was told to run and has not begun.
    pub(super) fn told(&mut self, name: &str) -> Vec<OpKind> {
        let host = self.host(name);
        if let Some(connection) = &mut host.connection {
            while let Ok(message) = connection.outbox.try_recv() {
                if let ServerMessage::Run { op, action, .. } = message {
                    host.told.push((op, action));
                }
            }
        }
        host.told.iter().map(|(_, action)| action.kind()).collect()
    }

    /// The hosts that were told to run something and have not begun.
    pub(super) fn all_told(&mut self) -> Vec<String> {
        let names: Vec<_> = self.hosts.keys().cloned().collect();
        names.into_iter().filter(|name| !self.told(name).is_empty()).collect()
    }

    /// The host begins what it was told.
    pub(super) async fn begin(&mut self, name: &str) -> (OpId, OpAction) {
        self.told(name);
        let (op, action) = self.host(name).told.pop().unwrap_or_else(|| panic!("{name} was told nothing"));
        self.host(name).journal.insert(op);
        self.say(name, AgentMessage::Accepted { op }).await;
        (op, action)
    }

    pub(super) async fn end(&mut self, name: &str, op: OpId, outcome: Outcome, message: &str) {
        let started_at = self.store.op(op).await.unwrap().unwrap().started_at.unwrap();
        let now = self.clock.now();
        let result = OpResult {
            outcome,
            exit_code: Some(0),
            commit: Some(Commit(self.hosts[name].checkout.to_owned())),
            message: message.to_owned(),
            started_at,
            finished_at: now,
        };
        let facts = Box::new(self.hosts[name].facts(now));
        self.say(name, AgentMessage::Finished { op, result, lines: 0, facts }).await;
    }

    pub(super) fn later(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.clock.now()
    }

    /// The host switches, to what was merged where it pulls first, and that goes well.
    pub(super) async fn switches(&mut self, name: &str) -> OpId {
        let (op, action) = self.begin(name).await;
        assert!(action.kind().switches(), "{action:?}");
        let now = self.later();
        let host = self.host(name);
        if action == OpAction::PullSwitch {
            host.checkout = MERGED;
        }
        host.takes_up_its_checkout(now);
        let number = host.generations[0].number;
        self.later();
        self.end(name, op, Outcome::Completed, &format!("Switched to Gen {number}.")).await;
        op
    }

    /// What the host was at when the server ended goes well.
    pub(super) async fn resume_work(&mut self, name: &str, op: OpId) {
        let action = self.store.op(op).await.unwrap().unwrap().action;
        self.host(name).told.push((op, action));
        self.switches(name).await;
    }

    /// What the host was told last did not arrive.
    pub(super) fn forget_what_was_told(&mut self, name: &str) {
        self.told(name);
        self.host(name).told.clear();
    }

    /// What the host was told goes well and changes nothing.
    pub(super) async fn ends_as_asked(&mut self, name: &str) {
        let (op, _) = self.begin(name).await;
        self.end(name, op, Outcome::Completed, "Done.").await;
    }

    /// Somebody moves the host's checkout, and its agent tells.
    pub(super) async fn checkout_at(&mut self, name: &str, commit: &'static str) {
        self.host(name).checkout = commit;
        self.tell_facts(name).await;
    }

    /// The latest run on each of the host's generations failed.
    pub(super) async fn all_tests_fail(&mut self, name: &str) {
        let now = self.later();
        let host = self.host(name);
        host.runs = host.generations.iter().map(|generation| test_run(generation, now, &["x11"])).collect();
        self.tell_facts(name).await;
    }

    /// The host's agent has lost what its tests said.
    pub(super) async fn forgets_its_runs(&mut self, name: &str) {
        self.host(name).runs.clear();
        self.tell_facts(name).await;
    }

    pub(super) async fn tell_facts(&self, name: &str) {
        let facts = Box::new(self.hosts[name].facts(self.clock.now()));
        self.say(name, AgentMessage::Facts { facts }).await;
    }

    /// The rollback from where the host is.
    pub(super) async fn rollback_to(&self, name: &str, number: u32) -> OpAction {
        let facts = self.store.host(self.id(name)).await.unwrap().unwrap().facts.unwrap();
        OpAction::Rollback {
            target: facts.generation(number).unwrap().reference(),
            seen_current: facts.current().unwrap().reference(),
        }
    }

    /// The host pulls.
    pub(super) async fn pulls(&mut self, name: &str) {
        let (op, action) = self.begin(name).await;
        assert_eq!(action, OpAction::Pull);
        self.host(name).checkout = MERGED;
        self.later();
        self.end(name, op, Outcome::Completed, "Pulled.").await;
    }

    /// What the host was told fails and changes nothing.
    pub(super) async fn fails(&mut self, name: &str, message: &str) {
        let (op, _) = self.begin(name).await;
        self.later();
        self.end(name, op, Outcome::Failed, message).await;
    }

    /// The host runs its tests, of which these fail.
    pub(super) async fn tests(&mut self, name: &str, failed: &[&str]) {
        let (op, action) = self.begin(name).await;
        assert_eq!(action, OpAction::Test);
        let now = self.later();
        let host = self.host(name);
        host.runs_its_tests(now, failed);
        self.later();
        self.end(name, op, Outcome::Completed, "Tests ran.").await;
    }

    /// The host goes to the generation that it was told.
    pub(super) async fn rolls_back(&mut self, name: &str) {
        let (op, action) = self.begin(name).await;
        let OpAction::Rollback { target, .. } = action else { panic!("{action:?}") };
        let host = self.host(name);
        host.generations.iter_mut().for_each(|it| it.current = it.number == target.number);
        self.later();
        self.end(name, op, Outcome::Completed, "Done.").await;
    }

    /// Switched well, with all tests passed.
    pub(super) async fn takes_it_well(&mut self, name: &str) {
        self.takes_it(name, &[]).await;
    }

    /// Switched well, and then these tests fail.
    pub(super) async fn takes_it(&mut self, name: &str, failed: &[&str]) {
        self.switches(name).await;
        self.tests(name, failed).await;
    }

    /// The host does what it was told, and says so, whether or not the server can take it in.
    pub(super) async fn tries(&mut self, name: &str, failed: &[&str]) {
        self.told(name);
        let (op, action) = self.host(name).told.pop().unwrap();
        self.host(name).journal.insert(op);
        let started_at = self.later();
        let _ = self.try_say(name, AgentMessage::Accepted { op }).await;
        let now = self.later();
        let host = self.host(name);
        if action.kind() == OpKind::Test {
            host.runs_its_tests(now, failed);
        } else {
            host.checkout = MERGED;
            host.takes_up_its_checkout(now);
        }
        let finished_at = self.later();
        let host = self.host(name);
        let result = OpResult {
            outcome: Outcome::Completed,
            exit_code: Some(0),
            commit: Some(Commit(host.checkout.into())),
            message: "Done.".into(),
            started_at,
            finished_at,
        };
        let facts = Box::new(host.facts(finished_at));
        let end = AgentMessage::Finished { op, result, lines: 0, facts };
        if self.try_say(name, end.clone()).await.is_none() {
            self.host(name).unheard.push(end);
        }
    }

    /// The host says once more what was not heard.
    pub(super) async fn repeats(&mut self, name: &str) {
        for end in std::mem::take(&mut self.host(name).unheard) {
            self.say(name, end).await;
        }
    }

    pub(super) async fn try_say(&self, name: &str, message: AgentMessage) -> Option<ServerMessage> {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        self.fleet.handle_message(connection, message).await.ok().flatten()
    }

    /// A host that does what it is told by itself, from now on.
    pub(super) fn player(&mut self, name: &str, slots: Arc<Slots>) -> Player {
        let host = self.hosts.get_mut(name).unwrap();
        let facts = host.facts(self.clock.now());
        Player { fleet: self.fleet.clone(), connection: host.connection.take().unwrap(), facts, slots }
    }
}
