//! The life of an op from the request to its result, with a clock and an agent under the control of the test.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::rollback::Specialisation;
use backstay_model::view::AuditQuery;
use backstay_model::wire::event::{Event, Tone};
use backstay_model::wire::message::{AgentMessage, Hello, OpResult, ServerMessage};
use backstay_model::{
    Clock as _, Commit, Facts, FixedClock, Generation, NotAllowed, OpAction, OpId, OpKind, OpStatus, OpView,
    Outcome, OutputLine, Role, State, Stream, TestTimeout, sample,
};
use chrono::TimeDelta;

use super::policy;
use super::request::{RequestError, RequestedRollback};
use crate::Fleet;
use crate::accounts::Actor;
use crate::state::hub::Connection;
use crate::store::HostRecord;
use crate::test_fleet::{self, Database, QUEUE_TIME};

mod faults;
mod foreign;
mod specialisation;
mod stop_tests;
mod verdicts;

struct Bench {
    fleet: Fleet,
    clock: Arc<FixedClock>,
    host: HostRecord,
    person: Actor,
    database: Database,
}

/// A connected agent.
struct Agent<'a> {
    bench: &'a Bench,
    connection: Connection,
}

impl Bench {
    /// A fleet of one host, gpc0, on Gen 48 and not connected.
    async fn new() -> Self {
        let database = Database::new();
        let store = Arc::new(database.open().await);
        let clock = test_fleet::clock();
        let host = test_fleet::enrolled(&*store, "gpc0", clock.now()).await;
        let fleet = Fleet::new(test_fleet::config(store, &clock));
        let bench = Self { fleet, clock, host, person: test_fleet::maria(), database };
        bench.fleet.store.record_facts(bench.host.id, &bench.facts(48)).await.unwrap();
        bench
    }

    async fn ask(&self, action: OpAction) -> OpId {
        self.fleet.request_op(&self.person, "gpc0", action, None).await.unwrap().id
    }

    async fn op(&self, id: OpId) -> OpView {
        self.fleet.store.op(id).await.unwrap().unwrap()
    }

    async fn open(&self) -> Option<OpView> {
        self.fleet.store.open_op(self.host.id).await.unwrap()
    }

    async fn audited(&self) -> Vec<String> {
        let entries = self.fleet.store.audit(&AuditQuery::default(), 100).await.unwrap();
        let is_start = |action: &String| ["host.enrolled", "join-token.created"].contains(&action.as_str());
        entries.into_iter().rev().map(|entry| entry.action).filter(|action| !is_start(action)).collect()
    }

    async fn after(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).unwrap());
        self.fleet.tick().await.unwrap();
    }

    /// The agent connects without reporting its journal.
    async fn handshake(&self) -> Agent<'_> {
        let (_, connection) = self.fleet.handshake(&self.host, &test_fleet::hello("gpc0")).await.unwrap();
        Agent { bench: self, connection: connection.unwrap() }
    }

    /// The agent connects and reports its journal.
    async fn connect(&self, journal: &[OpId]) -> Agent<'_> {
        let agent = self.handshake().await;
        agent.reports(journal).await;
        agent
    }

    /// The same for an agent that names its instance.
    async fn connect_as(&self, instance: u64, journal: &[OpId]) -> Agent<'_> {
        let hello = Hello { instance: Some(instance), ..test_fleet::hello("gpc0") };
        let (_, connection) = self.fleet.handshake(&self.host, &hello).await.unwrap();
        let agent = Agent { bench: self, connection: connection.unwrap() };
        agent.reports(journal).await;
        agent
    }

    fn facts(&self, current: u32) -> Facts {
        let now = self.clock.now();
        let generation = |number| Generation {
            created_at: now,
            current: number == current,
            ..sample::generation(number, 0)
        };
        Facts {
            read_at: now,
            checkout: Some(sample::checkout("c48")),
            tests_available: 3,
            ..sample::facts_of(vec![generation(48), generation(47)])
        }
    }

    fn result(&self, outcome: Outcome) -> OpResult {
        let commit = Some(Commit("c48".into()));
        OpResult { commit, ..sample::op_result(outcome, "Done.", self.clock.now()) }
    }

    fn line(&self, seq: u64) -> OutputLine {
        OutputLine { seq, stream: Stream::Stdout, at: self.clock.now(), text: format!("line {seq}") }
    }
}

