//! A person whose identity was checked.

use backstay_model::{Action, NotAllowed, Person, Role, SessionId};

use super::CONSOLE;
use super::refused_acts::RefusedActs;
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
    /// Whether the last proof of who it is is too old for what takes one.
    needs_proof: bool,
    /// Whether the person comes through a provider.
    is_external: bool,
    refused: RefusedActs,
}

impl Actor {
    pub(super) fn new(session: SessionRecord, needs_proof: bool, refused: RefusedActs) -> Self {
        let SessionRecord { id, person, is_external, .. } = session;
        Self { person, session: Some(id), needs_proof, is_external, refused }
    }

    /// The person at the server's own command line, who could write the database as well. Never for a request.
    pub fn console() -> Self {
        Self {
            person: Person::new(CONSOLE, Role::Admin),
            session: None,
            needs_proof: false,
            is_external: false,
            refused: RefusedActs::default(),
        }
    }

    /// An actor without a session.
    #[cfg(test)]
    pub(crate) fn unchecked(name: &str, role: Role) -> Self {
        Self {
            person: Person::new(name, role),
            session: None,
            needs_proof: false,
            is_external: false,
            refused: RefusedActs::default(),
        }
    }

    /// An actor with grants and without a session.
    #[cfg(test)]
    pub(crate) fn granted(name: &str, role: Role, grants: &[&str]) -> Self {
        let grants = grants.iter().filter_map(|grant| grant.parse().ok()).collect();
        Self {
            person: Person { grants, ..Person::new(name, role) },
            session: None,
            needs_proof: false,
            is_external: false,
            refused: RefusedActs::default(),
        }
    }

    /// The person, for their own page.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The name that the audit log shows.
    pub fn name(&self) -> &str {
        &self.person.name
    }

    /// Whether the person logs in through a provider: it has the password, and decides the roles.
    pub fn is_external(&self) -> bool {
        self.is_external
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
        self.counted(action, self.person.require_somewhere(action))
    }

    /// Checks that the person may do one of these, somewhere.
    ///
    /// # Errors
    /// [`NotAllowed`], for the first one.
    pub fn require_any(&self, actions: &[Action]) -> Result<(), NotAllowed> {
        let allowed = actions.iter().find(|action| self.person.require_somewhere(**action).is_ok());
        allowed.or(actions.first()).map_or(Ok(()), |action| self.require_somewhere(*action))
    }

    /// See [`Person::require`].
    pub(crate) fn require(&self, action: Action) -> Result<(), NotAllowed> {
        self.counted(action, self.person.require(action))
    }

    /// See [`Person::require_on`].
    pub(crate) fn require_on(&self, action: Action, host: &HostRecord) -> Result<(), NotAllowed> {
        self.counted(action, self.person.require_on(action, &host.traits()))
    }

    /// Asks for a proof if it is needed, and counts a refusal for the audit log. To have to prove something is none.
    fn counted(&self, action: Action, allowed: Result<(), NotAllowed>) -> Result<(), NotAllowed> {
        match &allowed {
            Ok(()) if self.needs_proof && action.rule().proof => return Err(NotAllowed::Proof),
            Ok(()) => {}
            Err(why) => self.refused.count(self.name(), action, why),
        }
        allowed
    }
}
