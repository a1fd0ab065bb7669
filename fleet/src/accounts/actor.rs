//! A person whose identity was checked.

use backstay_model::{Action, NotAllowed, Person, Role, SessionId};

use super::CONSOLE;
use crate::store::{HostRecord, SessionRecord};

/// A person whose session or password was just checked.
///
/// Every method that acts on the fleet for a person takes an `Actor`, and only [`Accounts::session`](super::Accounts::session) and
/// [`Accounts::log_in`](super::Accounts::log_in) return one for a request:
///
/// ```no_run
/// # use backstay_fleet::{Fleet, store::StoreError};
/// # use backstay_model::OpAction;
/// # async fn endpoint(fleet: Fleet, token: &str) -> Result<(), StoreError> {
/// let Some(actor) = fleet.accounts().session(token).await? else { return Ok(()) };
/// let op = fleet.request_op(&actor, "gpc0", OpAction::Switch, None).await;
/// # Ok(())
/// # }
/// ```
///
/// So an endpoint that forgets the check does not compile:
///
/// ```compile_fail,E0308
/// # use backstay_fleet::Fleet;
/// # use backstay_model::{OpAction, Person, Role};
/// # async fn endpoint(fleet: Fleet) {
/// let actor = Person::new("maria", Role::Admin);
/// let op = fleet.request_op(&actor, "gpc0", OpAction::Switch, None).await;
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    person: Person,
    session: Option<SessionId>,
}

impl Actor {
    pub(super) fn new(session: SessionRecord) -> Self {
        Self { person: session.person, session: Some(session.id) }
    }

    /// The person at the server's own command line, who could write the database as well. Never for a request.
    pub fn console() -> Self {
        Self { person: Person::new(CONSOLE, Role::Admin), session: None }
    }

    /// An actor without a session.
    #[cfg(test)]
    pub(crate) fn unchecked(name: &str, role: Role) -> Self {
        Self { person: Person::new(name, role), session: None }
    }

    /// An actor with grants and without a session.
    #[cfg(test)]
    pub(crate) fn granted(name: &str, role: Role, grants: &[&str]) -> Self {
        let grants = grants.iter().filter_map(|grant| grant.parse().ok()).collect();
        Self { person: Person { grants, ..Person::new(name, role) }, session: None }
    }

    /// The person, for their own page.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The name that the audit log shows.
    pub fn name(&self) -> &str {
        &self.person.name
    }

    /// The session that was checked.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// See [`Person::require_somewhere`].
    ///
    /// # Errors
    /// [`NotAllowed`]
    pub fn require_somewhere(&self, action: Action) -> Result<(), NotAllowed> {
        self.person.require_somewhere(action)
    }

    /// See [`Person::require`].
    pub(crate) fn require(&self, action: Action) -> Result<(), NotAllowed> {
        self.person.require(action)
    }

    /// See [`Person::require_on`].
    pub(crate) fn require_on(&self, action: Action, host: &HostRecord) -> Result<(), NotAllowed> {
        self.person.require_on(action, &host.traits())
    }
}
