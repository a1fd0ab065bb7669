//! The order of hosts.

use std::cmp::Ordering;

use backstay_model::{HostView, cmp_host_names};

use super::status::HostStatus;

/// The criterion by which hosts are sorted. Equal hosts are sorted by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// By name.
    #[default]
    Name,
    /// Worst status first.
    Status,
    /// Highest generation first.
    Generation,
    /// By platform.
    Platform,
}

impl Sort {
    /// Every order.
    pub(crate) const ALL: [Self; 4] = [Self::Name, Self::Status, Self::Generation, Self::Platform];

    /// The word in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::Generation => "generation",
            Self::Platform => "platform",
        }
    }

    /// The name on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Status => "Worst first",
            Self::Generation => "Newest generation",
            Self::Platform => "Platform",
        }
    }

    /// The order that an address names; by name if it is unknown.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word).unwrap_or_default()
    }

    /// Compares two hosts.
    pub(crate) fn compare(self, one: &HostView, other: &HostView) -> Ordering {
        let number = |host: &HostView| host.generation.as_ref().map(|generation| generation.number);
        let first = match self {
            Self::Name => Ordering::Equal,
            Self::Status => HostStatus::of(one).cmp(&HostStatus::of(other)),
            Self::Generation => number(other).cmp(&number(one)),
            Self::Platform => one.platform.as_str().cmp(other.platform.as_str()),
        };
        first.then_with(|| cmp_host_names(&one.name, &other.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_an_order() {
        for sort in Sort::ALL {
            assert_eq!(Sort::from_word(sort.as_str()), sort);
        }
        assert_eq!(Sort::from_word("colour"), Sort::Name);
    }
}
