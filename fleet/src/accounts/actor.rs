//! A person whose identity was checked.

use backstay_model::{NotAllowed, Person, Role};

use crate::store::UserRecord;

/// A person whose session or password was just checked.
///
/// Every method that acts on the fleet for a person takes an `Actor`, and only [`Accounts::session`](super::Accounts::session) and
/// [`Accounts::log_in_from`](super::Accounts::log_in_from) return one:
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
/// let actor = Person { name: "maria".into(), role: Role::Admin };
/// let op = fleet.request_op(&actor, "gpc0", OpAction::Switch, None).await;
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(Person);

impl Actor {
    pub(super) fn new(user: UserRecord) -> Self {
        Self(Person { name: user.name, role: user.role })
    }

    /// An actor without a session.
    #[cfg(test)]
    pub(crate) fn unchecked(name: &str, role: Role) -> Self {
        Self(Person { name: name.to_owned(), role })
    }

    /// The person, for their own page.
    pub fn person(&self) -> &Person {
        &self.0
    }

    /// The name that the audit log shows.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// See [`Person::require`].
    pub(crate) fn require(&self, role: Role) -> Result<(), NotAllowed> {
        self.0.require(role)
    }
}
