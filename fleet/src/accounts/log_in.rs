//! Logging in: rate-limited, with the same answer in the same time for an unknown name and a wrong password.

use parking_lot::{Mutex, MutexGuard};
use std::sync::LazyLock;

use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::backoff::Backoff;
use super::{AccountError, Accounts, Actor, MAX_PASSWORD_BYTES, printable};
use crate::secret::{Secret, hash_password, verify_password};
use crate::store::{Client, UserRecord};

/// Passwords hashed at once: each takes 19 MiB and a processor.
const MAX_HASHING: usize = 2;
/// Attempts in the queue; further ones are rejected.
const MAX_QUEUE: usize = 32;

/// The hash that a password for an unknown name is checked against.
static DUMMY_HASH: LazyLock<String> =
    LazyLock::new(|| hash_password(Secret::random().reveal()).unwrap_or_default());

/// Why a log-in fails.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// The name or the password is wrong; the answer does not say which.
    #[error("The name or the password is wrong.")]
    WrongCredentials,
    /// The password is right, but the person is disabled.
    #[error("Your account is disabled. Ask an administrator.")]
    Disabled,
    /// Too many wrong passwords for this name; the time is the wait before the next attempt.
    #[error("Too many wrong passwords for this name. Try again in {}.", in_words(*.0))]
    TooManyAttempts(TimeDelta),
    /// Too many people log in at once.
    #[error("Too many people are logging in. Try again in a few seconds.")]
    Busy,
    /// An error on the server's side.
    #[error("The log-in failed: {0}")]
    Failed(#[from] AccountError),
}

fn in_words(wait: TimeDelta) -> String {
    let seconds = wait.num_seconds() + i64::from(wait.subsec_nanos() > 0);
    match seconds {
        ..=1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 59) / 60),
    }
}

/// The limits that every attempt passes.
#[derive(Debug)]
pub(super) struct Gate {
    backoff: Mutex<Backoff>,
    queue: Semaphore,
    hashing: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            backoff: Mutex::default(),
            queue: Semaphore::new(MAX_QUEUE),
            hashing: Semaphore::new(MAX_HASHING),
        }
    }
}

impl Gate {
    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock()
    }

    /// Returns whether the password is the user's. Takes the same time for an unknown user.
    async fn verify(&self, user: Option<&UserRecord>, password: &str) -> Result<bool, LogInError> {
        let _turn = self.hashing.acquire().await.map_err(|_| LogInError::Busy)?;
        let (hash, password) = (user.map(|u| u.password_hash.clone()), password.to_owned());
        let known = hash.is_some();
        let fits = tokio::task::spawn_blocking(move || {
            let dummy = DUMMY_HASH.as_str();
            verify_password(hash.as_deref().unwrap_or(dummy), &password)
        })
        .await
        .map_err(AccountError::from)?;
        Ok(known && fits)
    }
}

/// The browser in which somebody logs in.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// What is shown of it in the list of sessions.
    pub client: Client,
    /// The token of the session that it has so far. The log-in ends that one.
    pub token: Option<String>,
}

impl Accounts {
    /// Starts a session and returns its token, which is never shown again.
    ///
    /// # Errors
    /// [`LogInError`]
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        visitor: &Visitor,
    ) -> Result<(Actor, Secret), LogInError> {
        let user = self.authenticate(name, password, "login.refused").await?;
        self.start_session(&user, visitor).await?.ok_or(LogInError::Disabled)
    }

    /// Returns the person of this name and password. The audit log shows a wrong one under this action.
    pub(super) async fn authenticate(
        &self,
        name: &str,
        password: &str,
        refused: &str,
    ) -> Result<UserRecord, LogInError> {
        let shown = printable(name);
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(LogInError::WrongCredentials);
        }
        let _place = self.gate.queue.try_acquire().map_err(|_| LogInError::Busy)?;
        self.gate.backoff().attempt(&shown, self.clock.now()).map_err(LogInError::TooManyAttempts)?;
        let user = self.store.user(name).await.map_err(AccountError::from)?;
        let fits = self.gate.verify(user.as_ref(), password).await?;
        let Some(user) = user.filter(|_| fits) else {
            let entry = self.entry(&shown, refused, "The name or the password was wrong.".to_owned());
            self.store.append_audit(&entry).await.map_err(AccountError::from)?;
            return Err(LogInError::WrongCredentials);
        };
        self.gate.backoff().forget(&shown);
        Ok(user)
    }
}
