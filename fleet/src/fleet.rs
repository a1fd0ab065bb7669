//! The whole backend in one value.

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use backstay_model::view::About;
use backstay_model::{Clock, DesiredState};
use chrono::{DateTime, Utc};

use crate::accounts::{Accounts, MasterKey, SessionPolicy, WaysIn};
use crate::github::GitHub;
use crate::identities::Identities;
use crate::retention::{Measured, Retention};
use crate::state::audit_verifier::AuditVerifier;
use crate::state::budget::Budgets;
use crate::state::comparisons::Comparisons;
use crate::state::events::EventBus;
use crate::state::hub::Hub;
use crate::state::last_seen::LastSeen;
use crate::state::notices::Notices;
use crate::state::published_rows::PublishedRows;
use crate::state::rollout_driver::RolloutDriver;
use crate::state::unpublished::Unpublished;
use crate::state::watch::Watch;
use crate::store::{Store, StoreError};

/// The parts and settings of a [`Fleet`].
pub struct FleetConfig {
    /// The server's version, which is compared with each agent's.
    pub server_version: String,
    /// Holds everything durable.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long an op waits for a host that is not connected.
    pub queue_time: Duration,
    /// How long what grows is kept.
    pub retention: Retention,
    /// How long sessions last.
    pub sessions: SessionPolicy,
    /// How people may log in.
    pub ways_in: WaysIn,
    /// The key that seals the seeds of second factors. Without it, nobody can have one.
    pub master_key: Option<MasterKey>,
    /// The configuration repository, if it is at GitHub.
    pub github: Option<GitHub>,
}

/// The whole backend: the server's routes and the pages' server functions call its methods. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    pub(crate) server_version: Arc<str>,
    started_at: DateTime<Utc>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue_time: Duration,
    pub(crate) retention: Retention,
    pub(crate) disk_use: Arc<RwLock<Option<Measured>>>,
    pub(crate) github: Option<Arc<GitHub>>,
    accounts: Arc<Accounts>,
    pub(crate) audit_verifier: Arc<AuditVerifier>,
    desired: Arc<RwLock<DesiredState>>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) last_seen: Arc<LastSeen>,
    pub(crate) events: Arc<EventBus>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) published_rows: Arc<tokio::sync::Mutex<PublishedRows>>,
    pub(crate) unpublished: Arc<Unpublished>,
    /// Held while an op, a roll-out or a deployment is read from the store and published, so that no page receives an older
    /// state after a newer one.
    pub(crate) publishing: Arc<tokio::sync::Mutex<()>>,
    pub(crate) comparisons: Arc<Comparisons>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) rollout_driver: Arc<RolloutDriver>,
    /// Whether an op could not be recorded in the current deployment.
    pub(crate) deployment_is_behind: Arc<AtomicBool>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) identities: Arc<Identities>,
}

impl Fleet {
    /// Returns a backend on this store. Call [`Fleet::start_background`] before serving.
    pub fn new(config: FleetConfig) -> Self {
        let FleetConfig { server_version, store, clock, queue_time, retention, github, .. } = config;
        let accounts = Accounts::new(Arc::clone(&store), Arc::clone(&clock))
            .with_policy(config.sessions)
            .with_ways_in(config.ways_in)
            .with_master_key(config.master_key);
        Self {
            server_version: server_version.into(),
            started_at: clock.now(),
            events: Arc::new(EventBus::new(clock.as_ref())),
            accounts: Arc::new(accounts),
            audit_verifier: Arc::new(AuditVerifier::new(Arc::clone(&store), Arc::clone(&clock))),
            desired: Arc::new(RwLock::new(DesiredState::NotConfigured)),
            watch: Arc::new(Watch::new(github.as_ref())),
            github: github.map(Arc::new),
            hub: Arc::default(),
            last_seen: Arc::default(),
            notices: Arc::default(),
            published_rows: Arc::default(),
            unpublished: Arc::default(),
            publishing: Arc::default(),
            comparisons: Arc::default(),
            rollout_driver: Arc::default(),
            deployment_is_behind: Arc::default(),
            budgets: Arc::default(),
            identities: Arc::default(),
            queue_time,
            retention,
            disk_use: Arc::default(),
            store,
            clock,
        }
    }

    /// People and their sessions.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What the about page shows of this server.
    pub fn about(&self) -> About {
        About {
            server_version: self.server_version.to_string(),
            started_at: self.started_at,
            repository: self.github.as_ref().map(|github| github.name().to_owned()),
        }
    }

    /// The events that open pages receive.
    pub fn events(&self) -> &EventBus {
        &self.events
    }

    /// The state that the branch of the configuration repository asks for.
    pub fn desired(&self) -> DesiredState {
        self.desired.read().clone()
    }

    /// Deletes expired sessions, invitations and join tokens.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn delete_expired(&self) -> Result<(), StoreError> {
        self.store.delete_expired(self.clock.now()).await
    }

    /// Replaces the desired state. Returns whether it changed.
    pub(crate) fn set_desired(&self, next: DesiredState) -> bool {
        let mut desired = self.desired.write();
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
