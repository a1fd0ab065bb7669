//! The actions of simulated hosts: begin ops, switch, run tests, roll back, fall silent.

use std::sync::Arc;

use backstay_model::wire::message::{AgentMessage, OpResult, ServerMessage};
use backstay_model::{Clock as _, Commit, OpAction, OpId, OpKind, Outcome, sample};
use chrono::{DateTime, TimeDelta, Utc};

use super::at_once::{Player, Slots};
use super::bench::{Bench, MERGED};
use super::host::test_run;

impl Bench {
    pub(super) async fn say(&self, name: &str, message: AgentMessage) {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        self.fleet.handle_message(connection, message).await.unwrap();
        self.fleet.settle().await;
    }

    /// The ops that the host received and has not begun.
    pub(super) fn received(&mut self, name: &str) -> Vec<OpKind> {
        let host = self.host(name);
        if let Some(connection) = &mut host.connection {
            while let Ok(message) = connection.outbox.try_recv() {
                if let ServerMessage::Run { op, action, .. } = message {
                    host.received.push((op, action));
                }
            }
        }
        host.received.iter().map(|(_, action)| action.kind()).collect()
    }

    /// The hosts with an op that they have not begun.
    pub(super) fn hosts_with_work(&mut self) -> Vec<String> {
        let names: Vec<_> = self.hosts.keys().cloned().collect();
        names.into_iter().filter(|name| !self.received(name).is_empty()).collect()
    }

    /// Begins the op that the host received.
    pub(super) async fn begin(&mut self, name: &str) -> (OpId, OpAction) {
        self.received(name);
        let (op, action) =
            self.host(name).received.pop().unwrap_or_else(|| panic!("{name} received nothing"));
        self.host(name).journal.insert(op);
        self.say(name, AgentMessage::Accepted { op }).await;
        (op, action)
    }

    pub(super) async fn end(&mut self, name: &str, op: OpId, outcome: Outcome, message: &str) {
        let started_at = self.store.op(op).await.unwrap().unwrap().started_at.unwrap();
        let now = self.clock.now();
        let commit = Some(Commit(self.hosts[name].checkout.to_owned()));
        let result = OpResult { commit, started_at, ..sample::op_result(outcome, message, now) };
        let facts = Box::new(self.hosts[name].facts(now));
        self.say(name, AgentMessage::Finished { op, result, lines: 0, facts }).await;
    }

    pub(super) fn later(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.clock.now()
    }

    /// Switches the host successfully, to the merged commit if it pulls first.
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

    /// Completes the op that was under way when the server ended.
    pub(super) async fn resume_work(&mut self, name: &str, op: OpId) {
        let action = self.store.op(op).await.unwrap().unwrap().action;
        self.host(name).received.push((op, action));
        self.switches(name).await;
    }

    /// Loses the last message to the host.
    pub(super) fn lose_message(&mut self, name: &str) {
        self.received(name);
        self.host(name).received.clear();
    }

    /// Completes the op that the host received, without a change.
    pub(super) async fn ends_as_asked(&mut self, name: &str) {
        let (op, _) = self.begin(name).await;
        self.end(name, op, Outcome::Completed, "Done.").await;
    }

    /// Moves the host's checkout, which its agent reports.
    pub(super) async fn checkout_at(&mut self, name: &str, commit: &'static str) {
        self.host(name).checkout = commit;
        self.tell_facts(name).await;
    }

    /// Makes the latest run on each of the host's generations a failure.
    pub(super) async fn all_tests_fail(&mut self, name: &str) {
        let now = self.later();
        let host = self.host(name);
        host.runs = host.generations.iter().map(|generation| test_run(generation, now, &["x11"])).collect();
        self.tell_facts(name).await;
    }

    /// Loses the agent's recorded test runs.
    pub(super) async fn forgets_its_runs(&mut self, name: &str) {
        self.host(name).runs.clear();
        self.tell_facts(name).await;
    }

