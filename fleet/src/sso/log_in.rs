//! A log-in leaves for the provider, and comes back.

use std::time::Duration;

use backstay_model::wire::limits::cut_line;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreGenderClaim, CoreProviderMetadata};
use openidconnect::{
    AccessToken, AuthorizationCode, ClaimsVerificationError, CsrfToken, IdTokenClaims, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RequestTokenError, Scope,
    SignatureVerificationError, StandardClaims, TokenResponse as _, UserInfoClaims,
};

use super::claims::{MoreClaims, person_name};
use super::pending::Pending;
use super::roles::roles_of;
use super::{Client, Sso, SsoError, Token, chain};
use crate::secret::Secret;
use crate::store::{ExternalIdentity, ProviderRoles};

/// The longest state that comes back, in bytes: longer than ours.
const STATE_BYTES: usize = 200;
/// The longest code, in bytes. Some providers put a whole session into it.
const CODE_BYTES: usize = 8_192;
/// The longest identifiers of people and sessions, in bytes (OpenID Connect Core 1.0, section 2).
pub(super) const ID_BYTES: usize = 255;
/// How far the provider's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(1);

type Claims = IdTokenClaims<MoreClaims, CoreGenderClaim>;

/// A log-in that leaves for the provider.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub address: String,
    /// What the browser keeps in a cookie until it comes back.
    pub cookie: Secret,
}

/// What the browser brings back from the provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The cookie of [`Begun`].
    pub cookie: &'a str,
    /// The state in the address.
    pub state: &'a str,
    /// The code in the address; empty if the provider sent an error instead.
    pub code: &'a str,
    /// The provider in the address (RFC 9207), if it names itself.
    pub issuer: Option<&'a str>,
}

/// Somebody whom the provider has vouched for.
#[derive(Debug)]
pub struct Arrival {
    /// Who it is, for ever.
    pub identity: ExternalIdentity,
    /// What the provider calls the person, as a name of ours.
    pub name: Option<String>,
    /// The roles of the person's groups, or `None` if no group has any.
    pub roles: Option<ProviderRoles>,
    /// The session at the provider, if it names one.
    pub provider_session: Option<String>,
    /// The session whose person was to prove again who they are.
    pub proves: Option<String>,
    /// Where to go now.
    pub next: String,
}

