//! Join tokens, which let hosts join the fleet.

use backstay_model::Action;
use backstay_model::wire::limits::is_host_name;
use chrono::TimeDelta;

use super::{AccountError, Accounts, Actor, CONSOLE, MAX_JOIN_TOKEN_LIFETIME, printable};
use crate::secret::Secret;
use crate::store::{JoinTokenRecord, NewJoinToken, StoreError};

impl Accounts {
    /// Makes a token on the server's own machine. It lets one host join the fleet, once: the host of that
    /// name, or any.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn new_join_token(
        &self,
        host_name: Option<String>,
        valid_for: TimeDelta,
    ) -> Result<Secret, AccountError> {
        self.join_token(CONSOLE, host_name, valid_for).await
    }

    /// Makes a token like [`Self::new_join_token`], for an administrator. Rejects the name of an existing
    /// host, which could not join with it.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn join_token_for(
        &self,
        actor: &Actor,
        host_name: Option<String>,
        valid_for: TimeDelta,
    ) -> Result<Secret, AccountError> {
        actor.require(Action::JoinToken)?;
        if let Some(name) = &host_name
            && let Some(known) = self.store.host_by_name(name).await?
        {
            return Err(AccountError::HostNameTaken(known.name));
        }
        self.join_token(actor.name(), host_name, valid_for).await
    }

    /// Returns the unused join tokens, oldest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn join_tokens(&self) -> Result<Vec<JoinTokenRecord>, StoreError> {
        self.store.join_tokens(self.clock.now()).await
    }

    /// Revokes an unused join token on the server's own machine. Returns false if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn revoke_join_token(&self, id: &str) -> Result<bool, StoreError> {
        let entry = self.entry(CONSOLE, "join-token.revoked", format!("Revoked join token {id}."));
        self.store.revoke_join_token(id, &entry).await
    }

    async fn join_token(
        &self,
        actor: &str,
        host_name: Option<String>,
        valid_for: TimeDelta,
    ) -> Result<Secret, AccountError> {
        if let Some(name) = host_name.as_ref().filter(|name| !is_host_name(name)) {
            return Err(AccountError::HostName(printable(name)));
        }
        if valid_for <= TimeDelta::zero() || valid_for > MAX_JOIN_TOKEN_LIFETIME {
            return Err(AccountError::JoinTokenLifetime);
        }
        let secret = Secret::random();
        let now = self.clock.now();
        let token = NewJoinToken {
            token: secret.hash(),
            host_name,
            made_by: actor.to_owned(),
            created_at: now,
            expires_at: now + valid_for,
        };
        self.store.insert_join_token(&token).await?;
        Ok(secret)
    }
}
