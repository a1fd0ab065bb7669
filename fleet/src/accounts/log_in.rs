//! Logging in: the same answer in the same time for an unknown name and a wrong password, and not too often.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use backstay_model::Person;
use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::backoff::Backoff;
use super::{AccountError, Accounts, PASSWORD_BYTES, SESSION, shown_name};
use crate::secret::{Secret, hash_password, verify_password};
use crate::store::UserRecord;

/// Passwords that are hashed at once: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;
/// Attempts that wait for their turn; more are sent away.
const IN_LINE: usize = 32;

/// What the password of an unknown name is held against.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_password(Secret::random().reveal()).unwrap_or_default());

/// Why a person is not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// Name or password is wrong; which of them is not told.
    #[error("The name or the password is wrong.")]
    Refused,
    /// There were too many wrong passwords for this name.
    #[error("There were too many wrong passwords for this name. Try again in {}.", in_words(*.0))]
    Wait(TimeDelta),
    /// Too many people log in at once.
    #[error("Too many people are logging in at this moment. Try again in a few seconds.")]
    Busy,
    /// The server could not do its part.
    #[error("You could not be logged in: {0}")]
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

/// What every attempt passes.
#[derive(Debug)]
pub(super) struct Gate {
    backoff: Mutex<Backoff>,
    line: Semaphore,
    hashing: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { backoff: Mutex::default(), line: Semaphore::new(IN_LINE), hashing: Semaphore::new(AT_ONCE) }
    }
}

impl Gate {
    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the password is the user's, found out in the same time where there is no such user.
    async fn verify(&self, user: Option<&UserRecord>, password: &str) -> Result<bool, LogInError> {
        let _turn = self.hashing.acquire().await.map_err(|_| LogInError::Busy)?;
        let (hash, password) = (user.map(|u| u.password_hash.clone()), password.to_owned());
        let known = hash.is_some();
        let fits = tokio::task::spawn_blocking(move || {
            let nobody = NOBODY.as_str();
            verify_password(hash.as_deref().unwrap_or(nobody), &password)
        })
        .await
        .map_err(AccountError::from)?;
        Ok(known && fits)
    }
}

impl Accounts {
    /// Starts a session. Its token is answered once and lasts for [`SESSION`].
    ///
    /// # Errors
    /// [`LogInError`]
    pub async fn log_in(&self, name: &str, password: &str) -> Result<(Person, Secret), LogInError> {
        let shown = shown_name(name);
        if password.len() > PASSWORD_BYTES {
            return Err(LogInError::Refused);
        }
        let _place = self.gate.line.try_acquire().map_err(|_| LogInError::Busy)?;
        self.gate.backoff().attempt(&shown, self.clock.now()).map_err(LogInError::Wait)?;
        let user = self.store.user(name).await.map_err(AccountError::from)?;
        let fits = self.gate.verify(user.as_ref(), password).await?;
        let Some(user) = user.filter(|_| fits) else {
            let entry = self.entry(&shown, "login.refused", "The name or the password was wrong.".to_owned());
            self.store.append_audit(&entry).await.map_err(AccountError::from)?;
            return Err(LogInError::Refused);
        };
        self.gate.backoff().forget(&shown);
        Ok(self.start_session(user).await?)
    }

    async fn start_session(&self, user: UserRecord) -> Result<(Person, Secret), AccountError> {
        let now = self.clock.now();
        let secret = Secret::random();
        self.store.insert_session(&secret.hash(), &user.name, now, now + SESSION).await?;
        Ok((Person { name: user.name, role: user.role }, secret))
    }
}
