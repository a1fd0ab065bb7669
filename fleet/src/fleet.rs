//! The whole backend in one value.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use backstay_model::view::About;
use backstay_model::{Clock, DesiredState};
use chrono::{DateTime, Utc};

use crate::accounts::Accounts;
use crate::budget::Budgets;
use crate::comparisons::Comparisons;
use crate::events::EventBus;
use crate::github::GitHub;
use crate::hub::Hub;
use crate::identities::Identities;
use crate::notices::Notices;
use crate::rollouts::Turns;
use crate::shown::Shown;
use crate::store::{Store, StoreError};
use crate::untold::Untold;
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
    pub(crate) untold: Arc<Untold>,
    accounts: Arc<Accounts>,
    desired: Arc<RwLock<DesiredState>>,
    pub(crate) shown: Arc<tokio::sync::Mutex<Shown>>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) identities: Arc<Identities>,
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
            budgets: Arc::default(),
            identities: Arc::default(),
            notices: Arc::default(),
            turns: Arc::default(),
            untold: Arc::default(),
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
}
