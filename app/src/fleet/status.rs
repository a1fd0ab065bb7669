//! The status of a host, in one word.

use backstay_model::{HostView, State};

/// The status of a host: its worst aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum HostStatus {
    /// A light is red.
    Failed,
    /// Its agent is not connected: its lights are old.
    Offline,
    /// Something is due, or in progress.
    Due,
    /// Nothing to do.
    Fine,
}

impl HostStatus {
    /// Every status, worst first.
    pub(crate) const ALL: [Self; 4] = [Self::Failed, Self::Offline, Self::Due, Self::Fine];

    /// The word in a filter and in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Offline => "offline",
            Self::Due => "due",
            Self::Fine => "fine",
        }
    }

    /// Its former word, still accepted because people keep and share addresses.
    pub(super) fn former_name(self) -> Option<&'static str> {
        (self == Self::Due).then_some("attention")
    }

    /// The name on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Offline => "Offline",
            Self::Due => "Pending",
            Self::Fine => "Fine",
        }
    }

    /// An explanation.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "A switch, a test or a unit failed",
            Self::Offline => "The agent is not connected",
            Self::Due => "A pull, switch, reboot or test run is due, or under way",
            Self::Fine => "Nothing to do",
        }
    }

    /// Its icon.
    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Offline => "unknown",
            Self::Due => "attention",
            Self::Fine => "ok",
        }
    }

    /// The status of a host.
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
