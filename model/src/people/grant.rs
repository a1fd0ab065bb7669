//! Grants: roles on some hosts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Role;
use crate::wire::limits::HOST_NAME_CHARS;
use crate::{Platform, parse_tags};

/// Upper bound on the grants of a person.
pub const GRANTS: usize = 20;

/// A role on some hosts. As text: `operator tag:lab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    /// Responder or operator: a viewer sees every host anyway, and an administrator manages the whole fleet.
    pub role: Role,
    /// The hosts.
    pub scope: Scope,
}

/// Hosts by what they are. As text: `tag:lab`, `platform:darwin`, `name:web-*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those with this tag.
    Tag(String),
    /// Those of this platform.
    Platform(Platform),
    /// Those whose name matches: `*` is any text, `?` any character, and case does not matter.
    Name(String),
}

/// What scopes look at.
#[derive(Debug, Clone, Copy)]
pub struct HostTraits<'a> {
    /// The host's name.
    pub name: &'a str,
    /// Its platform.
    pub platform: Platform,
    /// Its tags.
    pub tags: &'a [String],
}

/// A text is no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not a grant. Nothing was changed. Name a role (responder or operator) and hosts: tag:lab, platform:darwin or \
     name:web-*."
)]
pub struct GrantError;

impl Scope {
    /// Returns whether the host is among these.
    pub fn covers(&self, host: &HostTraits<'_>) -> bool {
        match self {
            Self::Tag(tag) => host.tags.contains(tag),
            Self::Platform(platform) => *platform == host.platform,
            Self::Name(pattern) => matches(pattern.as_bytes(), host.name.as_bytes()),
        }
    }
}

/// Returns whether the name matches the pattern. Takes the product of their lengths at most: after a mismatch, only the last `*`
/// takes one more character.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(b) if *b == b'?' || b.eq_ignore_ascii_case(&name[read]) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|b| *b == b'*')
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Platform(platform) => write!(f, "platform:{platform}"),
            Self::Name(pattern) => write!(f, "name:{pattern}"),
        }
    }
}

impl FromStr for Scope {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (kind, value) = text.split_once(':').ok_or(GrantError)?;
        let is_pattern = |c: u8| c.is_ascii_alphanumeric() || b"-*?".contains(&c);
        match kind {
            "tag" => match parse_tags(value).as_deref() {
                Ok([tag]) => Ok(Self::Tag(tag.clone())),
                _ => Err(GrantError),
            },
            "platform" => value.parse().map(Self::Platform).map_err(|_| GrantError),
            "name" if (1..=HOST_NAME_CHARS).contains(&value.len()) && value.bytes().all(is_pattern) => {
                Ok(Self::Name(value.to_ascii_lowercase()))
            }
            _ => Err(GrantError),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.scope)
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (role, scope) = text.split_once(' ').ok_or(GrantError)?;
        match role.parse() {
            Ok(role @ (Role::Responder | Role::Operator)) => Ok(Self { role, scope: scope.trim().parse()? }),
            _ => Err(GrantError),
        }
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}