impl Sso {
    /// Begins a log-in that leads to `next`. If it only proves again who has this session, the provider asks for the password even
    /// of somebody whom it knows.
    ///
    /// # Errors
    /// [`SsoError`]
    pub async fn begin(&self, next: &str, proves: Option<String>) -> Result<Begun, SsoError> {
        let _place = self.at_once.try_acquire().map_err(|_| SsoError::Busy)?;
        let client = self.client(&*self.provider.metadata(&self.http).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        if proves.is_some() {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        let (address, state, nonce) = request.url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            next: next.to_owned(),
            at: self.clock.now(),
            proves,
        };
        let cookie = pending.sealed(&self.key).ok_or(SsoError::Busy)?;
        Ok(Begun { address: address.into(), cookie })
    }

    /// Finishes a log-in: redeems the code, and checks who it is.
    ///
    /// # Errors
    /// [`SsoError`]
    pub async fn finish(&self, answer: Answer<'_>) -> Result<Arrival, SsoError> {
        if answer.state.len() > STATE_BYTES || answer.code.len() > CODE_BYTES {
            return Err(SsoError::Expired);
        }
        let pending = Pending::open(&self.key, answer.cookie, answer.state, self.clock.now());
        let pending = pending.ok_or(SsoError::Expired)?;
        if answer.issuer.is_some_and(|issuer| issuer != self.config.issuer) {
            return Err(SsoError::Expired);
        }
        if answer.code.is_empty() {
            return Err(SsoError::Denied);
        }
        let _place = self.at_once.try_acquire().map_err(|_| SsoError::Busy)?;
        let metadata = self.provider.metadata(&self.http).await?;
        let client = self.client(&metadata);
        let (token, access) = self.redeem(&client, answer.code, &pending).await?;
        let nonce = Nonce::new(pending.nonce.clone());
        let claims = match token.claims(&self.verifier(&client), &nonce) {
            Err(error) if lacks_key(&error) => {
                let newer = self.provider.newer(&self.http, &metadata, TimeDelta::zero()).await?;
                self.claims(&token, &nonce, &newer)?
            }
            claims => claims.cloned().map_err(|error| invalid(&error))?,
        };
        if pending.proves.is_some() && !is_recent(&claims, pending.at) {
            return Err(SsoError::NotProved);
        }
        self.arrival(&client, &access, &claims, pending).await
    }

    async fn redeem(
        &self,
        client: &Client,
        code: &str,
        pending: &Pending,
    ) -> Result<(Token, AccessToken), SsoError> {
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|error| invalid(&error))?;
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let answer = request.set_pkce_verifier(verifier).request_async(&self.http).await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::Request(error) => {
                tracing::warn!(error = chain(&error), "the single sign-on provider does not answer");
                SsoError::Unreachable
            }
            error => invalid(&error),
        })?;
        let token = answer.id_token().cloned().ok_or(SsoError::Invalid)?;
        Ok((token, answer.access_token().clone()))
    }

    /// Checks a token with these keys.
    pub(super) fn claims(
        &self,
        token: &Token,
        nonce: &Nonce,
        metadata: &CoreProviderMetadata,
    ) -> Result<Claims, SsoError> {
        let client = self.client(metadata);
        token.claims(&self.verifier(&client), nonce).cloned().map_err(|error| invalid(&error))
    }

    /// Many providers put groups and names into the token only if it is configured so; the rest is at the user info endpoint.
    async fn arrival(
        &self,
        client: &Client,
        access: &AccessToken,
        claims: &Claims,
        pending: Pending,
    ) -> Result<Arrival, SsoError> {
        let mut groups = claims.additional_claims().groups(&self.config.groups_claim);
        let mut name = name_in(claims.preferred_username().map(|name| name.as_str()), claims.email());
        if groups.is_none() || name.is_none() {
            let asked = client.user_info(access.clone(), Some(claims.subject().clone()));
            if let Ok(request) = asked {
                let more: UserInfoClaims<MoreClaims, CoreGenderClaim> =
                    request.request_async(&self.http).await.map_err(|error| invalid(&error))?;
                let said: &StandardClaims<CoreGenderClaim> = more.standard_claims();
                groups = groups.or_else(|| more.additional_claims().groups(&self.config.groups_claim));
                name = name
                    .or_else(|| name_in(said.preferred_username().map(|name| name.as_str()), said.email()));
            }
        }
        let subject = claims.subject().to_string();
        if subject.is_empty() || subject.len() > ID_BYTES {
            return Err(SsoError::Invalid);
        }
        Ok(Arrival {
            identity: ExternalIdentity { issuer: self.config.issuer.clone(), subject },
            name,
            roles: roles_of(&self.config.roles, &groups.unwrap_or_default()),
            provider_session: claims.additional_claims().text("sid", ID_BYTES),
            proves: pending.proves,
            next: pending.next,
        })
    }
}

fn name_in(user_name: Option<&str>, email: Option<&openidconnect::EndUserEmail>) -> Option<String> {
    user_name.and_then(person_name).or_else(|| email.and_then(|email| person_name(email.as_str())))
}

/// Returns whether the provider asked the person again since then.
fn is_recent(claims: &Claims, began: DateTime<Utc>) -> bool {
    claims.auth_time().is_some_and(|at| at >= began - SKEW)
}

/// Returns whether the token is signed with a key that is not known.
pub(super) fn lacks_key(error: &ClaimsVerificationError) -> bool {
    matches!(error, ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))
}

/// Logs why an answer is not valid. Nobody but the provider, to which a code was presented, can write such a line.
fn invalid(error: &dyn std::error::Error) -> SsoError {
    tracing::warn!(
        error = cut_line(&chain(error), 500),
        "an answer of the single sign-on provider is not valid"
    );
    SsoError::Invalid
}
