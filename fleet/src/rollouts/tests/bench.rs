//! A fleet of hosts that the test plays, with a clock that it moves and a server that it can end.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backstay_protocol::deployment::{Decision, Deployment, PullRequestRef};
use backstay_protocol::message::{AgentMessage, Hello, OpResult, Outcome, ServerMessage};
use backstay_protocol::rollout::{Rollout, RolloutRequest, RolloutStep};
use backstay_protocol::view::{AuditQuery, Person, Role};
use backstay_protocol::{
    Checkout, Clock as _, Commit, DeploymentId, DesiredState, Facts, FixedClock, Generation, HostId,
    OpAction, OpId, OpKind, PROTOCOL_VERSION, Platform, RolloutId, TestResult, TestRun,
};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::at_once::Slots;
use crate::hub::Connection;
use crate::ops::ended::never_began;
use crate::store::sqlite::SqliteStore;
use crate::store::{HostRecord, NewAuditEntry, NewDeployment, NewHost, NewJoinToken, Store, TokenHash};
use crate::{Fleet, FleetConfig};

pub(super) const QUEUE_TIME: Duration = Duration::from_hours(2);

/// The commit that hosts are on before anything is merged, and the one that is merged.
pub(super) const OLD: &str = "0ld";
pub(super) const MERGED: &str = "42abc";

pub(super) struct Bench {
    pub(super) fleet: Fleet,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) maria: Person,
    hosts: BTreeMap<String, Host>,
    pub(super) rollout: Option<RolloutId>,
    folder: TempDir,
}

/// A host and what it is.
struct Host {
    record: HostRecord,
    connection: Option<Connection>,
    /// The ops that it was told to run.
    told: Vec<(OpId, OpAction)>,
    /// The ops in its journal.
    journal: HashSet<OpId>,
    /// Ends that the server has not acknowledged.
    unheard: Vec<AgentMessage>,
    generations: Vec<Generation>,
    checkout: &'static str,
    runs: Vec<TestRun>,
}

