//! People (the first administrator, invitations, passwords, log-in, sessions), and join tokens for hosts.

use std::sync::Arc;

use argon2::password_hash;
use backstay_model::people::{GRANTS, GrantError};
use backstay_model::wire::limits::{self, HOST_NAME_CHARS};
use backstay_model::{Clock, NotAllowed, PersonView, Role};
use chrono::TimeDelta;
use tokio::sync::watch;

use crate::ops::SERVER;
use crate::secret::random_password;
use crate::store::{ChangePersonError, NewAuditEntry, Store, StoreError, UserRecord};

mod actor;
mod backoff;
mod external;
mod join_token;
mod log_in;
mod origin;
mod own;
mod password;
mod people;
mod refused;
mod refused_acts;
mod second_factor;
mod sessions;
#[cfg(test)]
mod tests;
mod ways_in;

pub use actor::Actor;
pub use external::{EndError, Returned};
pub use log_in::{DEVICE_LIFETIME, LogInError, LoggedIn, Visitor};
pub use origin::{Network, Origin};
pub use own::OwnPasswordError;
pub use password::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PasswordFault};
pub use people::INVITATION_LIFETIME;
pub use second_factor::{MasterKey, MasterKeyError, NewSeed, OwnSecondFactor, SecondFactorError};
pub use sessions::{SessionEvent, SessionLimits, SessionPolicy, StepUp};
pub use ways_in::{Passwords, WaysIn};

/// The longest lifetime of a join token.
pub const MAX_JOIN_TOKEN_LIFETIME: TimeDelta = TimeDelta::days(30);
/// The longest name of a person, in characters.
pub const MAX_NAME_CHARS: usize = limits::PERSON_NAME_CHARS;

/// The audit log's actor for actions on the server's own machine.
const CONSOLE: &str = "console";
/// The audit log's actors that are not people.
const RESERVED: [&str; 3] = [CONSOLE, SERVER, "auto-test"];

