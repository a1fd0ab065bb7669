//! Single sign-on: people log in through an OpenID Connect provider.
//!
//! This module talks to the provider; [`accounts`](crate::accounts) decides who gets in. The flow is the
//! authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636), and the crate `openidconnect` checks the tokens.

mod claims;
mod http;
mod log_in;
mod log_out;
mod pending;
mod provider;
mod roles;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use backstay_model::Clock;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AuthType, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdToken, IdTokenFields, IdTokenVerifier, IssuerUrl, RedirectUrl, StandardErrorResponse,
    StandardTokenResponse,
};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use tokio::sync::Semaphore;

use crate::sealing_key::{KEY_BYTES, SealingKey};
use crate::secret::Secret;
use claims::MoreClaims;
use http::Http;
use provider::Provider;

pub use log_in::{Answer, Arrival, Begun};
pub use log_out::{LogOutError, ProviderLogOut};
pub use pending::PENDING_LIFETIME;
pub use roles::GroupRole;

/// The path that the provider leads back to.
pub const CALLBACK: &str = "/sso/callback";
/// Log-ins that speak with the provider at once; further ones are rejected, so that strangers cannot use this server to flood it.
const MOST_AT_ONCE: usize = 32;

/// The signatures that are accepted: those of a key pair. With a shared secret, everybody who knows it could sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = openidconnect::Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            MoreClaims,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Token = IdToken<MoreClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// The provider, and what its groups may do.
#[derive(Debug, Clone)]
pub struct SsoConfig {
    /// The provider's address, exactly as its tokens name it.
    pub issuer: String,
    /// This server's identifier at the provider.
    pub client_id: String,
    /// This server's secret at the provider.
    pub client_secret: Secret,
    /// What people call the provider.
    pub name: String,
    /// The claim with a person's groups.
    pub groups_claim: String,
    /// What groups may do.
    pub roles: Vec<GroupRole>,
    /// What this server asks the provider for, besides `openid`.
    pub scopes: Vec<String>,
    /// This server's origin, as browsers reach it.
    pub public_url: String,
}

/// Why nobody is logged in. The texts are for the person, and hold nothing from outside but the name of the provider, which the
/// server's own options set, and names of people.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// This server knows no provider.
    #[error("This server has no single sign-on.")]
    Unavailable,
    /// The provider does not answer.
    #[error("The single sign-on provider cannot be reached. You are not logged in. Try again in a minute.")]
    Unreachable,
    /// Too many people log in at once.
    #[error("Too many people are logging in. Try again in a few seconds.")]
    Busy,
    /// The answer belongs to no log-in of this browser.
    #[error(
        "This log-in has expired, or began in another window. You are not logged in. Start again from here."
    )]
    Expired,
    /// The person or the provider said no.
    #[error("The single sign-on provider did not confirm the log-in. You are not logged in.")]
    Denied,
    /// The answer does not hold; the log has the reason.
    #[error(
        "The answer of the single sign-on provider is not valid. You are not logged in. The server's log has the reason."
    )]
    Invalid,
    /// No group gives a role.
    #[error("None of your groups may use Backstay. You are not logged in. Ask an administrator.")]
    NoRole,
    /// Neither the person's user name nor e-mail address can be a name here.
    #[error("The single sign-on provider names you in no way that can be a name here. Ask an administrator.")]
    NoName,
    /// Somebody else has the name.
    #[error("Somebody else has the name {0} on this server. You are not logged in. Ask an administrator.")]
    NameTaken(String),
    /// An administrator has disabled the person.
    #[error("Your account is disabled. Ask an administrator.")]
    Disabled,
    /// The provider did not ask for a proof again, or somebody else gave it.
    #[error("The single sign-on provider did not confirm that it is you. Nothing was changed.")]
    NotProved,
    /// The database failed.
    #[error("The log-in failed. The server's log has the reason.")]
    Failed(#[from] crate::accounts::AccountError),
}

/// The provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum SsoConfigError {
    /// An address is none.
    #[error("{0} is not an address: {1}")]
    Address(String, openidconnect::url::ParseError),
    /// The certificates that this machine trusts cannot be read.
    #[error("the certificates that this machine trusts cannot be read: {0}")]
    Certificates(std::io::Error),
    /// No random numbers.
    #[error("the operating system provides no random numbers")]
    Random,
}

/// The conversation with the provider.
pub struct Sso {
    config: SsoConfig,
    redirect: RedirectUrl,
    http: Http,
    provider: Provider,
    clock: Arc<dyn Clock>,
    key: SealingKey,
    at_once: Semaphore,
    used: log_out::UsedTokens,
}

impl fmt::Debug for Sso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sso").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Sso {
    /// Prepares the conversation. Sends nothing yet.
    ///
    /// # Errors
    /// [`SsoConfigError`]
    pub fn new(config: SsoConfig, clock: Arc<dyn Clock>) -> Result<Self, SsoConfigError> {
        let address = |text: &str| {
            let text = text.to_owned();
            move |error| SsoConfigError::Address(text, error)
        };
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(address(&config.issuer))?;
        let redirect = format!("{}{CALLBACK}", config.public_url);
        let redirect = RedirectUrl::new(redirect.clone()).map_err(address(&redirect))?;
        let mut key = [0; KEY_BYTES];
        OsRng.try_fill_bytes(&mut key).map_err(|_| SsoConfigError::Random)?;
        Ok(Self {
            redirect,
            http: Http::new().map_err(SsoConfigError::Certificates)?,
            provider: Provider::new(issuer, Arc::clone(&clock)),
            clock,
            key: SealingKey::new(&key).ok_or(SsoConfigError::Random)?,
            at_once: Semaphore::new(MOST_AT_ONCE),
            used: log_out::UsedTokens::default(),
            config,
        })
    }

    /// What people call the provider.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        let secret = ClientSecret::new(self.config.client_secret.reveal().to_owned());
        let id = ClientId::new(self.config.client_id.clone());
        Client::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(auth_type(metadata))
    }

    fn verifier<'a>(&'a self, client: &'a Client) -> IdTokenVerifier<'a, CoreJsonWebKey> {
        client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(|| self.clock.now())
    }
}

/// How this server proves itself to the provider: the standard's way, unless the provider takes the other one only.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    let takes = |method| {
        metadata.token_endpoint_auth_methods_supported().is_none_or(|methods| methods.contains(&method))
    };
    if takes(CoreClientAuthMethod::ClientSecretBasic) { AuthType::BasicAuth } else { AuthType::RequestBody }
}

/// An error with its reasons, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let reasons = std::iter::successors(Some(error), |error| error.source());
    let text = reasons.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    backstay_model::wire::limits::cut_line(&text, 500)
}
