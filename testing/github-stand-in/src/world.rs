//! Everything that requests, events and tests share.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

use backstay_model::Clock;

use crate::git::{Git, Person};
use crate::shape::Links;
use crate::state::{App, State};
use crate::web::{Door, Gates, RequestLog};
use crate::webhook::Webhooks;

pub(crate) struct World {
    pub(crate) git: Git,
    pub(crate) links: Links,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) app: Option<App>,
    /// One request, or one test, holds it at a time: what it does is atomic.
    pub(crate) state: tokio::sync::Mutex<State>,
    pub(crate) gates: Gates,
    pub(crate) log: RequestLog,
    pub(crate) webhooks: Webhooks,
    door: Mutex<Door>,
}

impl World {
    pub(crate) fn new(
        git: Git,
        links: Links,
        clock: Arc<dyn Clock>,
        app: Option<App>,
        state: State,
        door: Door,
        webhooks: Webhooks,
    ) -> Self {
        Self {
            git,
            links,
            clock,
            app,
            state: tokio::sync::Mutex::new(state),
            gates: Gates::default(),
            log: RequestLog::default(),
            webhooks,
            door: Mutex::new(door),
        }
    }

    /// Authentication and rate limits.
    pub(crate) fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock()
    }

    /// A user, as the author of commits made now.
    pub(crate) fn person(&self, login: &str) -> Person {
        Person { name: login.to_owned(), email: crate::shape::email_of(login), at: self.clock.now() }
    }

    /// GitHub itself, the committer of what its buttons make.
    pub(crate) fn github(&self) -> Person {
        Person { name: "GitHub".to_owned(), email: "noreply@github.com".to_owned(), at: self.clock.now() }
    }
}