    pub(super) async fn tell_facts(&self, name: &str) {
        let facts = Box::new(self.hosts[name].facts(self.clock.now()));
        self.say(name, AgentMessage::Facts { facts }).await;
    }

    /// The rollback from the current generation.
    pub(super) async fn rollback_to(&self, name: &str, number: u32) -> OpAction {
        let facts = self.store.host(self.id(name)).await.unwrap().unwrap().facts.unwrap();
        OpAction::Rollback {
            target: facts.generation(number).unwrap().reference(),
            seen_current: facts.current().unwrap().reference(),
            specialisation: None,
        }
    }

    /// Pulls on the host.
    pub(super) async fn pulls(&mut self, name: &str) {
        let (op, action) = self.begin(name).await;
        assert_eq!(action, OpAction::Pull);
        self.host(name).checkout = MERGED;
        self.later();
        self.end(name, op, Outcome::Completed, "Pulled.").await;
    }

    /// Fails the op that the host received, without a change.
    pub(super) async fn fails(&mut self, name: &str, message: &str) {
        let (op, _) = self.begin(name).await;
        self.later();
        self.end(name, op, Outcome::Failed, message).await;
    }

    /// Runs the host's tests. These tests fail.
    pub(super) async fn tests(&mut self, name: &str, failed: &[&str]) {
        let (op, action) = self.begin(name).await;
        assert_eq!(action, OpAction::Test);
        let now = self.later();
        let host = self.host(name);
        host.runs_its_tests(now, failed);
        self.later();
        self.end(name, op, Outcome::Completed, "Tests ran.").await;
    }

    /// Moves the host to the generation in its op.
    pub(super) async fn rolls_back(&mut self, name: &str) {
        let (op, action) = self.begin(name).await;
        let OpAction::Rollback { target, .. } = action else { panic!("{action:?}") };
        let host = self.host(name);
        host.generations.iter_mut().for_each(|it| it.current = it.number == target.number);
        self.later();
        self.end(name, op, Outcome::Completed, "Done.").await;
    }

    /// Switches successfully, and passes all tests.
    pub(super) async fn takes_it_well(&mut self, name: &str) {
        self.takes_it(name, &[]).await;
    }

    /// Switches successfully, and fails these tests.
    pub(super) async fn takes_it(&mut self, name: &str, failed: &[&str]) {
        self.switches(name).await;
        self.tests(name, failed).await;
    }

    /// Runs the op that the host received and reports it, whether or not the server can store that.
    pub(super) async fn tries(&mut self, name: &str, failed: &[&str]) {
        self.received(name);
        let (op, action) = self.host(name).received.pop().unwrap();
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
        let commit = Some(Commit(host.checkout.into()));
        let ended = sample::op_result(Outcome::Completed, "Done.", finished_at);
        let result = OpResult { commit, started_at, ..ended };
        let facts = Box::new(host.facts(finished_at));
        let end = AgentMessage::Finished { op, result, lines: 0, facts };
        if self.try_say(name, end.clone()).await.is_none() {
            self.host(name).unheard.push(end);
        }
    }

    /// Sends again what the server did not acknowledge.
    pub(super) async fn repeats(&mut self, name: &str) {
        for end in std::mem::take(&mut self.host(name).unheard) {
            self.say(name, end).await;
        }
    }

    pub(super) async fn try_say(&self, name: &str, message: AgentMessage) -> Option<ServerMessage> {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        let answer = self.fleet.handle_message(connection, message).await.ok().flatten();
        self.fleet.settle().await;
        answer
    }

    /// Runs the host's ops automatically from now on.
    pub(super) fn player(&mut self, name: &str, slots: Arc<Slots>) -> Player {
        let host = self.hosts.get_mut(name).unwrap();
        let facts = host.facts(self.clock.now());
        Player { fleet: self.fleet.clone(), connection: host.connection.take().unwrap(), facts, slots }
    }
}
