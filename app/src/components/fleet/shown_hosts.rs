//! The hosts that the fleet page shows.

use std::collections::BTreeSet;

use backstay_model::{Column, HostId, HostView, State};
use leptos::prelude::*;

use super::address::FleetAddress;
use super::group::FoldedGroups;
use crate::fleet::{Group, GroupBy, GroupKey, Majority, Query, QueryError, Sort, Tally, grouped};
use crate::live::{Live, Row};

/// The hosts that the fleet page shows, in groups and in order. [`Self::groups`] alone decides this; the
/// table, the selection and the counts all follow it.
#[derive(Clone, Copy)]
pub(crate) struct ShownHosts {
    /// The parameters of the page.
    pub(super) address: FleetAddress,
    pub(super) query: Memo<Result<Query, QueryError>>,
    /// The latest valid filter, so that the hosts stay while a person is typing. `None` if there was no valid
    /// one; in that case no host is shown, and no action applies to any.
    understood: Memo<Option<Query>>,
    /// What most of the fleet runs.
    pub(super) majority: Memo<Option<Majority>>,
    /// The columns that are not shown: those that the person hid, and Git and Lock if no host has anything to
    /// say there.
    pub(super) hidden: Memo<BTreeSet<Column>>,
    /// The groups from top to bottom, each with its hosts from top to bottom. Ungrouped hosts are one group.
    pub(crate) groups: Memo<Vec<Group<Row>>>,
    /// The folded groups.
    pub(super) folded: FoldedGroups,
    /// Every matching host from top to bottom, including folded groups.
    pub(crate) rows: Memo<Vec<Row>>,
    /// The visible hosts from top to bottom: those in groups that are not folded.
    pub(crate) visible: Memo<Vec<Row>>,
}

impl ShownHosts {
    /// Follows the address. Provides itself and the parameters as context.
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
        let hidden = Memo::new(move |_| hidden(live));
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
        let shown = Self { address, query, understood, majority, hidden, groups, folded, rows, visible };
        shown.precompute();
        provide_context(address);
        provide_context(shown);
        shown
    }

    /// Computes the memos that several parts of the page read, because concurrently rendered parts must not
    /// compute them at
    /// the same time.
    fn precompute(self) {
        self.majority.with_untracked(|_| ());
        self.hidden.with_untracked(|_| ());
        self.rows.with_untracked(|_| ());
        self.visible.with_untracked(|_| ());
    }

    /// The hosts of one group, from top to bottom.
    pub(super) fn group(self, key: GroupKey) -> Memo<Vec<Row>> {
        rows_of(self.groups, move |other| *other == key)
    }

    /// Number of visible hosts above a group.
    pub(super) fn seen_before(self, key: &GroupKey) -> usize {
        self.groups.with(|groups| {
            let above = groups.iter().take_while(|group| group.key != *key);
            above.filter(|group| !self.folded.has(&group.key)).map(|group| group.hosts.len()).sum()
        })
    }

    /// The address without a filter.
    pub(crate) fn all(self) -> String {
        self.address.asking("")
    }

    /// The filter as the person typed it.
    pub(crate) fn text(self) -> RwSignal<String> {
        self.address.text
    }

    /// Returns whether a filter is active.
    pub(super) fn is_narrowed(self) -> bool {
        self.understood.with(|query| query.as_ref().is_none_or(|query| !query.is_empty()))
    }
}

/// The names of the hosts that match a filter now; empty if it is invalid.
pub(crate) fn names_fitting(live: Live, filter: &str) -> BTreeSet<String> {
    let Ok(query) = filter.parse::<Query>() else { return BTreeSet::new() };
    let majority = Memo::new(move |_| majority(live));
    let rows = untrack(|| chosen(live, &query, Sort::Name, majority));
    rows.into_iter().map(|row| row.name).collect()
}

/// The hosts of some groups. Notifies only if the hosts or their order change.
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

/// Returns whether the hosts or their order differ.
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

/// The columns that are not shown.
fn hidden(live: Live) -> BTreeSet<Column> {
    let mut hidden = live.view().with(|view| view.hidden.clone());
    let mut silent = BTreeSet::from([Column::Git, Column::Lock]);
    live.each_host(|host| silent.retain(|column| is_silent(host, *column)));
    hidden.append(&mut silent);
    hidden
}

/// Returns whether a host has nothing to say in this column, as without a repository.
fn is_silent(host: &HostView, column: Column) -> bool {
    let light = if column == Column::Git { &host.lights.git } else { &host.lights.lock };
    light.state == State::Unknown
}

/// The matching hosts, in order.
fn chosen(live: Live, query: &Query, sort: Sort, majority: Memo<Option<Majority>>) -> Vec<Row> {
    let mut rows = live.rows().get();
    if !query.is_empty() {
        let majority = if query.depends_on_majority() { majority.get() } else { None };
        live.changes().track();
        rows.retain(|row| row.host.with_untracked(|host| query.matches(host, majority.as_ref())));
    }
    if sort != Sort::Name {
        live.changes().track();
        // By name already, and equal hosts keep their order.
        rows.sort_by_cached_key(|row| row.host.with_untracked(|host| sort.key(host)));
    }
    rows
}

fn in_groups(live: Live, rows: Vec<Row>, by: GroupBy) -> Vec<Group<Row>> {
    if by != GroupBy::Nothing {
        live.changes().track();
    }
    grouped(rows, |row| match by {
        // Does not read the host, because no change of it moves it to another group.
        GroupBy::Nothing => GroupKey::All,
        by => row.host.with_untracked(|host| by.of(host)),
    })
}

#[cfg(test)]
mod tests {
    use backstay_model::sample::host;

    use super::*;

    #[test]
    fn a_host_without_a_repository_is_silent_in_its_columns() {
        let mut host = host("gpc0");
        host.lights.git.state = State::Unknown;
        assert_eq!([Column::Git, Column::Lock].map(|column| is_silent(&host, column)), [true, false]);
    }
}
