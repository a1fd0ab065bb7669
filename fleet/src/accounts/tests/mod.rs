//! Who can log in, for how long, and what the audit log records.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::view::AuditQuery;
use backstay_model::{FixedClock, Role};
use tokio_util::sync::CancellationToken;

mod external;
mod join_tokens;
mod log_ins;
mod people;
mod second_factors;
mod sessions;

use super::*;
use crate::secret::Secret;
use crate::store::EnrolError;
use crate::test_fleet::{self, Database, new_host};
use crate::{Fleet, Schedule};

const PASSWORD: &str = "lamp otter seven violin";
const OTHER: &str = "quarry mint banjo eleven";

struct Bench {
    accounts: Arc<Accounts>,
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    _database: Database,
}

impl Bench {
    async fn new() -> Self {
        let database = Database::new();
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        let clock = test_fleet::clock();
        let accounts = Arc::new(Accounts::new(store.clone(), clock.clone()));
        Self { accounts, store, clock, _database: database }
    }

    /// A bench with an administrator and maria, an operator.
    async fn with_maria() -> Self {
        let bench = Self::new().await;
        bench.accounts.set_password("boss", Some(Role::Admin), PASSWORD).await.unwrap();
        bench.accounts.set_password("maria", Some(Role::Operator), PASSWORD).await.unwrap();
        bench
    }

    /// The actor and action of each audit entry, oldest first.
    async fn audited(&self) -> Vec<(String, String)> {
        let mut entries = self.store.audit(&AuditQuery::default(), 100).await.unwrap();
        entries.reverse();
        entries.into_iter().map(|e| (e.actor, e.action)).collect()
    }

    async fn log_in(&self, name: &str) -> (Actor, Secret) {
        let LoggedIn { actor, session, .. } = self.from(&Origin::default(), name, PASSWORD).await.unwrap();
        (actor, session)
    }

    async fn from(&self, origin: &Origin, name: &str, password: &str) -> Result<LoggedIn, LogInError> {
        let visitor = Visitor { origin: origin.clone(), ..Visitor::default() };
        self.accounts.log_in(name, password, &visitor).await
    }

    async fn refused(&self, name: &str, password: &str) -> LogInError {
        self.from(&Origin::default(), name, password).await.unwrap_err()
    }
}

fn pair(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}
