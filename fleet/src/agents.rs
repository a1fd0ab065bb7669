//! Agents: who they are, and what is done with what they say.

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

/// How many recorded test runs are added to what a host tells, those of its newest generations.
const RUNS_ADDED: usize = 50;

/// Why an agent is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Its token is not known and it has none to join with.
    #[error("this host's token is not known here: enrol it with a join token")]
    UnknownToken,
    /// See [`EnrolError`].
    #[error(transparent)]
    NotEnrolled(#[from] EnrolError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// What the agent is told. A fault of the database is for the server's log: somebody who is not let in learns nothing
    /// of what is behind the door.
    pub fn told(&self) -> String {
        match self {
            Self::Store(_) | Self::NotEnrolled(EnrolError::Store(_)) => {
                "the server cannot look this host up now: try again later".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// What an agent shows before a connection is made.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The token of the host, which the agent made for itself.
    pub token: TokenHash,
    /// The join token, while the host is not enrolled.
    pub join: Option<TokenHash>,
    /// The name that the host goes by.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
}

impl Fleet {
    /// Whether some host's agent shows this token.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn is_known_token(&self, token: &TokenHash) -> Result<bool, StoreError> {
        Ok(self.store.host_by_token(token).await?.is_some())
    }

    /// Says which host an agent speaks for, and enrols it where it shows a valid join token.
    ///
    /// # Errors
    /// [`AuthError`] where it is to be turned away.
    pub async fn authenticate(&self, credentials: Credentials) -> Result<HostRecord, AuthError> {
        if let Some(known) = self.store.host_by_token(&credentials.token).await? {
            return Ok(known);
        }
        let join = credentials.join.ok_or(AuthError::UnknownToken)?;
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

    /// An agent has said hello. The answer is to be sent; the connection exists only where it is a welcome.
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

    /// Notices two agents with one identity. What the one that came second is told: the one that is connected stays.
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
            "Two agents take turns as {}: its disk or its token was copied. No op is sent to it while both run. Stop \
             one, remove its state folder, and enrol it under a name of its own.",
            host.name
        );
        tracing::warn!(host = %host.name, "two agents have one identity");
        let entry = NewAuditEntry::new(self.clock.now(), SERVER, "host.two-agents", &text).host(&host.name);
        self.store.append_audit(&entry).await?;
        self.notify_about_host(&host.name, Tone::Bad, text);
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Whether two agents claim the host, so that no op is sent to it.
    pub(crate) fn is_shared(&self, host: HostId) -> bool {
        self.identities.is_shared(host, Instant::now())
    }

    /// Takes note of what a host has cost ([`budget`](crate::budget)); for how long its agent is not to be read now.
    pub fn charge(&self, host: HostId, cost: u64) -> Duration {
        self.budgets.spend(host, cost, Instant::now())
    }

    /// An agent has said something. What comes back is to be sent to it.
    ///
    /// # Errors
    /// [`StoreError`]: the message is not dealt with, and the connection is to be closed, so that the agent says it
    /// again.
    pub async fn handle_message(
        &self,
        connection: &Connection,
        message: AgentMessage,
    ) -> Result<Option<ServerMessage>, StoreError> {
        let host = connection.host;
        self.store.record_seen(host, self.clock.now()).await?;
        match message {
            AgentMessage::Hello(_) => Ok(None),
            AgentMessage::Journal { ops, damaged } => {
                self.journal_reported(connection, &ops, &damaged).await.map(|()| None)
            }
            AgentMessage::Facts { facts } => {
                self.take_facts(connection, &facts).await?;
                self.publish_host(host).await;
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

    /// Remembers facts. What arrives last is what the host is: an agent tells its readings in their order, and what a
    /// connection says that was given up is old. The host's clock says nothing of the order, for it may be set.
    pub(crate) async fn take_facts(&self, connection: &Connection, facts: &Facts) -> Result<(), StoreError> {
        if !self.hub.is_newest(connection) {
            return Ok(());
        }
        let recorded = self.recorded_runs(connection.host, facts).await?;
        if recorded.is_empty() {
            return self.store.record_facts(connection.host, facts).await;
        }
        let mut facts = facts.clone();
        facts.test_runs.extend(recorded);
        self.store.record_facts(connection.host, &facts).await
    }

    /// What is recorded of generations whose runs the host no longer tells: it drops what does not fit into a message,
    /// and its own folder may be lost. What is known to work does not depend on either.
    async fn recorded_runs(&self, host: HostId, facts: &Facts) -> Result<Vec<TestRun>, StoreError> {
        let is_told = |path: &str| facts.test_runs.iter().any(|run| run.generation.store_path == path);
        let generations = facts.generations.iter().map(|generation| generation.store_path.as_str());
        let lacking: Vec<_> = generations.filter(|path| !is_told(path)).take(RUNS_ADDED).collect();
        let mut runs = self.store.latest_test_runs(host, &lacking).await?;
        for result in runs.iter_mut().flat_map(|run| &mut run.results) {
            // The run has its own page with these; facts are sent to every page of the host.
            result.tail.clear();
        }
        Ok(runs)
    }

    /// The agent is still there, though it says nothing.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn touch(&self, host: HostId) -> Result<(), StoreError> {
        self.store.record_seen(host, self.clock.now()).await
    }

    /// A connection has ended.
    pub async fn disconnected(&self, connection: &Connection) {
        if self.hub.disconnect(connection) {
            self.publish_host(connection.host).await;
        }
    }
}