impl Bench {
    /// A fleet of these hosts, all of them connected, on Gen 48; Gen 47 is known to work.
    pub(super) async fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backstay.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path.to_str().unwrap()).await.unwrap());
        let clock = Arc::new(FixedClock::at("2025-12-28T14:40:00Z".parse().unwrap()));
        let mut bench = Self {
            fleet: fleet(&store, &clock),
            store,
            clock,
            maria: Person { name: "maria".into(), role: Role::Operator },
            hosts: BTreeMap::new(),
            rollout: None,
            folder,
        };
        for name in names {
            bench.enrol(name).await;
            bench.connect(name).await;
        }
        bench
    }

    async fn enrol(&mut self, name: &str) {
        let at = self.clock.now();
        let token = TokenHash::of(&format!("join {name}"));
        let join = NewJoinToken {
            token: token.clone(),
            host_name: None,
            created_at: at,
            expires_at: at + TimeDelta::hours(1),
        };
        self.store.insert_join_token(&join).await.unwrap();
        let host = NewHost {
            id: HostId::new(),
            name: name.to_owned(),
            platform: Platform::Nixos,
            token: TokenHash::of(name),
            auto_test: true,
            at,
        };
        let record = self.store.enrol(&host, &token).await.unwrap();
        let before = at - TimeDelta::days(1);
        let mut host = Host {
            record,
            connection: None,
            told: vec![],
            journal: HashSet::new(),
            unheard: vec![],
            generations: vec![generation(48, before, true), generation(47, before, false)],
            checkout: OLD,
            runs: vec![],
        };
        host.runs.push(test_run(&host.generations[1], before, &[]));
        self.store.record_facts(host.record.id, &host.facts(at)).await.unwrap();
        self.hosts.insert(name.to_owned(), host);
    }

    /// Another server on the same store: what was in memory is gone, and every agent has to connect anew.
    pub(super) async fn restart(&mut self) {
        self.fleet = fleet(&self.store, &self.clock);
        for host in self.hosts.values_mut() {
            host.connection = None;
        }
        self.fleet.resume_rollouts().await.unwrap();
    }

    /// Pull request 42 is merged.
    pub(super) async fn merge(&self) -> DeploymentId {
        let new = NewDeployment {
            id: DeploymentId::new(),
            pull_request: PullRequestRef { number: 42, title: "Update".into(), url: "u".into() },
            commit: Commit(MERGED.into()),
            merged_by: "maria".into(),
            merged_at: self.clock.now(),
        };
        self.store.open_deployment(&new, &self.entry("pr.merged")).await.unwrap();
        self.branch_at(MERGED);
        new.id
    }

    pub(super) fn branch_at(&self, commit: &str) {
        self.fleet.set_desired(DesiredState::Known {
            commit: Commit(commit.into()),
            tree: Commit(format!("tree of {commit}")),
            lock_hash: None,
            read_at: self.clock.now(),
        });
    }

    pub(super) fn id(&self, name: &str) -> HostId {
        self.hosts[name].record.id
    }

    fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(name).unwrap()
    }

    pub(super) async fn connect(&mut self, name: &str) {
        let host = &self.hosts[name];
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            agent_version: "0.1.0".into(),
            name: name.to_owned(),
            platform: Platform::Nixos,
        };
        let ops = host.journal.iter().copied().collect();
        let (_, connection) = self.fleet.greet(&host.record, &hello).await.unwrap();
        self.host(name).connection = connection;
        self.say(name, AgentMessage::Journal { ops, damaged: vec![] }).await;
    }

    pub(super) async fn leave(&mut self, name: &str) {
        let connection = self.host(name).connection.take().unwrap();
        self.fleet.agent_left(&connection).await.unwrap();
    }

    async fn say(&self, name: &str, message: AgentMessage) {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        self.fleet.agent_said(connection, message).await.unwrap();
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

    fn later(&self) -> DateTime<Utc> {
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

    /// The host's test runs are gone.
    pub(super) async fn no_test_ever_passed(&mut self, name: &str) {
        self.host(name).runs.retain(|run| run.summary().passed < run.summary().total);
        self.tell_facts(name).await;
    }

    async fn tell_facts(&self, name: &str) {
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

    /// The pull request is reverted on the branch.
    pub(super) async fn revert(&self, id: DeploymentId) {
        let (by, at) = ("maria".to_owned(), self.clock.now());
        let reverted = Decision::Reverted { by: by.clone(), at, commit: Commit("r".into()) };
        for decision in [Decision::Reverting { by, at }, reverted] {
            self.store.decide(id, &decision, &self.entry("pr.decided")).await.unwrap().unwrap();
        }
    }

    pub(super) fn entry(&self, action: &str) -> NewAuditEntry {
        NewAuditEntry {
            at: self.clock.now(),
            actor: "maria".into(),
            action: action.into(),
            host_name: None,
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: String::new(),
            op: None,
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
        let current = host.generations.iter().find(|it| it.current).unwrap().clone();
        host.runs.push(test_run(&current, now, failed));
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

    /// The file of the database.
    pub(super) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("backstay.db")
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
        match action.kind() {
            OpKind::Test => {
                let current = host.generations.iter().find(|it| it.current).unwrap().clone();
                host.runs.push(test_run(&current, now, failed));
            }
            _ => {
                host.checkout = MERGED;
                host.takes_up_its_checkout(now);
            }
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

    async fn try_say(&self, name: &str, message: AgentMessage) -> Option<ServerMessage> {
        let connection = self.hosts[name].connection.as_ref().unwrap();
        self.fleet.agent_said(connection, message).await.ok().flatten()
    }

    /// A host that does what it is told by itself, from now on.
    pub(super) fn player(&mut self, name: &str, slots: Arc<Slots>) -> Player {
        let host = self.hosts.get_mut(name).unwrap();
        let facts = host.facts(self.clock.now());
        Player { fleet: self.fleet.clone(), connection: host.connection.take().unwrap(), facts, slots }
    }

    pub(super) async fn ask(&self, name: &str, action: OpAction) -> OpId {
        self.fleet.request_op(&self.maria, name, action, None).await.unwrap().id
    }

    pub(super) async fn start(&mut self, kind: OpKind, hosts: &[&str], parallel: u32) -> Rollout {
        let rollout = self.fleet.start_rollout(&self.maria, request(kind, hosts, parallel)).await.unwrap();
        self.rollout = Some(rollout.id);
        rollout
    }

    pub(super) async fn rollout(&self) -> Rollout {
        self.fleet.rollout(self.rollout.unwrap()).await.unwrap().unwrap()
    }

    /// How far each host is, in a word or with why.
    pub(super) async fn steps(&self) -> Vec<String> {
        let told = |step: &RolloutStep| match step {
            RolloutStep::Failed { why, .. } | RolloutStep::Skipped { why } => {
                format!("{}: {why}", step.as_str())
            }
            step => step.as_str().to_owned(),
        };
        self.rollout().await.hosts.iter().map(|host| format!("{} {}", host.name, told(&host.step))).collect()
    }

    pub(super) async fn deployment(&self) -> Deployment {
        self.fleet.newest_deployment().await.unwrap().unwrap()
    }

    /// How each host fared with the deployment, in the words of the page.
    pub(super) async fn outcomes(&self) -> Vec<String> {
        self.deployment().await.hosts.iter().map(|host| format!("{}: {host}", host.name)).collect()
    }

    pub(super) async fn audited(&self, prefix: &str) -> Vec<String> {
        let entries = self.store.audit(&AuditQuery::default(), 1000).await.unwrap();
        entries
            .into_iter()
            .rev()
            .filter(|entry| entry.action.starts_with(prefix))
            .map(|entry| format!("{} by {}", entry.action, entry.actor))
            .collect()
    }

    /// The texts of the notices, in order.
    pub(super) fn notices(&self) -> Vec<String> {
        let heard = self.fleet.events.subscribe(Some(self.fleet.events.last() - self.heard())).missed;
        let text = |json: &str| {
            serde_json::from_str::<serde_json::Value>(json).unwrap()["text"].as_str().unwrap().to_owned()
        };
        heard.iter().filter(|event| event.name == "notice").map(|event| text(&event.json)).collect()
    }

    /// How many events there were: the numbers begin at the time at which the server did.
    fn heard(&self) -> u64 {
        let start: DateTime<Utc> = "2025-12-28T14:40:00Z".parse().unwrap();
        self.fleet.events.last() - u64::try_from(start.timestamp_millis()).unwrap()
    }

    pub(super) async fn after(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).unwrap());
        self.fleet.close_due().await.unwrap();
    }

    /// How often the host was reached: ops of a roll-out are asked for by who started it.
    pub(super) async fn begun(&self, name: &str) -> usize {
        let filter = crate::store::OpFilter { host: Some(self.id(name)), limit: 50, ..Default::default() };
        let ops = self.store.ops(&filter).await.unwrap();
        ops.iter().filter(|op| op.requested_by == "maria" && !never_began(op)).count()
    }
}

/// A host that does what it is told: it holds its slot from the switch to the end of the tests.
pub(super) struct Player {
    fleet: Fleet,
    connection: Connection,
    facts: Facts,
    slots: Arc<Slots>,
}

impl Player {
    pub(super) async fn play(mut self) {
        while let Some(message) = self.connection.outbox.recv().await {
            let ServerMessage::Run { op, action, .. } = message else { continue };
            if action.kind() == OpKind::Switch {
                self.slots.take();
            }
            self.say(AgentMessage::Accepted { op }).await;
            tokio::task::yield_now().await;
            if action.kind() == OpKind::Test {
                self.slots.give_back();
            }
            let result = OpResult {
                outcome: Outcome::Completed,
                exit_code: Some(0),
                commit: None,
                message: "Done.".into(),
                started_at: self.facts.read_at,
                finished_at: self.facts.read_at,
            };
            let facts = Box::new(self.facts.clone());
            self.say(AgentMessage::Finished { op, result, lines: 0, facts }).await;
        }
    }

    async fn say(&self, message: AgentMessage) {
        self.fleet.agent_said(&self.connection, message).await.unwrap();
    }
}

pub(super) fn request(kind: OpKind, hosts: &[&str], parallel: u32) -> RolloutRequest {
    RolloutRequest {
        kind,
        hosts: hosts.iter().map(|name| (*name).to_owned()).collect(),
        parallel,
        stop_on_failure: true,
        reason: None,
    }
}

impl Host {
    /// A new generation of what the checkout says.
    fn takes_up_its_checkout(&mut self, now: DateTime<Utc>) {
        self.generations.iter_mut().for_each(|it| it.current = false);
        let number = self.generations[0].number + 1;
        let made = Generation { commit: Some(Commit(self.checkout.into())), ..generation(number, now, true) };
        self.generations.insert(0, made);
    }

    fn facts(&self, now: DateTime<Utc>) -> Facts {
        let current = self.generations.iter().find(|it| it.current).unwrap();
        Facts {
            read_at: now,
            profile: "/nix/var/nix/profiles/system".into(),
            running: Some(current.store_path.clone()),
            booted: None,
            checkout: Some(Checkout {
                path: "/etc/nixos".into(),
                commit: Commit(self.checkout.into()),
                tree: Some(Commit(format!("tree of {}", self.checkout))),
                lock_hash: None,
            }),
            tests_available: 2,
            test_runs: self.runs.clone(),
            failed_units: vec![],
            problems: vec![],
            generations: self.generations.clone(),
        }
    }
}

fn generation(number: u32, created_at: DateTime<Utc>, current: bool) -> Generation {
    Generation {
        number,
        store_path: format!("/nix/store/{number:032}-nixos-system"),
        commit: Some(Commit(OLD.into())),
        tree: None,
        version: None,
        kernel: None,
        created_at,
        current,
        booted: false,
        present: true,
        needs_reboot: false,
        inhibitors: vec![],
    }
}

fn test_run(generation: &Generation, at: DateTime<Utc>, failed: &[&str]) -> TestRun {
    let result =
        |name: &str, passed| TestResult { name: name.to_owned(), passed, duration_ms: 1, tail: vec![] };
    let failed = failed.iter().map(|name| result(name, false));
    TestRun {
        generation: generation.reference(),
        started_at: at,
        finished_at: at,
        results: std::iter::once(result("dns", true)).chain(failed).collect(),
    }
}

fn fleet(store: &Arc<dyn Store>, clock: &Arc<FixedClock>) -> Fleet {
    Fleet::new(FleetConfig {
        server_version: "0.1.0".into(),
        store: Arc::clone(store),
        clock: clock.clone(),
        queue_time: QUEUE_TIME,
        github: None,
    })
}