/// Why a request about people or join tokens fails. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is not valid for a person.
    #[error(
        "“{0}” is not a valid name. Nothing was changed. Use 1 to {MAX_NAME_CHARS} Latin letters, digits, spaces \
         or . - _ @ + ', no space at the ends, no @ at the beginning, and not “console”, “server” or “auto-test”."
    )]
    Name(String),
    /// Somebody has this name, in whatever case.
    #[error("A person named {0} already exists. Nothing was changed. Choose another name.")]
    NameTaken(String),
    /// There is nobody of this name.
    #[error("There is no person named {0}. Nothing was changed.")]
    Unknown(String),
    /// Nobody could manage people any more.
    #[error(
        "{0} is the last administrator who can log in. Nothing was changed. Make another person an \
         administrator first."
    )]
    LastAdmin(String),
    /// The provider decides the person's roles, and has their password.
    #[error(
        "{0} logs in through single sign-on: their groups there decide their roles, and they have no password here. Nothing was \
         changed."
    )]
    External(String),
    /// Nobody with this role may log in with a password.
    #[error("People with this role log in through single sign-on only. Nothing was changed.")]
    NoPasswords,
    /// The person has the most grants that one may have.
    #[error(
        "A person has at most {GRANTS} grants. Nothing was changed. Take one away first, or use a wider one."
    )]
    TooManyGrants,
    /// See [`GrantError`].
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The invitation is not open: it has expired, or was used, replaced or revoked.
    #[error("This invitation is no longer valid. Nothing was changed. Ask an administrator for a new one.")]
    InvitationGone,
    /// The session has ended already.
    #[error("This session has already ended.")]
    SessionGone,
    /// The password may not be set.
    #[error("{0}")]
    Password(#[from] PasswordFault),
    /// The name is not valid for a host.
    #[error(
        "“{0}” is not a valid host name. No token was made. Use letters, digits and hyphens, at most \
         {HOST_NAME_CHARS}."
    )]
    HostName(String),
    /// The lifetime of the join token is not positive, or too long.
    #[error(
        "The lifetime of a join token must be positive, and {} days at most. No token was made.",
        MAX_JOIN_TOKEN_LIFETIME.num_days()
    )]
    JoinTokenLifetime,
    /// The person's role is too low.
    #[error("{0} Nothing was changed.")]
    NotAllowed(#[from] NotAllowed),
    /// A host has this name already.
    #[error("A host named {0} already exists. No token was made. Choose another name.")]
    HostNameTaken(String),
    /// The password could not be hashed.
    #[error("The password could not be hashed: {0}. Nothing was changed.")]
    Hash(#[from] password_hash::Error),
    /// The server is shutting down or out of memory.
    #[error("The password could not be hashed: {0}. Nothing was changed.")]
    Worker(#[from] tokio::task::JoinError),
    /// See [`MasterKeyError`].
    #[error("The second factor cannot be used: {0}. Nothing was changed. Ask an administrator.")]
    MasterKey(#[from] MasterKeyError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// Names the person that a change was about.
    fn of_change(error: ChangePersonError, name: &str) -> Self {
        match error {
            ChangePersonError::Unknown => Self::Unknown(printable(name)),
            ChangePersonError::LastAdmin => Self::LastAdmin(name.to_owned()),
            ChangePersonError::TooManyGrants => Self::TooManyGrants,
            ChangePersonError::External => Self::External(name.to_owned()),
            ChangePersonError::Store(error) => Self::Store(error),
        }
    }
}

/// People, their sessions, and join tokens.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    policy: SessionPolicy,
    ways_in: WaysIn,
    gate: log_in::Gate,
    refused_acts: refused_acts::RefusedActs,
    /// Seals the seeds of second factors. Without it, nobody can have one.
    master_key: Option<MasterKey>,
    /// Wakes those who wait for the end of a session. Other processes are noticed a little later.
    changes: watch::Sender<()>,
}

impl Accounts {
    /// Accounts in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let (policy, ways_in) = (SessionPolicy::default(), WaysIn::default());
        let (gate, refused_acts) = (log_in::Gate::default(), refused_acts::RefusedActs::default());
        Self {
            store,
            clock,
            policy,
            ways_in,
            gate,
            refused_acts,
            master_key: None,
            changes: watch::Sender::default(),
        }
    }

    /// Replaces the policy of sessions.
    pub(crate) fn with_policy(self, policy: SessionPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Sets how people may log in.
    #[must_use]
    pub fn with_ways_in(self, ways_in: WaysIn) -> Self {
        Self { ways_in, ..self }
    }

    /// Who may log in with a password.
    pub fn passwords(&self) -> Passwords {
        self.ways_in.passwords
    }

    /// Sets the key that seals the seeds of second factors.
    #[must_use]
    pub fn with_master_key(self, master_key: Option<MasterKey>) -> Self {
        Self { master_key, ..self }
    }

    /// If there are no people yet, makes `name` an administrator with this password, or with a random one,
    /// which it returns to be shown once. Otherwise changes nothing, whatever the password.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn ensure_first_admin(
        &self,
        name: &str,
        password: Option<String>,
    ) -> Result<Option<String>, AccountError> {
        if self.store.count_users().await? > 0 {
            return Ok(None);
        }
        let made = password.is_none().then(random_password);
        let password = password.or_else(|| made.clone()).unwrap_or_default();
        self.put(name, Role::Admin, &password, "user.first-admin").await?;
        Ok(made)
    }

    /// Sets a person's password and role, creates the person if needed, ends the person's sessions, and returns the role.
    /// Without a role, the person keeps the one there is; a new person is an operator.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn set_password(
        &self,
        name: &str,
        role: Option<Role>,
        password: &str,
    ) -> Result<Role, AccountError> {
        let role = match role {
            Some(role) => role,
            None => self.store.user(name).await?.map_or(Role::Operator, |user| user.role),
        };
        self.put(name, role, password, "user.set").await?;
        Ok(role)
    }

    async fn put(&self, name: &str, role: Role, password: &str, action: &str) -> Result<(), AccountError> {
        // A person from before this rule keeps the name.
        if self.store.user(name).await?.is_none() {
            require_person_name(name)?;
        }
        let password_hash = password::hash(name, password).await?;
        let user = UserRecord { name: name.to_owned(), password_hash, role };
        let entry = self.entry(CONSOLE, action, format!("{name} has a new password and is {role}."));
        let put = self.store.put_user(&user, &entry).await;
        put.map_err(|error| AccountError::of_change(error, name))?;
        self.changed();
        Ok(())
    }

    /// Returns a person's settings for the fleet page.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn view(&self, actor: &Actor) -> Result<PersonView, StoreError> {
        self.store.person_view(actor.name()).await
    }

    /// Saves a person's settings for the fleet page.
    ///
    /// # Errors
    /// [`StoreError`]; in that case they are unchanged.
    pub async fn set_view(&self, actor: &Actor, view: &PersonView) -> Result<(), StoreError> {
        self.store.set_person_view(actor.name(), view).await
    }

    /// Records that a person downloads the audit log, before the download begins.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn record_export(&self, actor: &Actor, what: &str) -> Result<(), StoreError> {
        self.store
            .append_audit(&self.entry(actor.name(), "audit.exported", format!("Downloaded {what}.")))
            .await
    }

    fn entry(&self, actor: &str, action: &str, detail: String) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), actor, action, detail)
    }

    /// Wakes those who wait for the end of a session, or for another role.
    fn changed(&self) {
        self.changes.send_replace(());
    }
}

fn require_person_name(name: &str) -> Result<(), AccountError> {
    let fits = limits::is_person_name(name) && !RESERVED.contains(&name);
    if fits { Ok(()) } else { Err(AccountError::Name(printable(name))) }
}

/// Makes an untrusted name safe for a log: short, and on one line.
fn printable(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).map(|c| if limits::is_deceptive(c) { '\u{fffd}' } else { c }).collect()
}
