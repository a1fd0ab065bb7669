//! Permissions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The permission of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Sees nothing: the repository is not found.
    None,
    /// May read.
    Read,
    /// May push, merge and open pull requests.
    Write,
    /// May change settings too.
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Personal,
    Installation,
}

/// A token, and its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub(crate) secret: String,
    pub(crate) login: String,
    pub(crate) permission: Permission,
    pub(crate) kind: Kind,
    pub(crate) expires: Option<DateTime<Utc>>,
}

impl Token {
    /// A personal access token.
    pub fn new(secret: impl Into<String>, login: impl Into<String>, permission: Permission) -> Self {
        Self { secret: secret.into(), login: login.into(), permission, kind: Kind::Personal, expires: None }
    }

    /// A token of an app's installation.
    pub(crate) fn of_installation(app: &App, secret: String, expires: DateTime<Utc>) -> Self {
        Self {
            secret,
            login: format!("{}[bot]", app.slug),
            permission: app.permission,
            kind: Kind::Installation,
            expires: Some(expires),
        }
    }
}

/// A GitHub App, installed on the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its identifier.
    pub id: u64,
    /// Its name in URLs.
    pub slug: String,
    /// The identifier of its installation.
    pub installation: u64,
    /// Its public key, in PEM: the app's claims must be signed with the other half.
    pub public_key: String,
    /// Permission of its tokens.
    pub permission: Permission,
}
