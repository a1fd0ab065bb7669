//! Logging in: rate-limited, with the same answer in the same time for an unknown name and a wrong password.

use parking_lot::{Mutex, MutexGuard};
use std::sync::LazyLock;

use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::backoff::{Backoff, Counted, Wait};
use super::origin::Origin;
use super::refused::Refused;
use super::second_factor::Pending;
use super::{AccountError, Accounts, Actor, MAX_PASSWORD_BYTES, Passwords, printable};
use crate::secret::{Secret, hash_password, verify_password};
use crate::store::{Client, NewAuditEntry, StoreError, UserRecord};

/// Passwords hashed at once: each takes 19 MiB and a processor.
const MAX_HASHING: usize = 2;
/// Attempts in the queue; further ones are rejected.
const MAX_QUEUE: usize = 32;
/// Places in the queue for known devices, which strangers cannot take.
const MAX_DEVICES_QUEUE: usize = 8;
/// How long a device stays known after a log-in. Browsers keep a cookie for 400 days at most.
pub const DEVICE_LIFETIME: TimeDelta = TimeDelta::days(400);

/// The hash that a password for an unknown name is checked against.
static DUMMY_HASH: LazyLock<String> =
    LazyLock::new(|| hash_password(Secret::random().reveal()).unwrap_or_default());

/// Why a log-in fails.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// The name or the password is wrong; the answer does not say which.
    #[error("The name or the password is wrong.")]
    WrongCredentials,
    /// Nobody logs in with a password here, or the password is right, but the person's role takes no password.
    #[error("You cannot log in with a password here. Use single sign-on.")]
    NoPasswords,
    /// The password is right, but the person is disabled.
    #[error("Your account is disabled. Ask an administrator.")]
    Disabled,
    /// The password is right, and the person has a second factor: this token and a code finish the log-in.
    #[error("Enter the code that your device shows.")]
    CodeNeeded(Secret),
    /// The code is wrong, or was used before.
    #[error("The code is wrong, or was used before. Wait for the next one.")]
    WrongCode,
    /// The log-in waited too long for its code.
    #[error("This log-in has expired. Log in again.")]
    TooLate,
    /// Too many wrong passwords for this name; the time is the wait before the next attempt.
    #[error("Too many wrong passwords for this name. Try again in {}.", in_words(*.0))]
    TooManyAttempts(TimeDelta),
    /// Too many wrong codes; the time is the wait before the next attempt.
    #[error("Too many wrong codes. Try again in {}.", in_words(*.0))]
    TooManyCodes(TimeDelta),
    /// Too many wrong passwords from the client's network.
    #[error("Too many wrong passwords from your address. Try again in {}.", in_words(*.0))]
    TooManyFromHere(TimeDelta),
    /// Too many people log in at once.
    #[error("Too many people are logging in. Try again in a few seconds.")]
    Busy,
    /// An error on the server's side.
    #[error("The log-in failed: {0}")]
    Failed(#[from] AccountError),
}

impl From<Wait> for LogInError {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Name(wait) => Self::TooManyAttempts(wait),
            Wait::Network(wait) => Self::TooManyFromHere(wait),
        }
    }
}

/// A person who has just logged in.
#[derive(Debug)]
pub struct LoggedIn {
    /// The person.
    pub actor: Actor,
    /// The session's token, which is never shown again.
    pub session: Secret,
    /// The device's token. It opens nothing: with it, the person can log in although strangers guess at the name.
    pub device: Secret,
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
    pub(super) refused: Refused,
    pub(super) pending: Pending,
    queue: Semaphore,
    devices_queue: Semaphore,
    hashing: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            backoff: Mutex::default(),
            refused: Refused::default(),
            pending: Pending::default(),
            queue: Semaphore::new(MAX_QUEUE),
            devices_queue: Semaphore::new(MAX_DEVICES_QUEUE),
            hashing: Semaphore::new(MAX_HASHING),
        }
    }
}

impl Gate {
    pub(super) fn backoff(&self) -> MutexGuard<'_, Backoff> {
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
    /// What the limits count.
    pub origin: Origin,
}

