//! What people do with their own account.

use backstay_model::SessionId;

use super::{AccountError, Accounts, Actor, LogInError, password};
use crate::store::{SessionRecord, StoreError};

/// Why a person's own password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum OwnPasswordError {
    /// The current password was not accepted.
    #[error("{}", checked(.0))]
    Check(#[from] LogInError),
    /// See [`AccountError`].
    #[error(transparent)]
    Account(#[from] AccountError),
}

fn checked(error: &LogInError) -> String {
    match error {
        LogInError::WrongCredentials => "The current password is wrong. Nothing was changed.".to_owned(),
        other => format!("{other} Nothing was changed."),
    }
}

impl Accounts {
    /// Changes the person's own password and ends the person's other sessions.
    ///
    /// # Errors
    /// [`OwnPasswordError`]
    pub async fn change_own_password(
        &self,
        actor: &Actor,
        current: &str,
        new: &str,
    ) -> Result<(), OwnPasswordError> {
        let user = self.verify_own(actor, current).await?;
        let hash = password::hash(actor.name(), new).await?;
        let entry = self.entry(actor.name(), "password.changed", "Other sessions were ended.".to_owned());
        let changed = self.store.change_password(&user, &hash, actor.session(), &entry).await;
        if !changed.map_err(AccountError::from)? {
            return Err(LogInError::WrongCredentials.into());
        }
        self.changed();
        Ok(())
    }

    /// Returns the person's own sessions, the last used one first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn own_sessions(&self, actor: &Actor) -> Result<Vec<SessionRecord>, StoreError> {
        let now = self.clock.now();
        let mut sessions = self.store.sessions(actor.name(), now).await?;
        sessions.retain(|s| self.policy.end(s.person.role, s.created_at, s.last_seen) > now);
        Ok(sessions)
    }

    /// Logs the person out.
    ///
    /// # Errors
    /// [`StoreError`]; in that case the session continues.
    pub async fn log_out(&self, actor: &Actor) -> Result<(), StoreError> {
        if let Some(session) = actor.session() {
            let entry = self.entry(actor.name(), "login.ended", "Logged out.".to_owned());
            self.store.end_session(actor.name(), session, &entry).await?;
            self.changed();
        }
        Ok(())
    }

    /// Ends one of the person's own sessions.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn end_own_session(&self, actor: &Actor, id: SessionId) -> Result<(), AccountError> {
        let entry = self.entry(actor.name(), "login.ended", "Ended one of their sessions.".to_owned());
        if !self.store.end_session(actor.name(), id, &entry).await? {
            return Err(AccountError::SessionGone);
        }
        self.changed();
        Ok(())
    }

    /// Ends all sessions of the person but this one. Returns their number.
    ///
    /// # Errors
    /// [`StoreError`]; in that case they continue.
    pub async fn end_other_sessions(&self, actor: &Actor) -> Result<u64, StoreError> {
        let entry = self.entry(actor.name(), "login.ended", "Ended all their other sessions.".to_owned());
        let ended = self.store.end_other_sessions(actor.name(), actor.session(), &entry).await?;
        self.changed();
        Ok(ended)
    }
}
