//! Log-ins that wait for their code. In memory only: after a restart, a person types the password again.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::secret::Secret;
use crate::store::{TokenHash, UserRecord};

/// How long a log-in waits for its code.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// The most log-ins that wait. Only a right password adds one; beyond that, the oldest is dropped.
const MOST: usize = 1_000;

#[derive(Debug)]
struct LogIn {
    user: UserRecord,
    /// The device's token, if the person has logged in on it before.
    known: Option<Secret>,
    since: DateTime<Utc>,
}

/// The log-ins that wait for their code, by the token that the browser got.
#[derive(Debug, Default)]
pub(in crate::accounts) struct Pending(Mutex<HashMap<TokenHash, LogIn>>);

impl Pending {
    /// Adds one whose password was right, and returns its token.
    pub(in crate::accounts) fn add(
        &self,
        user: UserRecord,
        known: Option<Secret>,
        now: DateTime<Utc>,
    ) -> Secret {
        let token = Secret::random();
        let mut all = self.0.lock();
        all.retain(|_, log_in| log_in.since + LIFETIME > now);
        let oldest = all.iter().min_by_key(|(_, log_in)| log_in.since).map(|(token, _)| token.clone());
        if let Some(oldest) = oldest.filter(|_| all.len() >= MOST) {
            all.remove(&oldest);
        }
        all.insert(token.hash(), LogIn { user, known, since: now });
        token
    }

    /// Returns the person and the known device of the log-in with this token, if it has not expired.
    pub(super) fn get(&self, token: &TokenHash, now: DateTime<Utc>) -> Option<(UserRecord, Option<Secret>)> {
        let all = self.0.lock();
        let log_in = all.get(token).filter(|log_in| log_in.since + LIFETIME > now)?;
        Some((log_in.user.clone(), log_in.known.clone()))
    }

    pub(super) fn remove(&self, token: &TokenHash) {
        self.0.lock().remove(token);
    }
}
