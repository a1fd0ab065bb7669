//! How a host is, in one word.

use backstay_model::{HostView, State};

/// How a host is: the worst that is to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum HostStatus {
    /// A light is red.
    Failed,
    /// Its agent is not connected: what its lights say is old.
    Offline,
    /// Something is due, or is being done.
    Due,
    /// Nothing is to be done.
    Fine,
}

impl HostStatus {
    /// Every status, the worst first.
    pub(crate) const ALL: [Self; 4] = [Self::Failed, Self::Offline, Self::Due, Self::Fine];

    /// The word in a query and in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Offline => "offline",
            Self::Due => "due",
            Self::Fine => "fine",
        }
    }

    /// The word that meant it before: addresses are kept and shared.
    pub(super) fn former_name(self) -> Option<&'static str> {
        (self == Self::Due).then_some("attention")
    }

    /// The words on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Offline => "Offline",
            Self::Due => "Pending",
            Self::Fine => "Fine",
        }
    }

    /// What it means, for those who wonder.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "A switch, a test or a unit failed",
            Self::Offline => "The agent is not connected",
            Self::Due => "A pull, switch, reboot or test run is due, or under way",
            Self::Fine => "Nothing to do",
        }
    }

    /// The shape that stands for it.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Offline => "unknown",
            Self::Due => "attention",
            Self::Fine => "ok",
        }
    }

    /// Each host counts once.
    pub(crate) fn of(host: &HostView) -> Self {
        let lights = host.lights.named();
        let any = |states: &[State]| lights.iter().any(|(_, light)| states.contains(&light.state));
        if !host.online {
            Self::Offline
        } else if any(&[State::Failed]) {
            Self::Failed
        } else if any(&[State::Attention, State::Working]) {
            Self::Due
        } else {
            Self::Fine
        }
    }
}
