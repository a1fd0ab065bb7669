//! The provider says that somebody logged out there (OpenID Connect Back-Channel Logout 1.0).

use std::collections::HashMap;
use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{ClaimsVerificationError, JsonWebTokenType, Nonce};
use parking_lot::Mutex;

use super::log_in::{ID_BYTES, lacks_key};
use super::{Sso, Token, chain};
use crate::store::{ExternalIdentity, TokenHash};

/// The longest token, in bytes.
const TOKEN_BYTES: usize = 16 * 1024;
/// The event in a token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a token may be, and how far its clock may be ahead.
const RECENT: TimeDelta = TimeDelta::minutes(5);
/// How often a stranger's token can make the server read the provider's keys again.
const KEYS_EVERY: TimeDelta = TimeDelta::minutes(1);
/// The most tokens that are remembered. Only the provider can add one.
const MOST_USED: usize = 10_000;
/// The types of token that are taken: the standard's own, and the one that providers sent before it.
const TYPES: [&str; 2] = ["application/logout+jwt", "application/jwt"];

/// Somebody has logged out at the provider.
#[derive(Debug, PartialEq, Eq)]
pub struct ProviderLogOut {
    /// Who.
    pub identity: ExternalIdentity,
    /// The session at the provider that ended, or `None` for all.
    pub provider_session: Option<String>,
}

/// Why a token of a log-out is not taken.
#[derive(Debug, thiserror::Error)]
pub enum LogOutError {
    /// It is none of the provider's, or not for this server, or too old.
    #[error("the token is not valid: {0}")]
    Invalid(String),
    /// It was used before.
    #[error("the token was used before")]
    Used,
    /// The provider's keys cannot be read.
    #[error("the provider's keys cannot be read")]
    Unreachable,
}

/// The tokens that were used, until they are too old anyway.
#[derive(Debug, Default)]
pub(super) struct UsedTokens(Mutex<HashMap<TokenHash, DateTime<Utc>>>);

impl UsedTokens {
    /// Uses a token up. Returns false if it was used before.
    pub(super) fn add(&self, id: &str, now: DateTime<Utc>) -> bool {
        let mut used = self.0.lock();
        used.retain(|_, at| now < *at + RECENT + RECENT);
        if used.len() >= MOST_USED
            && let Some(oldest) = used.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone())
        {
            used.remove(&oldest);
        }
        used.insert(TokenHash::of(id), now).is_none()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Sso {
    /// Checks a token that says that somebody has logged out.
    ///
    /// # Errors
    /// [`LogOutError`]
    pub async fn logged_out(&self, token: &str) -> Result<ProviderLogOut, LogOutError> {
        if token.len() > TOKEN_BYTES {
            return Err(LogOutError::Invalid("it is too long".to_owned()));
        }
        let token = Token::from_str(token).map_err(|error| LogOutError::Invalid(chain(&error)))?;
        let metadata = self.provider.metadata(&self.http).await.map_err(|_| LogOutError::Unreachable)?;
        let said = match self.said(&token, &metadata) {
            Err(error) if lacks_key(&error) => {
                let newer = self.provider.newer(&self.http, &metadata, KEYS_EVERY).await;
                self.said(&token, &*newer.map_err(|_| LogOutError::Unreachable)?)
            }
            said => said,
        };
        let (said, id) = said.map_err(|error| LogOutError::Invalid(chain(&error)))?;
        if self.used.add(&id, self.clock.now()) { Ok(said) } else { Err(LogOutError::Used) }
    }

    /// What a token says, and its own identifier.
    pub(super) fn said(
        &self,
        token: &Token,
        metadata: &CoreProviderMetadata,
    ) -> Result<(ProviderLogOut, String), ClaimsVerificationError> {
        let now = self.clock.now();
        let client = self.client(metadata);
        let types =
            TYPES.iter().filter_map(|name| JsonWebTokenType::new((*name).to_owned()).normalize().ok());
        let verifier =
            self.verifier(&client).set_allowed_jose_types(types).set_issue_time_verifier_fn(move |at| {
                if (at - now).abs() <= RECENT { Ok(()) } else { Err("it is too old".to_owned()) }
            });
        // A token of a log-in has a nonce: it must not pass for one of a log-out.
        let no_nonce = |nonce: Option<&Nonce>| match nonce {
            None => Ok(()),
            Some(_) => Err("a token of a log-out has no nonce".to_owned()),
        };
        let claims = token.claims(&verifier, no_nonce)?;
        let more = claims.additional_claims();
        let event = more.get("events").and_then(|events| events.get(EVENT));
        if !event.is_some_and(serde_json::Value::is_object) {
            return Err(ClaimsVerificationError::Other("it is not about a log-out".to_owned()));
        }
        let id = more.text("jti", ID_BYTES).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| ClaimsVerificationError::Other("it has no identifier".to_owned()))?;
        let identity =
            ExternalIdentity { issuer: self.config.issuer.clone(), subject: claims.subject().to_string() };
        Ok((ProviderLogOut { identity, provider_session: more.text("sid", ID_BYTES) }, id))
    }
}
