//! The selection of hosts on the fleet page, and the actions on it.

mod address;
mod bar;
mod boxes;
mod chosen;
mod keys;

use std::collections::BTreeSet;

use backstay_model::{HostId, RolloutId};
use leptos::prelude::*;

use crate::live::{Live, Row};

pub(crate) use address::{
    HostScope, fitting as address_of_fitting, named as address_of, selected as address_of_selected,
};
pub(crate) use bar::BulkBar;
pub(crate) use boxes::{SelectAll, SelectGroup, SelectHost};
use chosen::{Chosen, Marks};

/// The identifier of the form of the hosts' checkboxes.
const FORM: &str = "bulk";

/// The selected hosts. A host stays selected through all changes of filter and order, until it leaves the
/// fleet or the person starts a roll-out on it. Written only in browsers.
#[derive(Clone, Copy)]
pub(crate) struct Selection {
    rows: RwSignal<Vec<Row>>,
    chosen: RwSignal<Chosen>,
}

impl Selection {
    /// Provides the selection of a page.
    pub(crate) fn provide(live: Live) {
        let selection = Self { rows: live.rows(), chosen: RwSignal::new(Chosen::default()) };
        provide_context(selection);
        Effect::new(move |_| {
            let known: BTreeSet<HostId> = live.rows().with(|rows| rows.iter().map(|row| row.id).collect());
            selection.forget(|host| !known.contains(&host));
        });
        Effect::new(move |before: Option<Option<RolloutId>>| {
            let newest = live.rollout().with(|rollout| rollout.as_ref().map(|rollout| rollout.id));
            if before.is_some_and(|before| before != newest) {
                selection.forget_started(live);
            }
            newest
        });
    }

    /// Deselects the hosts of a roll-out that the person has just started.
    fn forget_started(self, live: Live) {
        let person = live.person().map(|person| person.name);
        let started: BTreeSet<HostId> = live.rollout().with_untracked(|rollout| {
            let own = rollout.as_ref().filter(|rollout| Some(&rollout.requested_by) == person.as_ref());
            own.into_iter().flat_map(|rollout| &rollout.hosts).map(|host| host.host).collect()
        });
        self.forget(|host| started.contains(&host));
    }

    fn forget(self, is_gone: impl Fn(HostId) -> bool) {
        self.chosen.maybe_update(|chosen| chosen.keep(|host| !is_gone(host)));
    }

    /// The names of the selected hosts, in the order of the fleet.
    pub(crate) fn names(self) -> Vec<String> {
        let selected = |rows: &Vec<Row>, chosen: &Chosen| {
            rows.iter().filter(|row| chosen.has(row.id)).map(|row| row.name.clone()).collect()
        };
        self.rows.with(|rows| self.chosen.with(|chosen| selected(rows, chosen)))
    }

    /// The address of a dialog about the selected hosts.
    pub(crate) fn address(self, path: &str) -> String {
        address_of_selected(path, self.names().iter().map(String::as_str))
    }

    /// Number of selected hosts.
    pub(crate) fn count(self) -> usize {
        self.chosen.with(Chosen::len)
    }

    /// Clears the selection.
    pub(crate) fn clear(self) {
        self.chosen.update(Chosen::clear);
    }
}

/// The selection on the fleet page; ranges follow the page's order.
#[derive(Clone, Copy)]
pub(crate) struct Selecting {
    selection: Selection,
    /// The shown hosts, in order.
    rows: Memo<Vec<Row>>,
    shown: Memo<Vec<HostId>>,
    /// The host that a person is moving to by keyboard: its row may not be on the page yet.
    wanted: RwSignal<Option<HostId>>,
}

impl Selecting {
    /// Provides the selection to the fleet page, which shows these hosts.
    pub(crate) fn provide(rows: Memo<Vec<Row>>) {
        let selection = expect_context::<Selection>();
        let shown = Memo::new(move |_| rows.with(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>()));
        // Computed before the rows read it.
        shown.with_untracked(|_| ());
        provide_context(Self { selection, rows, shown, wanted: RwSignal::new(None) });
    }

    fn chosen(self) -> RwSignal<Chosen> {
        self.selection.chosen
    }

    /// The host that a person is moving to by keyboard.
    pub(crate) fn wanted(self) -> RwSignal<Option<HostId>> {
        self.wanted
    }

    /// Selects or deselects a host, or the range that ends at it.
    fn turn(self, host: HostId, on: bool, range: bool) {
        self.shown.with_untracked(|shown| {
            self.chosen().update(
                |chosen| {
                    if range { chosen.reach(shown, host, on) } else { chosen.turn(host, on) }
                },
            );
        });
    }

    fn turn_all(self, hosts: &[HostId], on: bool) {
        self.chosen().update(|chosen| chosen.turn_all(hosts, on));
    }

    fn turn_all_shown(self, on: bool) {
        self.shown.with_untracked(|shown| self.turn_all(shown, on));
    }

    /// How many of these are selected.
    fn marks(self, hosts: &[HostId]) -> Marks {
        self.chosen().with(|chosen| chosen.marks(hosts))
    }

    fn marks_of_shown(self) -> Marks {
        self.shown.with(|shown| self.marks(shown))
    }

    /// Number of selected hosts, and how many of them are not shown.
    fn counts(self) -> (usize, usize) {
        self.shown.with(|shown| self.chosen().with(|chosen| (chosen.len(), chosen.not_shown(shown))))
    }
}

/// “3 selected, 1 not shown”.
fn count_words((selected, not_shown): (usize, usize)) -> String {
    match not_shown {
        0 => format!("{selected} selected"),
        hidden => format!("{selected} selected, {hidden} not shown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_includes_how_many_are_not_shown() {
        assert_eq!(count_words((3, 0)), "3 selected");
        assert_eq!(count_words((3, 1)), "3 selected, 1 not shown");
    }
}
