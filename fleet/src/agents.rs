//! Agents: authentication, the handshake, and the handling of their messages.

use std::borrow::Cow;
use std::time::Duration;

use backstay_model::wire::event::Tone;
use backstay_model::wire::message::{AgentMessage, Hello, ServerMessage};
use backstay_model::{Facts, HostId, PROTOCOL_VERSION, Platform, TestRun};
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::identities::{Claim, SHARED};
use crate::ops::SERVER;
use crate::state::hub::Connection;
use crate::state::last_seen::Times;
use crate::store::{EnrolError, HostRecord, NewAuditEntry, NewHost, StoreError, TokenHash};

/// Number of recorded test runs that are added to a host's facts, for its newest generations.
const RUNS_ADDED: usize = 50;

/// Why an agent is rejected.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Its token is unknown, and it has no join token.
    #[error("this host's token is unknown: enrol the host with a join token")]
    UnknownToken,
    /// See [`EnrolError`].
    #[error(transparent)]
    NotEnrolled(#[from] EnrolError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// The reason as the agent receives it. Only the server's log contains database errors: a rejected client learns nothing about
    /// the server's inside.
    pub fn public_message(&self) -> String {
        match self {
            Self::Store(_) | Self::NotEnrolled(EnrolError::Store(_)) => {
                "the server cannot look up this host now: try again later".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// What an agent presents before it connects.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The host's token, which the agent generated.
    pub token: TokenHash,
    /// The join token, until the host is enrolled.
    pub join: Option<TokenHash>,
    /// The host's name.
    pub name: String,
    /// The host's platform.
    pub platform: Platform,
}

impl Fleet {
    /// Returns whether this token belongs to a host.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn is_known_token(&self, token: &TokenHash) -> Result<bool, StoreError> {
        Ok(self.store.host_by_token(token).await?.is_some())
    }

    /// Returns the host that an agent belongs to. Enrols the host if the agent presents a valid join token.
    ///
    /// # Errors
    /// [`AuthError`] if the agent is rejected.
    pub async fn authenticate(&self, credentials: Credentials) -> Result<HostRecord, AuthError> {
        if let Some(known) = self.store.host_by_token(&credentials.token).await? {
            return Ok(known);
        }
        let join = credentials.join.ok_or(AuthError::UnknownToken)?;
        // Anybody can make one up, and only one process can write at a time.
        if !self.store.is_join_token(&join).await? {
            return Err(EnrolError::InvalidToken.into());
        }
        let new = NewHost {
            id: HostId::new(),
            name: credentials.name,
            platform: credentials.platform,
            token: credentials.token,
            auto_test: true,
            at: self.clock.now(),
        };
        let host = self.store.enrol(&new, &join).await?;
        tracing::info!(host = %host.name, platform = %host.platform, "host enrolled");
        self.publish_host(host.id).await;
        Ok(host)
    }

    /// Answers an agent's hello. Returns the answer, and a connection if the agent is welcome.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn handshake(
        &self,
        host: &HostRecord,
        hello: &Hello,
    ) -> Result<(ServerMessage, Option<Connection>), StoreError> {
        if let Some(refusal) = self.refuse_shared_identity(host, hello).await? {
            return Ok((refusal, None));
        }
        self.touch(host.id);
        self.store.record_agent(host.id, &hello.agent_version, hello.protocol, hello.platform).await?;
        if hello.protocol != PROTOCOL_VERSION {
            self.publish_host(host.id).await;
            let reason = format!(
                "this server speaks protocol {PROTOCOL_VERSION}, the agent {}: install agent {}",
                hello.protocol, self.server_version
            );
            return Ok((ServerMessage::Refused { reason }, None));
        }
        let connection = self.hub.connect(host.id, hello.instance);
        tracing::info!(host = %host.name, agent = %hello.agent_version, "agent connected");
        self.publish_host(host.id).await;
        let welcome =
            ServerMessage::Welcome { server_version: self.server_version.to_string(), host: host.id };
        Ok((welcome, Some(connection)))
    }

    /// Detects two agents with one identity. Returns the refusal for the second: the connected agent stays.
    async fn refuse_shared_identity(
        &self,
        host: &HostRecord,
        hello: &Hello,
    ) -> Result<Option<ServerMessage>, StoreError> {
        let Some(instance) = hello.instance else { return Ok(None) };
        let connected = self.hub.instance(host.id);
        let Claim::Shared { notify } = self.identities.hello(host.id, instance, connected, Instant::now())
        else {
            return Ok(None);
        };
        if notify {
            self.report_shared_identity(host).await?;
        }
        let another = connected.is_some_and(|connected| connected != instance);
        Ok(another.then(|| ServerMessage::Refused { reason: SHARED.to_owned() }))
    }

    async fn report_shared_identity(&self, host: &HostRecord) -> Result<(), StoreError> {
        let text = format!(
            "Two agents take turns as {}: its disk or its token was copied. It receives no ops while both run. Stop \
             one, remove its state folder, and enrol it under another name.",
            host.name
        );
        tracing::warn!(host = %host.name, "two agents have one identity");
        let entry = NewAuditEntry::new(self.clock.now(), SERVER, "host.two-agents", &text).host(&host.name);
        self.store.append_audit(&entry).await?;
        self.notify_about_host(&host.name, Tone::Bad, text);
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Returns whether two agents claim the host, so that it receives no ops.
    pub(crate) fn is_shared(&self, host: HostId) -> bool {
        self.identities.is_shared(host, Instant::now())
    }

    /// Charges a host's [`budget`](crate::budget). Returns how long to wait before reading from its agent again.
    pub fn charge(&self, host: HostId, cost: u64) -> Duration {
        self.budgets.spend(host, cost, Instant::now())
    }

    /// Handles a message from an agent. Returns the answer, if there is one.
    ///
    /// # Errors
    /// [`StoreError`]: the message was not handled. Close the connection, so that the agent sends it again.
    pub async fn handle_message(
        &self,
        connection: &Connection,
        message: AgentMessage,
    ) -> Result<Option<ServerMessage>, StoreError> {
        let host = connection.host;
        self.touch(host);
        match message {
            AgentMessage::Hello(_) => Ok(None),
            AgentMessage::Journal { ops, damaged } => {
                self.journal_reported(connection, &ops, &damaged).await.map(|()| None)
            }
            AgentMessage::Facts { facts } => {
                let before = self.store.host(host).await?.and_then(|record| record.facts);
                let stored = self.record_facts(connection, &facts).await?;
                if stored.is_some() {
                    self.test_what_others_changed(host, before.as_ref(), &facts).await?;
                }
                self.publish_reported(connection, stored).await;
                Ok(None)
            }
            AgentMessage::Accepted { op } => self.op_accepted(host, op).await.map(|()| None),
            AgentMessage::Progress { op, phase } => self.op_progress(host, op, phase).await.map(|()| None),
            AgentMessage::Output { op, lines } => {
                let through = self.op_output(host, op, lines).await?;
                Ok(through.map(|through| ServerMessage::OutputStored { op, through }))
            }
            AgentMessage::Compared { pair, comparison } => {
                self.compared(host, pair, *comparison);
                Ok(None)
            }
            AgentMessage::Finished { op, result, lines, facts } => {
                self.op_finished(connection, op, &result, lines, &facts).await.map(Some)
            }
        }
    }

    /// Records facts, and returns what was stored. The last facts to arrive are current: an agent sends its readings in order, and
    /// facts from a replaced connection are old. The host's clock cannot decide the order, because people may set it.
    pub(crate) async fn record_facts<'a>(
        &self,
        connection: &Connection,
        facts: &'a Facts,
    ) -> Result<Option<Cow<'a, Facts>>, StoreError> {
        if !self.hub.is_newest(connection) {
            return Ok(None);
        }
        let recorded = self.recorded_runs(connection.host, facts).await?;
        let mut facts = Cow::Borrowed(facts);
        if !recorded.is_empty() {
            facts.to_mut().test_runs.extend(recorded);
        }
        self.store.record_facts(connection.host, &facts).await?;
        Ok(Some(facts))
    }

    /// The recorded test runs of generations whose runs the host no longer reports: it drops what does not fit into a message, and
    /// its folder may be lost. Last known working depends on neither.
    async fn recorded_runs(&self, host: HostId, facts: &Facts) -> Result<Vec<TestRun>, StoreError> {
        let is_reported = |path: &str| facts.test_runs.iter().any(|run| run.generation.store_path == path);
        let generations = facts.generations.iter().map(|generation| generation.store_path.as_str());
        let lacking: Vec<_> = generations.filter(|path| !is_reported(path)).take(RUNS_ADDED).collect();
        let mut runs = self.store.latest_test_runs(host, &lacking).await?;
        for result in runs.iter_mut().flat_map(|run| &mut run.results) {
            // Each run has its own page with the output; every page of the host receives the facts.
            result.tail.clear();
        }
        Ok(runs)
    }

    /// Remembers that an agent was heard from, in memory.
    pub fn touch(&self, host: HostId) {
        self.last_seen.heard(host, self.clock.now());
    }

    /// Stores when the agents were last heard from, as far as the store does not know. Call it once no agent is connected any
    /// more, before the server ends.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn store_last_seen(&self) -> Result<(), StoreError> {
        self.store_times(&self.last_seen.unstored()).await
    }

    /// Stores when the hosts that have left were last heard from.
    pub(crate) async fn store_left(&self) -> Result<(), StoreError> {
        self.store_times(&self.last_seen.of_left()).await
    }

    async fn store_times(&self, times: &Times) -> Result<(), StoreError> {
        if times.is_empty() {
            return Ok(());
        }
        self.store.record_seen(times).await?;
        self.last_seen.stored(times);
        Ok(())
    }

    /// Removes a connection that has ended.
    pub async fn disconnected(&self, connection: &Connection) {
        let host = connection.host;
        if !self.hub.disconnect(connection) {
            return;
        }
        self.last_seen.left(host);
        self.publish_host(host).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backstay_model::{Clock as _, FixedClock};
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::test_fleet::{self, Database};

    struct Bench {
        database: Database,
        clock: Arc<FixedClock>,
        fleet: Fleet,
        hosts: Vec<(HostRecord, Connection)>,
    }

    /// A fleet of this many connected hosts.
    async fn connected(count: u32) -> Bench {
        let (database, clock) = (Database::new(), test_fleet::clock());
        let fleet = Fleet::new(test_fleet::config(Arc::new(database.open().await), &clock));
        let mut hosts = vec![];
        for number in 0..count {
            let name = format!("gpc{number}");
            let host = test_fleet::enrolled(&*fleet.store, &name, fleet.clock.now()).await;
            let (_, connection) = fleet.handshake(&host, &test_fleet::hello(&name)).await.unwrap();
            hosts.push((host, connection.unwrap()));
        }
        Bench { database, clock, fleet, hosts }
    }

    impl Bench {
        /// All hosts are heard from, as often as they ping within a minute.
        fn idle_for_a_minute(&self) {
            for _ in 0..6 {
                self.clock.advance(TimeDelta::seconds(10));
                for (host, _) in &self.hosts {
                    self.fleet.touch(host.id);
                }
            }
        }

        async fn stored(&self, host: usize) -> Option<DateTime<Utc>> {
            self.fleet.store.host(self.hosts[host].0.id).await.unwrap().unwrap().last_seen
        }
    }

    #[tokio::test]
    async fn idle_hosts_cost_one_transaction_a_minute_whatever_their_number() {
        let bench = connected(30).await;
        let (commits, event) = (bench.database.commits(), bench.fleet.events.last());
        bench.idle_for_a_minute();
        bench.fleet.tick().await.unwrap();
        assert_eq!(bench.database.commits(), commits, "nothing is written in between");
        assert_eq!(bench.stored(0).await, None);
        let shown = bench.fleet.host_detail("gpc7").await.unwrap().unwrap().host.last_seen;
        assert_eq!(shown, Some(bench.clock.now()), "pages show it at once");

        bench.fleet.store_last_seen().await.unwrap();
        bench.fleet.store_last_seen().await.unwrap();
        assert_eq!(bench.database.commits(), commits + 1);
        assert_eq!(bench.stored(29).await, Some(bench.clock.now()));
        assert_eq!(bench.fleet.events.last(), event, "and no page hears of it");
    }

    #[tokio::test]
    async fn hosts_that_leave_together_are_stored_together() {
        let bench = connected(30).await;
        let commits = bench.database.commits();
        bench.clock.advance(TimeDelta::seconds(1));
        bench.fleet.touch(bench.hosts[0].0.id);
        for (_, connection) in &bench.hosts[..20] {
            bench.fleet.disconnected(connection).await;
        }
        bench.fleet.last_seen.someone_left().await;
        bench.fleet.store_left().await.unwrap();
        assert_eq!(bench.database.commits(), commits + 1);
        assert_eq!(bench.stored(0).await, Some(bench.clock.now()));
        assert_eq!(bench.stored(20).await, None, "it is still connected");
        let kept = bench.fleet.last_seen.get(bench.hosts[0].0.id);
        assert_eq!(kept, Some(bench.clock.now()), "for those who have read the host's record before");
    }

    #[tokio::test]
    async fn an_agent_that_returns_unchanged_writes_nothing() {
        let bench = connected(1).await;
        let commits = bench.database.commits();
        let hello = test_fleet::hello("gpc0");
        bench.fleet.handshake(&bench.hosts[0].0, &hello).await.unwrap();
        assert_eq!(bench.database.commits(), commits);
        let newer = Hello { agent_version: "0.2.0".into(), ..hello };
        bench.fleet.handshake(&bench.hosts[0].0, &newer).await.unwrap();
        assert_eq!(bench.database.commits(), commits + 1);
    }
}
