//! Which hosts the fleet page shows.

use std::collections::BTreeSet;

use backstay_model::HostId;
use leptos::prelude::*;

use super::address::FleetAddress;
use super::group::FoldedGroups;
use crate::fleet::{Group, GroupBy, GroupKey, Majority, Query, QueryError, Sort, Tally, grouped};
use crate::live::{Live, Row};

/// Which hosts the fleet page shows: in which groups, and in which order. [`Self::groups`] is the one place that says
/// so; the table, the selection and the counts all follow it.
#[derive(Clone, Copy)]
pub(crate) struct ShownHosts {
    /// What is asked for.
    pub(super) address: FleetAddress,
    pub(super) query: Memo<Result<Query, QueryError>>,
    /// What was asked for last that can be understood: while a person is writing, what is shown stays. None where
    /// nothing could be, and then no host is shown, nor anything done to one.
    understood: Memo<Option<Query>>,
    /// What most of the fleet runs.
    pub(super) majority: Memo<Option<Majority>>,
    /// The groups from top to bottom, each with its hosts from top to bottom. One group where hosts are not grouped.
    pub(crate) groups: Memo<Vec<Group<Row>>>,
    /// Which groups are folded.
    pub(super) folded: FoldedGroups,
    /// Every host that fits, from top to bottom, also in groups that are folded.
    pub(crate) rows: Memo<Vec<Row>>,
    /// The hosts that can be seen, from top to bottom: those of groups that are not folded.
    pub(crate) visible: Memo<Vec<Row>>,
}

impl ShownHosts {
    /// As the address says. Provides itself, and the address, to what the page is made of.
    pub(crate) fn by_address(live: Live) -> Self {
        let address = FleetAddress::follow();
        let folded = FoldedGroups::remembered();
        let query = Memo::new(move |_| address.text.with(|text| text.parse::<Query>()));
        let understood = Memo::new(move |before: Option<&Option<Query>>| {
            query.with(|query| match query {
                Ok(query) => Some(query.clone()),
                Err(_) => before.cloned().flatten(),
            })
        });
        let majority = Memo::new(move |_| majority(live));
        let groups = Memo::new_with_compare(
            move |_| {
                let hosts = understood.with(|query| match query {
                    Some(query) => chosen(live, query, address.sort.get(), majority),
                    None => vec![],
                });
                in_groups(live, hosts, address.group.get())
            },
            |old, new| old.map(|groups| order(groups)) != new.map(|groups| order(groups)),
        );
        let rows = rows_of(groups, |_| true);
        let visible = rows_of(groups, move |key| !folded.has(key));
        let shown = Self { address, query, understood, majority, groups, folded, rows, visible };
        shown.work_out();
        provide_context(address);
        provide_context(shown);
        shown
    }

    /// Works out what several parts of the page read: parts that are rendered at once must not do it together.
    fn work_out(self) {
        self.majority.with_untracked(|_| ());
        self.rows.with_untracked(|_| ());
        self.visible.with_untracked(|_| ());
    }

    /// The hosts of one group, from top to bottom.
    pub(super) fn group(self, key: GroupKey) -> Memo<Vec<Row>> {
        rows_of(self.groups, move |other| *other == key)
    }

    /// How many hosts can be seen above those of a group.
    pub(super) fn seen_before(self, key: &GroupKey) -> usize {
        self.groups.with(|groups| {
            let above = groups.iter().take_while(|group| group.key != *key);
            above.filter(|group| !self.folded.has(&group.key)).map(|group| group.hosts.len()).sum()
        })
    }

    /// The address at which none is left out.
    pub(crate) fn all(self) -> String {
        self.address.asking("")
    }

    /// What is asked for, as a person wrote it.
    pub(crate) fn text(self) -> RwSignal<String> {
        self.address.text
    }

    /// Whether hosts are left out.
    pub(super) fn is_narrowed(self) -> bool {
        self.understood.with(|query| query.as_ref().is_none_or(|query| !query.is_empty()))
    }
}

/// The names of the hosts that fit a filter now; none where it cannot be understood.
pub(crate) fn names_fitting(live: Live, filter: &str) -> BTreeSet<String> {
    let Ok(query) = filter.parse::<Query>() else { return BTreeSet::new() };
    let majority = Memo::new(move |_| majority(live));
    let rows = untrack(|| chosen(live, &query, Sort::Name, majority));
    rows.into_iter().map(|row| row.name).collect()
}

/// The hosts of some of the groups; news only where others come or the order changes.
fn rows_of(
    groups: Memo<Vec<Group<Row>>>,
    wanted: impl Fn(&GroupKey) -> bool + Send + Sync + 'static,
) -> Memo<Vec<Row>> {
    Memo::new_with_compare(
        move |_| {
            groups.with(|groups| {
                let wanted = groups.iter().filter(|group| wanted(&group.key));
                wanted.flat_map(|group| group.hosts.iter().cloned()).collect::<Vec<_>>()
            })
        },
        are_others,
    )
}

/// Whether others have come, or the order has changed.
pub(super) fn are_others(old: Option<&Vec<Row>>, new: Option<&Vec<Row>>) -> bool {
    old.map(|rows| ids(rows)) != new.map(|rows| ids(rows))
}

fn order(groups: &[Group<Row>]) -> Vec<(&GroupKey, Vec<HostId>)> {
    groups.iter().map(|group| (&group.key, ids(&group.hosts))).collect()
}

fn ids(rows: &[Row]) -> Vec<HostId> {
    rows.iter().map(|row| row.id).collect()
}

/// What most of the fleet runs.
fn majority(live: Live) -> Option<Majority> {
    let mut tally = Tally::default();
    live.each_host(|host| {
        if let Some(generation) = &host.generation {
            tally.add(generation);
        }
    });
    tally.majority()
}

/// The hosts that are wanted, in order.
fn chosen(live: Live, query: &Query, sort: Sort, majority: Memo<Option<Majority>>) -> Vec<Row> {
    let mut rows = live.rows().get();
    if !query.is_empty() {
        let majority = if query.asks_for_drift() { majority.get() } else { None };
        live.changes().track();
        rows.retain(|row| row.host.with_untracked(|host| query.wants(host, majority.as_ref())));
    }
    if sort != Sort::Name {
        live.changes().track();
        let compare = |one: &Row, other: &Row| {
            one.host.with_untracked(|one| other.host.with_untracked(|other| sort.compare(one, other)))
        };
        rows.sort_by(compare);
    }
    rows
}

fn in_groups(live: Live, rows: Vec<Row>, by: GroupBy) -> Vec<Group<Row>> {
    if by != GroupBy::Nothing {
        live.changes().track();
    }
    grouped(rows, |row| match by {
        // Without a look at the host: nothing that happens to it changes where it stands.
        GroupBy::Nothing => GroupKey::All,
        by => row.host.with_untracked(|host| by.of(host)),
    })
}
