//! The order of hosts.

use backstay_model::{Column, HostView, Platform, State};

use super::status::HostStatus;

/// The criterion by which hosts are sorted. Equal hosts are sorted by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Failed hosts first. The others stay where they are, whatever is done on them.
    #[default]
    FailedFirst,
    /// By name.
    Name,
    /// Worst status first.
    Status,
    /// Highest generation first.
    Generation,
    /// By platform.
    Platform,
    /// By the light of this column, worst first.
    Light(Column),
}

impl Sort {
    /// Every order.
    pub(crate) const ALL: [Self; 10] = [
        Self::FailedFirst,
        Self::Name,
        Self::Status,
        Self::Generation,
        Self::Platform,
        Self::Light(Column::Agent),
        Self::Light(Column::Git),
        Self::Light(Column::Lock),
        Self::Light(Column::System),
        Self::Light(Column::Tests),
    ];

    /// The order that the head of a column sets.
    pub(crate) fn of_column(column: Column) -> Option<Self> {
        match column {
            Column::Now => None,
            Column::Generation => Some(Self::Generation),
            light => Some(Self::Light(light)),
        }
    }

    /// The word in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FailedFirst => "failed-first",
            Self::Name => "name",
            Self::Status => "status",
            Self::Generation => "generation",
            Self::Platform => "platform",
            Self::Light(column) => column.as_str(),
        }
    }

    /// The name on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::FailedFirst => "Failed first",
            Self::Name => "Name",
            Self::Status => "Worst first",
            Self::Generation => "Newest generation",
            Self::Platform => "Platform",
            Self::Light(column) => column.title(),
        }
    }

    /// The direction, for assistive technology.
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Self::Name | Self::Platform => "ascending",
            Self::Generation => "descending",
            Self::FailedFirst | Self::Status | Self::Light(_) => "other",
        }
    }

    /// The order that an address names; the default if it is unknown.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word).unwrap_or_default()
    }

    /// The sort key of a host, among hosts that are sorted by name already.
    pub(crate) fn key(self, host: &HostView) -> usize {
        match self {
            Self::FailedFirst => usize::from(HostStatus::of(host) != HostStatus::Failed),
            Self::Name => 0,
            Self::Status => position(HostStatus::ALL, HostStatus::of(host)),
            Self::Generation => {
                host.generation.as_ref().map_or(usize::MAX, |it| usize::MAX - it.number as usize)
            }
            Self::Platform => position(Platform::ALL, host.platform),
            Self::Light(column) => {
                let light = host.lights.named().into_iter().find(|(name, _)| *name == column.title());
                light.map_or(usize::MAX, |(_, light)| position(WORST_FIRST, light.state))
            }
        }
    }
}

/// The states of a light.
const WORST_FIRST: [State; 5] = [State::Failed, State::Attention, State::Working, State::Unknown, State::Ok];

fn position<T: PartialEq, const N: usize>(all: [T; N], one: T) -> usize {
    all.iter().position(|it| *it == one).unwrap_or(N)
}

#[cfg(test)]
mod tests {
    use backstay_model::sample::{generation, host};

    use super::*;

    #[test]
    fn an_address_names_an_order() {
        for sort in Sort::ALL {
            assert_eq!(Sort::from_word(sort.as_str()), sort);
        }
        assert_eq!(Sort::from_word("colour"), Sort::FailedFirst);
    }

    /// The names of these hosts in an order: a fine one, one whose tests failed, one that is offline, one
    /// where something is due.
    fn sorted(sort: Sort) -> Vec<&'static str> {
        let with = |state, number| {
            let mut host = host("any");
            host.lights.tests.state = state;
            HostView { generation: Some(generation(number, 0)), ..host }
        };
        let offline = HostView { online: false, ..with(State::Ok, 9) };
        let mut hosts = [
            ("fine", with(State::Ok, 3)),
            ("failed", with(State::Failed, 1)),
            ("offline", offline),
            ("due", with(State::Attention, 7)),
        ];
        hosts.sort_by_key(|(_, host)| sort.key(host));
        hosts.map(|(name, _)| name).into()
    }

    #[test]
    fn each_order_puts_first_what_it_is_for() {
        assert_eq!(sorted(Sort::FailedFirst), ["failed", "fine", "offline", "due"]);
        assert_eq!(sorted(Sort::Name), ["fine", "failed", "offline", "due"]);
        assert_eq!(sorted(Sort::Status), ["failed", "offline", "due", "fine"]);
        assert_eq!(sorted(Sort::Generation), ["offline", "due", "fine", "failed"]);
        assert_eq!(sorted(Sort::Light(Column::Tests)), ["failed", "due", "fine", "offline"]);
    }
}
