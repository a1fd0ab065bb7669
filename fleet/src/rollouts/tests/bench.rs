//! A fleet whose hosts, clock and server are under the control of the test.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backstay_model::deployment::{Decision, Deployment, PullRequestRef};
use backstay_model::rollout::{Rollout, RolloutRequest, RolloutStep};
use backstay_model::view::AuditQuery;
use backstay_model::wire::message::AgentMessage;
use backstay_model::{
    Clock as _, Commit, DeploymentId, DesiredState, FixedClock, HostId, OpAction, OpId, OpKind, RolloutId,
    sample,
};
use chrono::TimeDelta;

use super::host::{Host, generation, test_run};
use crate::Fleet;
use crate::accounts::Actor;
use crate::ops::ended::never_began;
use crate::rollouts::Pacing;
use crate::store::{NewAuditEntry, NewDeployment, Store};
use crate::test_fleet::{self, Database};

/// The commit of all hosts before the merge, and the merged one.
pub(super) const OLD: &str = "0ld";
pub(super) const MERGED: &str = "42abc";

pub(super) struct Bench {
    pub(super) fleet: Fleet,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) maria: Actor,
    pub(super) hosts: BTreeMap<String, Host>,
    pub(super) rollout: Option<RolloutId>,
    database: Database,
}

impl Bench {
    /// A fleet of these hosts, all connected and on Gen 48. Gen 47 is known to work.
    pub(super) async fn new(names: &[&str]) -> Self {
        let database = Database::new();
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        let clock = test_fleet::clock();
        let mut bench = Self {
            fleet: Fleet::new(test_fleet::config(store.clone(), &clock)),
            store,
            clock,
            maria: test_fleet::maria(),
            hosts: BTreeMap::new(),
            rollout: None,
            database,
        };
        for name in names {
            bench.enrol(name).await;
            bench.connect(name).await;
        }
        bench
    }

    async fn enrol(&mut self, name: &str) {
        let at = self.clock.now();
        let record = test_fleet::enrolled(&*self.store, name, at).await;
        let before = at - TimeDelta::days(1);
        let mut host = Host {
            record,
            connection: None,
            received: vec![],
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

    /// Starts another server on the same store: its memory is empty, and every agent has to reconnect.
    pub(super) async fn restart(&mut self) {
        self.fleet = Fleet::new(test_fleet::config(self.store.clone(), &self.clock));
        for host in self.hosts.values_mut() {
            host.connection = None;
        }
        self.fleet.resume_rollouts().await.unwrap();
        self.fleet.settle().await;
    }

    /// Merges pull request 42.
    pub(super) async fn merge(&self) -> DeploymentId {
        let new = NewDeployment {
            id: DeploymentId::new(),
            pull_request: PullRequestRef { number: 42, title: "Update".into(), url: "u".into() },
            commit: Commit(MERGED.into()),
            merged_by: "maria".into(),
            merged_at: self.clock.now(),
            inputs: None,
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

    pub(super) fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(name).unwrap()
    }

    pub(super) async fn connect(&mut self, name: &str) {
        let host = &self.hosts[name];
        let ops = host.journal.iter().copied().collect();
        let (_, connection) = self.fleet.handshake(&host.record, &test_fleet::hello(name)).await.unwrap();
        self.host(name).connection = connection;
        self.say(name, AgentMessage::Journal { ops, damaged: vec![] }).await;
    }

    pub(super) async fn leave(&mut self, name: &str) {
        let connection = self.host(name).connection.take().unwrap();
        self.fleet.disconnected(&connection).await;
    }

    /// Removes the host from the fleet.
    pub(super) async fn remove(&mut self, name: &str) {
        let pool = self.database.connect().await;
        let id = self.id(name).to_string();
        sqlx::query("DELETE FROM hosts WHERE id = $1").bind(id).execute(&pool).await.unwrap();
        pool.close().await;
        self.hosts.remove(name);
    }

    /// Reverts the pull request on the branch.
    pub(super) async fn revert(&self, id: DeploymentId) {
        let (by, at) = ("maria".to_owned(), self.clock.now());
        let reverted = Decision::Reverted { by: by.clone(), at, commit: Commit("r".into()), reason: None };
        let before = Box::new(Decision::Open);
        for decision in [Decision::Reverting { by, at, before, reason: None }, reverted] {
            self.store.decide(id, &decision, &self.entry("pr.decided")).await.unwrap().unwrap();
        }
    }

    pub(super) fn entry(&self, action: &str) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), "maria", action, "")
    }

    /// The file of the database.
    pub(super) fn file(&self) -> std::path::PathBuf {
        self.database.file()
    }

    pub(super) async fn ask(&self, name: &str, action: OpAction) -> OpId {
        let op = self.fleet.request_op(&self.maria, name, action, None).await.unwrap().id;
        self.fleet.settle().await;
        op
    }

    pub(super) async fn start(&mut self, kind: OpKind, hosts: &[&str], parallel: u32) -> Rollout {
        self.start_as(request(kind, hosts, parallel)).await
    }

    pub(super) async fn start_as(&mut self, asked: RolloutRequest) -> Rollout {
        let rollout = self.fleet.start_rollout(&self.maria, asked).await.unwrap();
        self.rollout = Some(rollout.id);
        self.fleet.settle().await;
        rollout
    }

    pub(super) async fn rollout(&self) -> Rollout {
        self.fleet.rollout(self.rollout.unwrap()).await.unwrap().unwrap()
    }

    /// The step of each host, with the reason if there is one.
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

    /// The outcome of each host in the deployment, in the words of the page.
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

    /// Number of events so far: event numbers start at the time of the server's start.
    fn heard(&self) -> u64 {
        self.fleet.events.last() - u64::try_from(sample::now().timestamp_millis()).unwrap()
    }

    pub(super) async fn after(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).unwrap());
        self.fleet.tick().await.unwrap();
        self.fleet.settle().await;
    }

    /// How many of the roll-out's ops the host began: the person who started it requests them.
    pub(super) async fn begun(&self, name: &str) -> usize {
        let filter = crate::store::OpFilter { host: Some(self.id(name)), limit: 50, ..Default::default() };
        let ops = self.store.ops(&filter).await.unwrap();
        ops.iter().filter(|op| op.requested_by == "maria" && !never_began(op)).count()
    }
}

pub(super) fn request(kind: OpKind, hosts: &[&str], parallel: u32) -> RolloutRequest {
    RolloutRequest {
        kind,
        hosts: hosts.iter().map(|name| (*name).to_owned()).collect(),
        parallel,
        stop_on_failure: true,
        pause_after: None,
        reason: None,
        typed: None,
    }
}

/// All hosts at once, whatever happens.
pub(super) fn together() -> Pacing {
    Pacing { parallel: 100, stop_on_failure: false, pause_after: None }
}
