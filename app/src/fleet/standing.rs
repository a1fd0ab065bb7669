//! How a host is, in one word.

use backstay_protocol::{HostView, State};

/// How a host is: the worst that is to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// A light is red.
    Failed,
    /// Its agent is not connected: what its lights say is old.
    Offline,
    /// Something is due, or is being done.
    Attention,
    /// Nothing is to be done.
    Fine,
}

impl Standing {
    /// Every standing, the worst first.
    pub(crate) const ALL: [Self; 4] = [Self::Failed, Self::Offline, Self::Attention, Self::Fine];

    /// The word in a query and in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Offline => "offline",
            Self::Attention => "attention",
            Self::Fine => "fine",
        }
    }

    /// Each host counts once.
    pub(crate) fn of(host: &HostView) -> Self {
        let lights = host.compartments.named();
        let any = |states: &[State]| lights.iter().any(|(_, light)| states.contains(&light.state));
        if !host.online {
            Self::Offline
        } else if any(&[State::Failed]) {
            Self::Failed
        } else if any(&[State::Attention, State::Working]) {
            Self::Attention
        } else {
            Self::Fine
        }
    }
}
