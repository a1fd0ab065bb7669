//! People and what each may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A logged-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name that the audit log shows.
    pub name: String,
    /// The person's role.
    pub role: Role,
}

impl Person {
    /// Checks that the person has this role or a higher one.
    ///
    /// # Errors
    /// [`NotAllowed`] with the role that is needed.
    pub fn require(&self, role: Role) -> Result<(), NotAllowed> {
        if self.role < role { Err(NotAllowed { needed: role }) } else { Ok(()) }
    }
}

/// The person's role is too low for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This requires the {needed} role.")]
pub struct NotAllowed {
    /// The lowest role that may make it.
    pub needed: Role,
}

/// What a person may do. Each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Run ops.
    Operator,
    /// Add and remove hosts and people.
    Admin,
}

impl Role {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
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
        [Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| format!("unknown role “{text}”: use viewer, operator or admin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

    #[test]
    fn a_role_includes_the_ones_before_it() {
        for (has, role) in ROLES.into_iter().enumerate() {
            let person = Person { name: "maria".to_owned(), role };
            for (needs, needed) in ROLES.into_iter().enumerate() {
                let expected = if needs <= has { Ok(()) } else { Err(NotAllowed { needed }) };
                assert_eq!(person.require(needed), expected, "{role} for {needed}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_role_that_is_needed() {
        let refused = NotAllowed { needed: Role::Operator };
        assert_eq!(refused.to_string(), "This requires the operator role.");
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in ROLES {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