impl Agent<'_> {
    async fn say(&self, message: AgentMessage) -> Option<ServerMessage> {
        self.bench.fleet.handle_message(&self.connection, message).await.unwrap()
    }

    async fn reports(&self, journal: &[OpId]) {
        self.say(AgentMessage::Journal { ops: journal.to_vec(), damaged: vec![] }).await;
    }

    async fn finish(&self, op: OpId, outcome: Outcome, lines: u64, current: u32) -> Option<ServerMessage> {
        let (result, facts) = (self.bench.result(outcome), Box::new(self.bench.facts(current)));
        self.say(AgentMessage::Finished { op, result, lines, facts }).await
    }

    /// Takes the messages that wait for the agent.
    fn messages(&mut self) -> Vec<ServerMessage> {
        std::iter::from_fn(|| self.connection.outbox.try_recv().ok()).collect()
    }

    fn runs(&mut self) -> Vec<OpId> {
        let run = |message| match message {
            ServerMessage::Run { op, .. } => Some(op),
            _ => None,
        };
        self.messages().into_iter().filter_map(run).collect()
    }

    async fn leave(self) {
        self.bench.fleet.disconnected(&self.connection).await;
    }
}

fn rollback() -> OpAction {
    sample::rollback_to(47)
}

#[tokio::test]
async fn an_op_that_waited_too_long_for_its_host_is_given_up() {
    let bench = Bench::new().await;
    let op = bench.ask(OpAction::Switch).await;
    assert_eq!(bench.op(op).await.due_at, Some(bench.clock.now() + QUEUE_TIME));
    bench.after(QUEUE_TIME.saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Queued);
    bench.after(Duration::from_secs(1)).await;
    let op = bench.op(op).await;
    assert_eq!(op.status, OpStatus::TimedOut);
    assert!(op.message.unwrap().contains("never sent: nothing was changed"));
    assert_eq!(bench.audited().await, ["switch.requested", "switch.expired"]);
    assert!(bench.connect(&[]).await.runs().is_empty(), "it is not sent any more");
    bench.ask(OpAction::Switch).await;
}

#[tokio::test]
async fn a_test_op_goes_with_what_is_set_for_the_hosts_tests_and_no_other_op_does() {
    let bench = Bench::new().await;
    let timeout = TestTimeout::from_secs(90).ok();
    let viewer = Actor::unchecked("otto", Role::Viewer);
    let refused = bench.fleet.set_test_timeout(&viewer, "gpc0", timeout).await;
    assert!(matches!(refused, Err(RequestError::NotAllowed(_))), "{refused:?}");
    let mut agent = bench.connect(&[]).await;
    for (set, action, told) in [
        (None, OpAction::Test, None),
        (timeout, OpAction::Test, Some(90)),
        (timeout, OpAction::Refresh, None),
        (None, OpAction::Test, None),
    ] {
        bench.fleet.set_test_timeout(&bench.person, "gpc0", set).await.unwrap();
        let op = bench.ask(action).await;
        let sent = agent.messages().into_iter().find_map(|message| match message {
            ServerMessage::Run { test_timeout_secs, .. } => Some(test_timeout_secs),
            _ => None,
        });
        assert_eq!(sent, Some(told));
        agent.finish(op, Outcome::Completed, 0, 48).await;
    }
    let set: Vec<_> = bench.audited().await.into_iter().filter(|a| a == "host.test-timeout").collect();
    assert_eq!(set.len(), 4, "each is in the audit log, and what was refused is not");
}

#[tokio::test]
async fn a_hosts_page_tells_what_each_test_said_and_which_op_ran_it() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let mut ops = vec![];
    for passed in [true, false] {
        let op = bench.ask(OpAction::Test).await;
        agent.say(AgentMessage::Accepted { op }).await;
        let run = sample::run_on(bench.facts(48).current().unwrap(), bench.clock.now(), &[("dns", passed)]);
        let facts = Box::new(Facts { test_runs: vec![run], ..bench.facts(48) });
        agent
            .say(AgentMessage::Finished { op, result: bench.result(Outcome::Completed), lines: 0, facts })
            .await;
        bench.clock.advance(TimeDelta::minutes(1));
        ops.insert(0, op);
    }
    let detail = bench.fleet.host_detail("gpc0").await.unwrap().unwrap();
    let [dns] = detail.tests.as_slice() else { panic!("{:?}", detail.tests) };
    let told: Vec<_> = dns.outcomes.iter().map(|outcome| (outcome.passed, outcome.op)).collect();
    assert_eq!(told, [(false, Some(ops[0])), (true, Some(ops[1]))]);
    assert_eq!(dns.failing_since.as_ref().map(|since| since.generation), Some(48));
    let happened: Vec<_> = detail.timeline.happenings.iter().filter_map(|happening| happening.op).collect();
    assert_eq!(happened, ops, "newest first");
    assert_eq!(detail.timeline.now, bench.clock.now());
}

