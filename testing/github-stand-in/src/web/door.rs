//! Authentication.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::{Limits, Refusal};
use crate::state::{App, Permission, Token, TokenKind};

/// The ways of being offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Away {
    /// Nobody listens, and open connections end.
    Refused,
    /// 502, with a page instead of JSON.
    BadGateway,
    /// 503, with a page instead of JSON.
    Unavailable,
}

/// Tokens, limits, and whether GitHub is online.
#[derive(Debug, Default)]
pub(crate) struct Door {
    pub(crate) tokens: Vec<Token>,
    pub(crate) limits: Limits,
    pub(crate) away: Option<Away>,
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    Nobody,
    Holder { login: String, permission: Permission, kind: TokenKind },
    App,
}

/// The claims of an app about itself.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: serde_json::Value,
    iat: i64,
    exp: i64,
}

impl Caller {
    /// The user on whose behalf something is done.
    pub(crate) fn login(&self) -> &str {
        match self {
            Self::Holder { login, .. } => login,
            Self::Nobody | Self::App => "ghost",
        }
    }

    pub(crate) fn permission(&self) -> Permission {
        match self {
            Self::Holder { permission, .. } => *permission,
            Self::Nobody | Self::App => Permission::None,
        }
    }

    /// Checks that the caller may do this to the repository.
    pub(crate) fn admit(&self, method: &Method, private: bool) -> Result<(), Refusal> {
        let reads = method == Method::GET || method == Method::HEAD;
        let kind = match self {
            Self::App => return Err(Refusal::not_found()),
            Self::Nobody | Self::Holder { permission: Permission::None, .. } if private => {
                return Err(Refusal::not_found());
            }
            Self::Nobody if reads => return Ok(()),
            Self::Nobody => return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Requires authentication")),
            Self::Holder { permission, .. } if reads || *permission >= Permission::Write => return Ok(()),
            Self::Holder { kind, .. } => kind,
        };
        Err(Refusal::forbidden(match kind {
            TokenKind::Personal => "Resource not accessible by personal access token",
            TokenKind::Installation => "Resource not accessible by integration",
        }))
    }
}

impl Door {
    /// Returns the caller who sent these headers.
    pub(crate) fn recognise(
        &self,
        headers: &HeaderMap,
        app: Option<&App>,
        now: DateTime<Utc>,
    ) -> Result<Caller, Refusal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::Nobody) };
        let value = value.to_str().unwrap_or_default();
        let secret =
            value.split_once(' ').map(|(scheme, secret)| (scheme.to_ascii_lowercase(), secret.trim()));
        let Some(("bearer" | "token", secret)) =
            secret.as_ref().map(|(scheme, secret)| (scheme.as_str(), *secret))
        else {
            return Err(bad_credentials());
        };
        if secret.split('.').count() == 3 {
            return recognise_app(secret, app, now);
        }
        let is_known = |token: &&Token| token.secret == secret && token.expires.is_none_or(|at| at > now);
        let token = self.tokens.iter().find(is_known).ok_or_else(bad_credentials)?;
        Ok(Caller::Holder { login: token.login.clone(), permission: token.permission, kind: token.kind })
    }
}

fn bad_credentials() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "Bad credentials").documented("https://docs.github.com/rest")
}

/// Upper bound on the lifetime of an app's claims.
const LONGEST: TimeDelta = TimeDelta::minutes(10);
/// Allowed difference between clocks.
const SLACK: TimeDelta = TimeDelta::seconds(60);

fn recognise_app(jwt: &str, app: Option<&App>, now: DateTime<Utc>) -> Result<Caller, Refusal> {
    let no = |message: &str| {
        Refusal::new(StatusCode::UNAUTHORIZED, message).documented("https://docs.github.com/rest")
    };
    let app = app.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Integration not found"))?;
    let undecoded = || no("A JSON web token could not be decoded");
    let key = DecodingKey::from_rsa_pem(app.public_key.as_bytes()).map_err(|_| undecoded())?;
    let mut validation = Validation::new(Algorithm::RS256);
    // The time is the stand-in's own.
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(jwt, &key, &validation).map_err(|_| undecoded())?.claims;
    let issuer = claims.iss.as_u64().or_else(|| claims.iss.as_str()?.parse().ok());
    if issuer != Some(app.id) {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Integration not found"));
    }
    let latest = (now + LONGEST + SLACK).timestamp();
    if claims.exp <= now.timestamp() {
        return Err(no(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ));
    }
    if claims.exp > latest {
        return Err(no("'Expiration time' claim ('exp') is too far in the future"));
    }
    if claims.iat > (now + SLACK).timestamp() {
        return Err(no(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ));
    }
    Ok(Caller::App)
}
