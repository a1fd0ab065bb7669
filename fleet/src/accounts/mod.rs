//! People (the first administrator, log-in, sessions), and join tokens for hosts.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash;
use backstay_model::wire::limits::{self, HOST_NAME_CHARS};
use backstay_model::{Clock, NotAllowed, PersonView, Role};
use chrono::TimeDelta;

use crate::ops::SERVER;
use crate::secret::{hash_password, random_password};
use crate::store::{NewAuditEntry, Store, StoreError, TokenHash, UserRecord};

mod actor;
mod backoff;
mod join_token;
mod log_in;
mod origin;
mod refused;
#[cfg(test)]
mod tests;

pub use actor::Actor;
pub use log_in::{DEVICE_LIFETIME, LogInError, LoggedIn};
pub use origin::{Network, Origin};

/// The lifetime of a session.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(30);
/// The longest lifetime of a join token.
pub const MAX_JOIN_TOKEN_LIFETIME: TimeDelta = TimeDelta::days(30);
/// The longest password that the server checks, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// The shortest password that may be set, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
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
    /// The password is too short or too long.
    #[error(
        "The password is too short or too long. Nothing was changed. Use at least {MIN_PASSWORD_CHARS} \
         characters and at most {MAX_PASSWORD_BYTES} bytes."
    )]
    Password,
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
    #[error("{0} No token was made.")]
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
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// People, their sessions, and join tokens.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    gate: log_in::Gate,
}

impl Accounts {
    /// Accounts in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, gate: log_in::Gate::default() }
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
        if !is_person_name(name) && self.store.user(name).await?.is_none() {
            return Err(AccountError::Name(printable(name)));
        }
        if password.chars().count() < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
            return Err(AccountError::Password);
        }
        let password = password.to_owned();
        let password_hash = tokio::task::spawn_blocking(move || hash_password(&password)).await??;
        let user = UserRecord { name: name.to_owned(), password_hash, role };
        let entry = self.entry(CONSOLE, action, format!("{name} has a new password and is {role}."));
        Ok(self.store.put_user(&user, &entry).await?)
    }

    /// Returns the person of this session token, or `None` if it is unknown or has expired.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn session(&self, token: &str) -> Result<Option<Actor>, StoreError> {
        let user = self.store.session_user(&TokenHash::of(token), self.clock.now()).await?;
        Ok(user.map(Actor::new))
    }

    /// Waits until a session has ended. It looks the session up at this interval, because another process may
    /// end it: an administrator revokes access with the server's own command. A failed look-up is retried.
    pub async fn wait_for_session_end(&self, token: &str, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            if matches!(self.session(token).await, Ok(None)) {
                return;
            }
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError`]; in that case the session continues.
    pub async fn log_out(&self, token: &str) -> Result<(), StoreError> {
        self.store.delete_session(&TokenHash::of(token)).await
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

    fn entry(&self, actor: &str, action: &str, detail: String) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), actor, action, detail)
    }
}

fn is_person_name(name: &str) -> bool {
    limits::is_person_name(name) && !RESERVED.contains(&name)
}

/// Makes an untrusted name safe for a log: short, and on one line.
fn printable(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