#[tokio::test]
async fn an_op_whose_host_never_says_how_it_ended_is_lost_and_the_host_is_free() {
    for accepted in [false, true] {
        let bench = Bench::new().await;
        let mut agent = bench.connect(&[]).await;
        let op = bench.ask(rollback()).await;
        assert_eq!(agent.runs(), [op]);
        if accepted {
            agent.say(AgentMessage::Accepted { op }).await;
        }
        agent.leave().await;
        bench.after(policy::of(OpKind::Rollback).timeout).await;
        assert!(bench.op(op).await.status.is_open(), "the host has its own time, and then some");
        bench.after(Duration::from_mins(10)).await;
        assert_eq!(bench.op(op).await.status, OpStatus::Lost);
        assert_eq!(bench.open().await, None);
        assert!(!bench.fleet.store.rollbacks(bench.host.id).await.unwrap()[0].success);
        let host = &bench.fleet.snapshot().await.unwrap().hosts[0];
        assert_eq!(host.lights.system.state, State::Failed);
    }
}

#[tokio::test]
async fn what_was_lost_is_found_when_the_host_comes_back() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.messages();
    agent.leave().await;
    bench.after(Duration::from_hours(1)).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Lost);

    let mut agent = bench.connect(&[op]).await;
    agent.say(AgentMessage::Accepted { op }).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Lost, "that it has the op says nothing of its end");
    let lines = vec![bench.line(1)];
    assert_eq!(
        agent.say(AgentMessage::Output { op, lines }).await,
        Some(ServerMessage::OutputStored { op, through: 1 })
    );
    assert_eq!(agent.finish(op, Outcome::Completed, 1, 47).await, Some(ServerMessage::FinishStored { op }));
    let found = bench.op(op).await;
    assert_eq!(
        (found.status, found.message.as_deref()),
        (OpStatus::Succeeded, Some("Rolled back to Gen 47"))
    );
    let rows = bench.fleet.store.rollbacks(bench.host.id).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.success).collect::<Vec<_>>(), [true]);
    assert_eq!(
        bench.audited().await,
        ["rollback.requested", "rollback.lost", "rollback.succeeded", "test.requested"]
    );
    assert_eq!(agent.runs(), [bench.open().await.unwrap().id], "its tests follow, as they would have");
}

#[tokio::test]
async fn an_end_without_all_of_its_lines_is_not_taken() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.say(AgentMessage::Output { op, lines: vec![bench.line(1), bench.line(3)] }).await;
    let missing = Some(ServerMessage::OutputMissing { op, after: 1 });
    assert_eq!(agent.finish(op, Outcome::Completed, 3, 47).await, missing);
    assert_eq!(bench.op(op).await.status, OpStatus::Running);
    agent.say(AgentMessage::Output { op, lines: vec![bench.line(2), bench.line(3)] }).await;
    let stored = Some(ServerMessage::FinishStored { op });
    assert_eq!(agent.finish(op, Outcome::Completed, 3, 47).await, stored);
    assert_eq!(agent.finish(op, Outcome::Completed, 3, 47).await, stored, "said twice, it is stored once");
    let ends = bench.audited().await.into_iter().filter(|action| action == "rollback.succeeded").count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn an_op_that_never_arrived_is_sent_again_and_one_that_did_is_not() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Refresh).await;
    assert_eq!(agent.runs(), [op]);
    agent.leave().await;
    assert_eq!(bench.connect(&[]).await.runs(), [op]);
    assert!(bench.connect(&[op]).await.runs().is_empty());
}

#[tokio::test]
async fn an_op_that_the_host_began_and_forgot_is_lost_at_once() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Switch).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.leave().await;
    assert!(bench.connect(&[]).await.runs().is_empty());
    let op = bench.op(op).await;
    assert_eq!(op.status, OpStatus::Lost);
    assert!(op.message.unwrap().contains("no longer knows"));
}

