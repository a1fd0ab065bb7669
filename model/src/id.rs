//! Identifiers: UUID version 7 (RFC 9562), so that they sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not an identifier: expected a UUID")]
pub struct IdError(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates a new, unique identifier.
            #[expect(clippy::new_without_default, reason = "a default that differs each time would be surprising")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError(text.chars().take(64).collect()))
            }
        }
    };
}

id! {
    /// Identifies one host while it is enrolled.
    HostId
}

id! {
    /// Identifies one op, on the server, on the wire and in the agent's journal.
    OpId
}

id! {
    /// Identifies the deployment of one merged pull request.
    DeploymentId
}

id! {
    /// Identifies one roll-out: the same action on several hosts.
    RolloutId
}

id! {
    /// Identifies one session of a person. It is no secret: the session's token is another.
    SessionId
}

id! {
    /// Identifies one invitation. It is no secret: the invitation's token is another.
    InvitationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = OpId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_text_is_rejected() {
        assert!("../../etc".parse::<OpId>().is_err());
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<_> = (0..100).map(|_| HostId::new()).collect();
        assert!(ids.is_sorted());
    }
}
