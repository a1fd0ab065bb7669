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
        self.store
            .record_agent(host.id, &hello.agent_version, hello.protocol, hello.platform, self.clock.now())
            .await?;
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
        self.touch(host).await?;
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

    /// Remembers that an agent was heard from. The store is updated once a minute and at the disconnect.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn touch(&self, host: HostId) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.hub.touch(host, now) {
            self.store.record_seen(host, now).await?;
        }
        Ok(())
    }

    /// Removes a connection that has ended.
    pub async fn disconnected(&self, connection: &Connection) {
        let host = connection.host;
        if !self.hub.disconnect(connection) {
            return;
        }
        if let Some(at) = self.hub.last_seen(host) {
            match self.store.record_seen(host, at).await {
                Ok(()) => self.hub.forget_seen(host),
                Err(error) => {
                    tracing::error!(%error, %host, "the time of the last message could not be stored");
                }
            }
        }
        self.publish_host(host).await;
    }
}
