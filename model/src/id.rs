//! Identifiers: UUID version 7 (RFC 9562), so that they sort by their creation.
//!
//! What is newest is decided by them, so a clock that is set back must not make an older one. In one process it does not: an
//! identifier always follows the last one. A server that starts continues after those that it has stored (`go_on`).

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Timestamp, Uuid};

/// The time of the last identifier of this process, and its place among those of that time.
static LAST: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// Makes all further identifiers of this process sort after one, from the next millisecond on.
fn continue_after(id: Uuid) {
    if let Some(made_at) = id.get_timestamp() {
        let (secs, nanos) = made_at.to_unix();
        let next = nanos + 1_000_000;
        let _ = Timestamp::from_unix(&LAST, secs + u64::from(next / 1_000_000_000), next % 1_000_000_000);
    }
}

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
                Self(Uuid::new_v7(Timestamp::now(&LAST)))
            }

            /// Makes all further identifiers of this process sort after this one, whatever the clock says.
            pub fn go_on(self) {
                continue_after(self.0);
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

    #[test]
    fn ids_go_on_after_those_that_a_clock_ahead_has_made() {
        // Made in 2065, the last one of its millisecond.
        let stored: OpId = "02bb1f5a-d3e7-7fff-bfff-ffffffffffff".parse().unwrap();
        assert!(OpId::new() < stored);
        stored.go_on();
        let ids: Vec<_> = (0..100).map(|_| OpId::new()).collect();
        assert!(stored < ids[0] && ids.is_sorted(), "{ids:?}");
        let older: OpId = "01a23dc7-ca08-71dd-b7c4-50bb7165daf9".parse().unwrap();
        older.go_on();
        assert!(ids[99] < OpId::new(), "an older one changes nothing");
    }
}
