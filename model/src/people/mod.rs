//! People and what each may do.

mod action;
mod grant;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use action::{Action, Extent, Rule};
pub use grant::{GRANTS, Grant, GrantError, HostTraits, Scope};

/// A logged-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name that the audit log shows.
    pub name: String,
    /// The person's role on the whole fleet.
    pub role: Role,
    /// Higher roles on some hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

impl Person {
    /// A person with this role on the whole fleet.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role, grants: vec![] }
    }

    /// Checks that the person may do this on the whole fleet.
    ///
    /// # Errors
    /// [`NotAllowed`]
    pub fn require(&self, action: Action) -> Result<(), NotAllowed> {
        let needed = action.rule().role;
        match self.highest() {
            _ if self.role >= needed => Ok(()),
            highest if highest >= needed => Err(NotAllowed::Fleet(needed)),
            _ => Err(NotAllowed::Role(needed)),
        }
    }

    /// Checks that the person may do this on this host.
    ///
    /// # Errors
    /// [`NotAllowed`]
    pub fn require_on(&self, action: Action, host: &HostTraits<'_>) -> Result<(), NotAllowed> {
        let Rule { role: needed, extent } = action.rule();
        if extent == Extent::Fleet {
            return self.require(action);
        }
        let here = self.grants.iter().filter(|grant| grant.scope.covers(host)).map(|grant| grant.role);
        match here.fold(self.role, Role::max) {
            role if role >= needed => Ok(()),
            _ if self.highest() >= needed => Err(NotAllowed::Host(needed, host.name.to_owned())),
            _ => Err(NotAllowed::Role(needed)),
        }
    }

    /// Checks that the person may do this on the whole fleet or, if it concerns one host, on some host. The host itself is checked
    /// once it is known.
    ///
    /// # Errors
    /// [`NotAllowed`]
    pub fn require_somewhere(&self, action: Action) -> Result<(), NotAllowed> {
        let Rule { role, extent } = action.rule();
        if extent == Extent::Host && self.highest() >= role { Ok(()) } else { self.require(action) }
    }

    /// The highest role on any host.
    fn highest(&self) -> Role {
        self.grants.iter().map(|grant| grant.role).fold(self.role, Role::max)
    }
}

/// Why a person may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The person's role is too low everywhere; this is the lowest one that may.
    #[error("This requires the {0} role.")]
    Role(Role),
    /// The person has the role on other hosts.
    #[error("This requires the {0} role on {1}.")]
    Host(Role, String),
    /// The person has the role on some hosts.
    #[error("This requires the {0} role on the whole fleet.")]
    Fleet(Role),
}

/// What a person may do. Each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Bring hosts back: roll back, cancel, run tests.
    Responder,
    /// Run every op, merge and revert.
    Operator,
    /// Add and remove hosts and people.
    Admin,
}

impl Role {
    /// Every role, the lowest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Responder, Self::Operator, Self::Admin];

    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Responder => "responder",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("unknown role “{text}”: use viewer, responder, operator or admin");
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests;
