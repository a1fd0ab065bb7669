//! People: first administrator, log-in, sessions; and the tokens that let hosts in.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash;
use backstay_model::wire::limits::HOST_NAME_CHARS;
use backstay_model::{Clock, NotAllowed, Person, PersonView, Role};
use chrono::TimeDelta;

use crate::secret::{hash_password, random_password};
use crate::store::{NewAuditEntry, Store, StoreError, TokenHash, UserRecord};

mod backoff;
mod join_token;
mod log_in;
#[cfg(test)]
mod tests;

pub use log_in::LogInError;

/// How long a session lasts.
pub const SESSION: TimeDelta = TimeDelta::days(30);
/// The longest a join token may be good for.
pub const JOIN_TOKEN_AT_MOST: TimeDelta = TimeDelta::days(30);
/// The longest password that is looked at, in bytes.
pub const PASSWORD_BYTES: usize = 1024;
/// The shortest password that may be set, in characters.
pub const PASSWORD_CHARS_AT_LEAST: usize = 8;
/// The longest name of a person, in characters.
pub const NAME_CHARS: usize = 64;

/// Who the audit log names for what is done on the server's own machine.
const CONSOLE: &str = "console";
/// Names that the audit log uses for what no person did.
const RESERVED: [&str; 2] = [CONSOLE, "auto-test"];

/// What is asked of an account cannot be done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot name a person.
    #[error(
        "“{0}” cannot name a person: 1 to {NAME_CHARS} characters, no spaces at the ends, and not “console” or \
         “auto-test”. Nothing was changed."
    )]
    Name(String),
    /// The password is too short or too long.
    #[error(
        "the password must have at least {PASSWORD_CHARS_AT_LEAST} characters and at most {PASSWORD_BYTES} bytes. \
         Nothing was changed."
    )]
    Password,
    /// The name cannot name a host.
    #[error(
        "“{0}” cannot name a host: letters, digits and hyphens, at most {HOST_NAME_CHARS}. No token was made."
    )]
    HostName(String),
    /// The time for which a join token is to be good is none, or too long.
    #[error("a join token is good for some time, and for {} days at most. No token was made.", JOIN_TOKEN_AT_MOST.num_days())]
    JoinTokenTime,
    /// The person may not let hosts in.
    #[error("{0} No token was made.")]
    NotAllowed(#[from] NotAllowed),
    /// A host has this name.
    #[error("There is a host named {0} already. No token was made. Choose another name.")]
    HostNameTaken(String),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}. Nothing was changed.")]
    Hash(#[from] password_hash::Error),
    /// The server is shutting down, or out of memory.
    #[error("the password could not be hashed: {0}. Nothing was changed.")]
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

    /// Where there is nobody yet, makes `name` an administrator with this password, or else a random one, which is
    /// answered to be shown once. Where there is somebody, nothing is changed, whatever the password.
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

    /// Gives a person a password and a role, makes the person where there is none of that name, and ends the person's
    /// sessions.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn set_password(&self, name: &str, role: Role, password: &str) -> Result<(), AccountError> {
        self.put(name, role, password, "user.set").await
    }

    async fn put(&self, name: &str, role: Role, password: &str, action: &str) -> Result<(), AccountError> {
        if !is_person_name(name) {
            return Err(AccountError::Name(shown_name(name)));
        }
        if password.chars().count() < PASSWORD_CHARS_AT_LEAST || password.len() > PASSWORD_BYTES {
            return Err(AccountError::Password);
        }
        let password = password.to_owned();
        let password_hash = tokio::task::spawn_blocking(move || hash_password(&password)).await??;
        let user = UserRecord { name: name.to_owned(), password_hash, role };
        let entry = self.entry(CONSOLE, action, format!("{name} has a new password and is {role}."));
        Ok(self.store.put_user(&user, &entry).await?)
    }

    /// Whose session this token is; none where it is unknown or has expired.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn session(&self, token: &str) -> Result<Option<Person>, StoreError> {
        let user = self.store.session_user(&TokenHash::of(token), self.clock.now()).await?;
        Ok(user.map(|user| Person { name: user.name, role: user.role }))
    }

    /// Waits until a session is over. It is looked up every so often, for another process may end it: whoever takes
    /// somebody's access away uses the server's own program. Where that fails, it is tried again.
    pub async fn until_over(&self, token: &str, every: Duration) {
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
    /// [`StoreError`]; the session goes on then.
    pub async fn log_out(&self, token: &str) -> Result<(), StoreError> {
        self.store.delete_session(&TokenHash::of(token)).await
    }

    /// How a person wants the fleet page to look.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn view(&self, person: &Person) -> Result<PersonView, StoreError> {
        self.store.person_view(&person.name).await
    }

    /// Remembers how a person wants the fleet page to look.
    ///
    /// # Errors
    /// [`StoreError`]; it is as before then.
    pub async fn set_view(&self, person: &Person, view: &PersonView) -> Result<(), StoreError> {
        self.store.set_person_view(&person.name, view).await
    }

    fn entry(&self, actor: &str, action: &str, detail: String) -> NewAuditEntry {
        NewAuditEntry {
            at: self.clock.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            host_name: None,
            from_gen: None,
            to_gen: None,
            reason: None,
            detail,
            op: None,
        }
    }
}

fn is_person_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=NAME_CHARS).contains(&length)
        && name.trim() == name
        && !name.contains(char::is_control)
        && !RESERVED.contains(&name)
}

/// A name as somebody gave it, fit for a log: neither long nor able to break a line.
fn shown_name(name: &str) -> String {
    name.chars().take(NAME_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