#[tokio::test]
async fn a_cancel_reaches_a_host_that_was_away() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Switch).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.messages();
    agent.leave().await;
    bench.fleet.cancel_op(&bench.person, op).await.unwrap();
    assert_eq!(bench.op(op).await.cancel.unwrap().by, "maria");
    for _ in 0..2 {
        // On every connection until the host reports the result: the message may get lost.
        let mut agent = bench.connect(&[op]).await;
        assert_eq!(agent.messages(), [ServerMessage::Cancel { op }]);
    }
    let agent = bench.connect(&[op]).await;
    agent.finish(op, Outcome::Cancelled, 0, 48).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Cancelled);
    assert_eq!(bench.audited().await, ["switch.requested", "switch.cancel-requested", "switch.cancelled"]);
}

#[tokio::test]
async fn an_op_that_was_cancelled_on_its_way_and_never_arrived_is_not_sent_again() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Switch).await;
    agent.leave().await;
    bench.fleet.cancel_op(&bench.person, op).await.unwrap();
    assert_eq!(bench.op(op).await.status, OpStatus::Sent, "it may have arrived");
    let mut agent = bench.connect(&[]).await;
    assert!(agent.messages().is_empty());
    let op = bench.op(op).await;
    assert_eq!(op.status, OpStatus::Cancelled);
    assert!(op.message.unwrap().contains("Nothing was changed"));
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_loses_nothing_for_good() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    agent.say(AgentMessage::Accepted { op }).await;
    bench.after(Duration::from_hours(24 * 365)).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Lost);
    bench.clock.advance(TimeDelta::days(-400));
    assert_eq!(agent.finish(op, Outcome::Completed, 0, 47).await, Some(ServerMessage::FinishStored { op }));
    assert_eq!(bench.op(op).await.status, OpStatus::Succeeded);
    assert_eq!(bench.fleet.store.verify_audit().await.unwrap(), None);
}

#[tokio::test]
async fn an_op_is_tried_again_where_the_registry_allows() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let first = bench.ask(OpAction::Pull).await;
    let again = async |op| bench.fleet.retry_op(&bench.person, op).await;
    assert!(matches!(again(first).await, Err(RequestError::StillOpen(OpStatus::Sent))));
    agent.finish(first, Outcome::Failed, 0, 48).await;
    let second = again(first).await.unwrap();
    assert_eq!((second.retry_of, &second.action), (Some(first), &OpAction::Pull));
    assert!(matches!(again(first).await, Err(RequestError::HostBusy { .. })));
    agent.finish(second.id, Outcome::Completed, 0, 48).await;
    assert!(matches!(again(second.id).await, Err(RequestError::Succeeded)));

    let rolled = bench.ask(rollback()).await;
    agent.finish(rolled, Outcome::Failed, 0, 48).await;
    assert!(matches!(again(rolled).await, Err(RequestError::NotRetriable(_))));
    assert!(matches!(again(OpId::new()).await, Err(RequestError::NoSuchOp)));
    let viewer = Actor::unchecked("otto", Role::Viewer);
    assert!(matches!(
        bench.fleet.retry_op(&viewer, first).await,
        Err(RequestError::NotAllowed(NotAllowed::Role(Role::Operator)))
    ));
}

#[tokio::test]
async fn a_pull_succeeds_only_if_the_checkout_is_at_the_commit() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    for (pulled, status) in
        [(Some("c48"), OpStatus::Succeeded), (Some("c49"), OpStatus::Failed), (None, OpStatus::Failed)]
    {
        let op = bench.ask(OpAction::Pull).await;
        let commit = pulled.map(|commit| Commit(commit.into()));
        let result = OpResult { commit, ..bench.result(Outcome::Completed) };
        agent.say(AgentMessage::Finished { op, result, lines: 0, facts: Box::new(bench.facts(48)) }).await;
        let op = bench.op(op).await;
        assert_eq!(op.status, status, "{:?}", op.message);
    }
}

#[tokio::test]
async fn tests_that_are_to_follow_outlive_the_server() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    // The host's connection ends with the server, right after the result of the op was stored.
    bench.fleet.hub.drop_host(bench.host.id);
    agent.finish(op, Outcome::Completed, 0, 47).await;
    let test = bench.open().await.unwrap();
    assert_eq!(
        (&test.action, test.status, test.requested_by.as_str()),
        (&OpAction::Test, OpStatus::Queued, "auto-test")
    );
    assert_eq!(bench.connect(&[]).await.runs(), [test.id]);
}

