//! The whole backend in one value.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use backstay_protocol::view::{About, Person, Role};
use backstay_protocol::{Clock, DesiredState, Labels, TestTimeout};
use chrono::{DateTime, Utc};

use crate::accounts::Accounts;
use crate::comparisons::Comparisons;
use crate::events::EventBus;
use crate::github::GitHub;
use crate::hub::Hub;
use crate::notices::Notices;
use crate::ops::request::RequestError;
use crate::rollouts::Turns;
use crate::shown::Shown;
use crate::store::{HostRecord, NewAuditEntry, Store, StoreError};
use crate::watch::Watch;

/// What a [`Fleet`] is made of.
pub struct FleetConfig {
    /// The version of the server, which agents are compared with.
    pub server_version: String,
    /// Where everything durable is.
    pub store: Arc<dyn Store>,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long an op waits for a host that is not connected.
    pub queue_time: Duration,
    /// The configuration repository at GitHub, where it is there.
    pub github: Option<GitHub>,
}

/// The whole backend: what the server's routes and the pages' server functions work with. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    pub(crate) server_version: Arc<str>,
    started_at: DateTime<Utc>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) events: Arc<EventBus>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) queue_time: Duration,
    pub(crate) comparisons: Arc<Comparisons>,
    pub(crate) github: Option<Arc<GitHub>>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) turns: Arc<Turns>,
    accounts: Arc<Accounts>,
    desired: Arc<RwLock<DesiredState>>,
    pub(crate) shown: Arc<tokio::sync::Mutex<Shown>>,
}

impl Fleet {
    /// A backend on this store.
    pub fn new(config: FleetConfig) -> Self {
        let FleetConfig { server_version, store, clock, queue_time, github } = config;
        Self {
            server_version: server_version.into(),
            started_at: clock.now(),
            hub: Arc::default(),
            events: Arc::new(EventBus::new(clock.as_ref())),
            accounts: Arc::new(Accounts::new(Arc::clone(&store), Arc::clone(&clock))),
            desired: Arc::new(RwLock::new(DesiredState::NotConfigured)),
            shown: Arc::default(),
            notices: Arc::default(),
            turns: Arc::default(),
            queue_time,
            comparisons: Arc::default(),
            watch: Arc::new(Watch::new(github.as_ref())),
            github: github.map(Arc::new),
            store,
            clock,
        }
    }

    /// People and their sessions.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What this server is.
    pub fn about(&self) -> About {
        About {
            server_version: self.server_version.to_string(),
            started_at: self.started_at,
            repository: self.github.as_ref().map(|github| github.name().to_owned()),
        }
    }

    /// What open pages hear.
    pub fn events(&self) -> &EventBus {
        &self.events
    }

    /// What the branch of the configuration repository says now.
    pub fn desired(&self) -> DesiredState {
        self.desired.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Forgets sessions and join tokens that have expired.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn forget_expired(&self) -> Result<(), StoreError> {
        self.store.delete_expired(self.clock.now()).await
    }

    /// Takes in what the branch says; whether that is news.
    pub(crate) fn set_desired(&self, next: DesiredState) -> bool {
        let mut desired = self.desired.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let changed = match (&*desired, &next) {
            (
                DesiredState::Known { commit, lock_hash, .. },
                DesiredState::Known { commit: new_commit, lock_hash: new_lock_hash, .. },
            ) => (commit, lock_hash) != (new_commit, new_lock_hash),
            (old, new) => old != new,
        };
        *desired = next;
        changed
    }

    /// Says whether a host's tests run by themselves after a switch or rollback.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_auto_test(
        &self,
        person: &Person,
        host_name: &str,
        on: bool,
    ) -> Result<(), RequestError> {
        let host = self.host_to_set(person, host_name).await?;
        let detail =
            if on { "Tests run after each switch and rollback." } else { "Tests run only when asked for." };
        let audit = self.setting_entry(person, &host, "host.auto-test", detail.to_owned());
        self.store.set_auto_test(host.id, on, &audit).await?;
        Ok(self.publish_host(host.id).await?)
    }

    /// Says how long each test of a host may take; none leaves that to its agent's configuration.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_test_timeout(
        &self,
        person: &Person,
        host_name: &str,
        timeout: Option<TestTimeout>,
    ) -> Result<(), RequestError> {
        let host = self.host_to_set(person, host_name).await?;
        let detail = match timeout {
            Some(timeout) => format!("Each test may take {timeout}."),
            None => "Each test may take what the host's agent is configured with.".to_owned(),
        };
        let audit = self.setting_entry(person, &host, "host.test-timeout", detail);
        self.store.set_test_timeout(host.id, timeout, &audit).await?;
        Ok(self.publish_host(host.id).await?)
    }

    /// Remembers what people say of a host.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_labels(
        &self,
        person: &Person,
        host_name: &str,
        labels: &Labels,
    ) -> Result<(), RequestError> {
        let host = self.host_to_set(person, host_name).await?;
        let tags = if labels.tags.is_empty() { "none".to_owned() } else { labels.tags.join(", ") };
        let notes =
            if labels.notes.is_empty() { "none".to_owned() } else { format!("“{}”", labels.notes) };
        let audit =
            self.setting_entry(person, &host, "host.labels", format!("Tags: {tags}. Notes: {notes}."));
        self.store.set_labels(host.id, labels, &audit).await?;
        Ok(self.publish_host(host.id).await?)
    }

    /// The host of this name, if the person may change what is set for it.
    async fn host_to_set(&self, person: &Person, host_name: &str) -> Result<HostRecord, RequestError> {
        if person.role < Role::Operator {
            return Err(RequestError::NotAllowed { needed: Role::Operator });
        }
        let host = self.store.host_by_name(host_name).await?;
        host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))
    }

    fn setting_entry(
        &self,
        person: &Person,
        host: &HostRecord,
        action: &str,
        detail: String,
    ) -> NewAuditEntry {
        NewAuditEntry {
            at: self.clock.now(),
            actor: person.name.clone(),
            action: action.to_owned(),
            host_name: Some(host.name.clone()),
            from_gen: None,
            to_gen: None,
            reason: None,
            detail,
            op: None,
        }
    }
}