impl Accounts {
    /// Starts a session; [`SessionPolicy`](super::SessionPolicy) decides when it ends.
    ///
    /// # Errors
    /// [`LogInError`]
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        visitor: &Visitor,
    ) -> Result<LoggedIn, LogInError> {
        if self.ways_in.passwords == Passwords::Never {
            return Err(LogInError::NoPasswords);
        }
        let admitted = self.admit(&visitor.origin, name, password).await;
        match &admitted {
            Ok(_) | Err(LogInError::Busy | LogInError::Failed(_)) => {}
            Err(_) => self.gate.refused.count(visitor.origin.network(), name, self.clock.now()),
        }
        let (user, known) = admitted?;
        if !self.ways_in.passwords.admit(user.role) {
            return Err(LogInError::NoPasswords);
        }
        if self.takes_code(&user.name).await.map_err(AccountError::from)? {
            return Err(LogInError::CodeNeeded(self.gate.pending.add(user, known, self.clock.now())));
        }
        self.finish_log_in(&user, known, visitor).await
    }

    /// Starts the session of a person whose proofs are all right.
    pub(super) async fn finish_log_in(
        &self,
        user: &UserRecord,
        known: Option<Secret>,
        visitor: &Visitor,
    ) -> Result<LoggedIn, LogInError> {
        let entry = self.password_entry(&user.name);
        let started = self.start_session(user, visitor, None, &entry).await?;
        let (actor, session) = started.ok_or(LogInError::Disabled)?;
        if self.ways_in.passwords == Passwords::Administrators {
            tracing::warn!(
                name = user.name,
                "an administrator has logged in with a password, past single sign-on"
            );
        }
        let device = known.unwrap_or_else(Secret::random);
        if let Err(error) = self.store.put_device(&device.hash(), &user.name, self.clock.now()).await {
            tracing::error!(%error, "a device could not be recorded");
        }
        Ok(LoggedIn { actor, session, device })
    }

    /// The audit entry of a log-in with a password. Where people come through the provider, it stands out.
    fn password_entry(&self, name: &str) -> NewAuditEntry {
        match self.ways_in.passwords {
            Passwords::Administrators => {
                let words = "Logged in with a password, past single sign-on.".to_owned();
                self.entry(name, "user.break-glass", words)
            }
            _ => self.entry(name, "login", "Logged in.".to_owned()),
        }
    }

    /// Checks name and password. Returns the person, and the device's token if the person has logged in on it before.
    async fn admit(
        &self,
        origin: &Origin,
        name: &str,
        password: &str,
    ) -> Result<(UserRecord, Option<Secret>), LogInError> {
        let known = self.known_device(origin, name).await.map_err(AccountError::from)?;
        let counted = counted(origin, &printable(name), known.as_ref());
        let queue = if known.is_some() { &self.gate.devices_queue } else { &self.gate.queue };
        let _place = queue.try_acquire().map_err(|_| LogInError::Busy)?;
        Ok((self.verify(&counted, name, password).await?, known))
    }

    /// Checks the password of somebody who is logged in. Strangers who guess at the name keep nobody from that.
    pub(super) async fn verify_own(&self, actor: &Actor, password: &str) -> Result<UserRecord, LogInError> {
        let _place = self.gate.devices_queue.try_acquire().map_err(|_| LogInError::Busy)?;
        let own = [Counted::Own(actor.name().to_owned())];
        let verified = self.verify(&own, actor.name(), password).await;
        if let Err(LogInError::WrongCredentials) = &verified {
            let entry = self.entry(actor.name(), "password.refused", "The password was wrong.".to_owned());
            self.store.append_audit(&entry).await.map_err(AccountError::from)?;
        }
        verified
    }

    async fn verify(
        &self,
        counted: &[Counted],
        name: &str,
        password: &str,
    ) -> Result<UserRecord, LogInError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(LogInError::WrongCredentials);
        }
        self.gate.backoff().attempt(counted, self.clock.now())?;
        // Somebody who comes through a provider has no password, and gets the answer of an unknown name.
        let user = self.store.user(name).await.map_err(AccountError::from)?;
        let user = user.filter(|user| !user.password_hash.is_empty());
        let fits = self.gate.verify(user.as_ref(), password).await?;
        let user = user.filter(|_| fits).ok_or(LogInError::WrongCredentials)?;
        self.gate.backoff().succeeded(counted);
        Ok(user)
    }

    async fn known_device(&self, origin: &Origin, name: &str) -> Result<Option<Secret>, StoreError> {
        let Some(device) = &origin.device else { return Ok(None) };
        let since = self.clock.now() - DEVICE_LIFETIME;
        let is_known = self.store.is_known_device(&device.hash(), name, since).await?;
        Ok(is_known.then(|| device.clone()))
    }

    /// Records refused log-ins and acts in the audit log if their span is over, or all of them.
    ///
    /// # Errors
    /// [`StoreError`]; in that case the remaining ones are lost.
    pub(crate) async fn report_refused(&self, all: bool) -> Result<(), StoreError> {
        let (refused, now) = (&self.gate.refused, self.clock.now());
        let log_ins = if all { refused.take_all(now) } else { refused.take_over(now) };
        for entry in log_ins.into_iter().chain(self.refused_acts.take(now, all)) {
            tracing::warn!("{}", entry.detail);
            self.store.append_audit(&entry).await?;
        }
        Ok(())
    }
}

/// What an attempt counts for.
fn counted(origin: &Origin, name: &str, known: Option<&Secret>) -> Vec<Counted> {
    if let Some(device) = known {
        return vec![Counted::Device(device.hash())];
    }
    let network = origin.network();
    let of_name = [Counted::NameFrom(name.to_owned(), network), Counted::Name(name.to_owned())];
    network.map(Counted::From).into_iter().chain(of_name).collect()
}