#[tokio::test]
async fn no_op_is_sent_before_the_host_has_said_what_it_holds() {
    let bench = Bench::new().await;
    let mut agent = bench.handshake().await;
    let op = bench.ask(OpAction::Refresh).await;
    assert!(agent.messages().is_empty());
    assert_eq!(bench.op(op).await.status, OpStatus::Queued);
    agent.say(AgentMessage::Journal { ops: vec![], damaged: vec![] }).await;
    assert_eq!(agent.runs(), [op]);
}

#[tokio::test]
async fn what_is_said_late_of_a_journal_is_not_believed() {
    let bench = Bench::new().await;
    let old = bench.handshake().await;
    let mut agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Refresh).await;
    agent.say(AgentMessage::Accepted { op }).await;
    old.say(AgentMessage::Journal { ops: vec![], damaged: vec![] }).await;
    agent.say(AgentMessage::Journal { ops: vec![], damaged: vec![] }).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Running);
    assert_eq!(agent.runs(), [op], "once");
}

#[tokio::test]
async fn an_op_whose_record_is_damaged_is_lost_even_if_somebody_cancelled_it() {
    for cancel in [false, true] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let op = bench.ask(OpAction::Switch).await;
        agent.leave().await;
        if cancel {
            bench.fleet.cancel_op(&bench.person, op).await.unwrap();
        }
        let mut agent = bench.handshake().await;
        agent.say(AgentMessage::Journal { ops: vec![], damaged: vec![op] }).await;
        assert!(agent.messages().is_empty());
        let op = bench.op(op).await;
        assert_eq!(op.status, OpStatus::Lost);
        assert!(op.message.unwrap().contains("damaged"));
    }
}

#[tokio::test]
async fn facts_are_taken_in_the_order_of_their_telling() {
    let bench = Bench::new().await;
    let on = async || bench.fleet.store.host(bench.host.id).await.unwrap().unwrap().facts.unwrap();
    let old = bench.connect(&[]).await;
    let agent = bench.connect(&[]).await;
    bench.clock.advance(TimeDelta::days(-3));
    agent.say(AgentMessage::Facts { facts: Box::new(bench.facts(47)) }).await;
    assert_eq!(on().await.current().unwrap().number, 47, "a clock that was set back hides nothing");
    old.say(AgentMessage::Facts { facts: Box::new(bench.facts(48)) }).await;
    assert_eq!(on().await.current().unwrap().number, 47, "the old connection tells what was");
}

#[tokio::test]
async fn tests_that_failed_are_no_good_news() {
    for (passed, expected) in [(true, Tone::Good), (false, Tone::Bad)] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let op = bench.ask(OpAction::Test).await;
        agent.say(AgentMessage::Accepted { op }).await;
        let mut facts = bench.facts(48);
        let run = sample::run_on(facts.current().unwrap(), bench.clock.now(), &[("x11", passed)]);
        facts.test_runs.push(run);
        let before = bench.fleet.events().last();
        let result = bench.result(Outcome::Completed);
        agent.say(AgentMessage::Finished { op, result, lines: 0, facts: Box::new(facts) }).await;
        let told = bench.fleet.events().subscribe(Some(before)).missed;
        let notice = told.iter().find_map(|event| match serde_json::from_str(&event.json).unwrap() {
            Event::Notice(notice) => Some(notice),
            _ => None,
        });
        let notice = notice.unwrap();
        let text = if passed { "Done." } else { "Run Tests failed: Done." };
        assert_eq!((notice.text.as_str(), notice.tone), (text, expected));
    }
}

#[tokio::test]
async fn what_is_known_to_work_outlives_the_hosts_own_memory_of_it() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let run = |passed| sample::run_on(&sample::generation(47, 0), bench.clock.now(), &[("10-dns", passed)]);
    let tell = async |facts: Facts| agent.say(AgentMessage::Facts { facts: Box::new(facts) }).await;
    tell(Facts { test_runs: vec![run(true)], ..bench.facts(48) }).await;
    // Later facts lack the run: it did not fit, or the agent's folder was lost.
    tell(bench.facts(48)).await;
    let plan = bench.fleet.rollback_plan("gpc0").await.unwrap().unwrap();
    assert_eq!(plan.preselected, Some(47));
    assert!(plan.candidate(47).unwrap().last_known_working);
    // The host's own run of the same build comes first.
    tell(Facts { test_runs: vec![run(false)], ..bench.facts(48) }).await;
    let plan = bench.fleet.rollback_plan("gpc0").await.unwrap().unwrap();
    assert!(!plan.candidate(47).unwrap().last_known_working);
}

/// The number of events of this name since `before`.
fn published(bench: &Bench, before: u64, name: &str) -> usize {
    let events = bench.fleet.events().subscribe(Some(before)).missed;
    events.iter().filter(|event| event.name == name).count()
}

#[tokio::test]
async fn the_end_of_an_op_publishes_its_host_once() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Refresh).await;
    agent.say(AgentMessage::Accepted { op }).await;
    let before = bench.fleet.events().last();
    agent.finish(op, Outcome::Completed, 0, 48).await;
    assert_eq!((published(&bench, before, "op"), published(&bench, before, "host")), (1, 1));

    let op = bench.ask(rollback()).await;
    agent.say(AgentMessage::Accepted { op }).await;
    let before = bench.fleet.events().last();
    agent.finish(op, Outcome::Completed, 0, 47).await;
    assert!(bench.open().await.is_some(), "its tests follow");
    assert_eq!((published(&bench, before, "op"), published(&bench, before, "host")), (2, 1));
}

#[tokio::test]
async fn a_person_says_how_long_a_rollback_waits_for_its_host_up_to_the_servers_limit() {
    let reference = |number| sample::generation(number, 0).reference();
    for (asked, waits) in [
        (Some(Duration::from_mins(15)), Duration::from_mins(15)),
        (Some(Duration::from_hours(24)), QUEUE_TIME),
        (None, QUEUE_TIME),
    ] {
        let bench = Bench::new().await;
        let rollback = RequestedRollback {
            target: reference(47),
            seen_current: reference(48),
            specialisation: Specialisation::Keep,
            reason: None,
            stop_tests: false,
            give_up_after: asked,
        };
        let op = bench.fleet.request_rollback(&bench.person, "gpc0", rollback).await.unwrap();
        assert_eq!(op.due_at, Some(bench.clock.now() + waits), "{asked:?}");
        bench.after(waits).await;
        assert_eq!(bench.op(op.id).await.status, OpStatus::TimedOut);
        assert!(bench.connect(&[]).await.runs().is_empty(), "a host that comes later does not run it");
    }
}

/// The disk of gpc0 was copied before the op began.
#[tokio::test]
async fn an_op_outlives_the_first_appearance_of_a_second_machine() {
    let bench = Bench::new().await;
    let first = bench.connect_as(1, &[]).await;
    let op = bench.ask(OpAction::Switch).await;
    first.say(AgentMessage::Accepted { op }).await;
    let _second = bench.connect_as(2, &[]).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Running);
    let first = bench.connect_as(1, &[op]).await;
    first.finish(op, Outcome::Completed, 0, 48).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Succeeded);
    assert!(!bench.audited().await.contains(&"switch.lost".to_owned()));
}

/// Nothing was connected that the agent could have displaced: it is the host's own, and has forgotten the op.
#[tokio::test]
async fn an_op_that_a_restarted_agent_does_not_know_is_lost() {
    let bench = Bench::new().await;
    let first = bench.connect_as(1, &[]).await;
    let op = bench.ask(OpAction::Switch).await;
    first.say(AgentMessage::Accepted { op }).await;
    first.leave().await;
    bench.connect_as(2, &[]).await;
    assert_eq!(bench.op(op).await.status, OpStatus::Lost);
}

#[tokio::test]
async fn each_message_publishes_its_host_once() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    let op = bench.ask(OpAction::Switch).await;
    let published = async |message: AgentMessage| {
        let before = bench.fleet.events.last();
        agent.say(message).await;
        let missed = bench.fleet.events.subscribe(Some(before)).missed;
        missed.iter().filter(|event| event.name == "host").count()
    };
    assert_eq!(published(AgentMessage::Facts { facts: Box::new(bench.facts(48)) }).await, 1);
    assert_eq!(published(AgentMessage::Accepted { op }).await, 1);
    let (result, facts) = (bench.result(Outcome::Completed), Box::new(bench.facts(48)));
    assert_eq!(published(AgentMessage::Finished { op, result, lines: 0, facts }).await, 1);
    assert_eq!(bench.open().await.unwrap().action, OpAction::Test, "an op followed");
}
