//! A group of hosts in the table of the fleet page.

use std::collections::BTreeSet;

use backstay_model::Column;
use leptos::prelude::*;

use super::chunk::Chunk;
use super::shown_hosts::{ShownHosts, are_others};
use super::window::{Window, chunks};
use crate::browser;
use crate::components::{FormAction, Icon, SelectGroup};
use crate::fleet::{Counts, GroupKey, HostStatus};
use crate::live::{Live, Row};

/// The hosts of one group, with a heading that summarises them. Ungrouped hosts have no heading.
#[component]
pub(super) fn FleetGroup(
    /// The shown hosts.
    shown: ShownHosts,
    /// The group.
    key: GroupKey,
    /// The rows that are on the page.
    window: Window,
    /// The action of the hosts' menus.
    action: FormAction,
    /// The action that cancels their ops.
    cancel: FormAction,
) -> impl IntoView {
    let rows = shown.group(key.clone());
    let folded = {
        let key = key.clone();
        Memo::new(move |_| shown.folded.has(&key))
    };
    let seen = Memo::new_with_compare(move |_| if folded.get() { vec![] } else { rows.get() }, are_others);
    let before = {
        let key = key.clone();
        Memo::new(move |_| shown.seen_before(&key))
    };
    let places = move || 0..chunks(seen.with(Vec::len));
    let word = key.word();
    let chunk = move |place: usize| {
        let head = (place == 0 && key != GroupKey::All)
            .then(|| view! { <GroupHead shown key=key.clone() rows folded/> }.into_any());
        view! { <Chunk window rows=seen before place word=word.clone() head action cancel/> }
    };
    view! { <For each=places key=|place| *place children=chunk/> }
}

/// The name of a group, a summary of its hosts, and the button that folds it.
#[component]
fn GroupHead(shown: ShownHosts, key: GroupKey, rows: Memo<Vec<Row>>, folded: Memo<bool>) -> impl IntoView {
    let live = expect_context::<Live>();
    let counts = Memo::new(move |_| {
        let mut counts = Counts::default();
        live.changes().track();
        rows.with(|rows| rows.iter().for_each(|row| row.host.with_untracked(|host| counts.add(host))));
        counts
    });
    // The checkbox of a host, its name and its menu are always shown.
    let width = move || (Column::ALL.len() - shown.hidden.with(BTreeSet::len) + 3).to_string();
    // A group by status needs no counts by status.
    let by_status = matches!(key, GroupKey::Status(_));
    let words = move || counts.with(|counts| if by_status { counts.number() } else { counts.words() });
    let badges = (!by_status).then(|| {
        [HostStatus::Failed, HostStatus::Due, HostStatus::Offline]
            .map(|status| view! { <HowMany counts status/> })
    });
    let (title, body) = (key.title(), format!("group-{}", key.word()));
    view! {
        <tr class="group-head">
            <th scope="rowgroup" colspan=width>
                <SelectGroup rows title=title.clone()/>
                <button
                    type="button"
                    class="quiet fold alive"
                    aria-expanded=move || (!folded.get()).to_string()
                    aria-controls=body
                    aria-label=format!("Hosts of {title}")
                    on:click=move |_| shown.folded.toggle(&key)
                >
                    <Icon name=Signal::derive(move || if folded.get() { "fold" } else { "down" })/>
                </button>
                <span class="group-name">{title}</span>
                <span class="group-says">{words}</span>
                {badges}
            </th>
        </tr>
    }
}

/// Number of a group's hosts with a status, if there are any.
#[component]
fn HowMany(counts: Memo<Counts>, status: HostStatus) -> impl IntoView {
    let many = Memo::new(move |_| counts.with(|counts| counts.of(status)));
    move || {
        (many.get() > 0).then(|| {
            view! {
                <span class="group-count" data-standing=status.as_str() title=status.meaning()>
                    <Icon name=status.icon()/>
                    {move || format!("{} {}", many.get(), status.title().to_lowercase())}
                </span>
            }
        })
    }
}

/// Key under which the browser remembers the folded groups until the tab is closed.
const FOLDED: &str = "backstay.folded";

/// The folded groups. The server folds none: without script, nothing could unfold them.
#[derive(Clone, Copy)]
pub(crate) struct FoldedGroups {
    groups: RwSignal<BTreeSet<String>>,
}

impl FoldedGroups {
    /// The groups that this tab remembers as folded.
    pub(super) fn remembered() -> Self {
        let groups = RwSignal::new(BTreeSet::new());
        Effect::new(move |_| {
            let known = browser::session_value(FOLDED).unwrap_or_default();
            let known: BTreeSet<_> =
                known.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if !known.is_empty() {
                groups.set(known);
            }
        });
        Self { groups }
    }

    /// Returns whether a group is folded.
    pub(super) fn has(self, key: &GroupKey) -> bool {
        *key != GroupKey::All && self.groups.with(|groups| groups.contains(&key.word()))
    }

    /// Folds a group, or unfolds it.
    pub(super) fn toggle(self, key: &GroupKey) {
        let word = key.word();
        self.groups.update(|groups| {
            if !groups.remove(&word) {
                groups.insert(word);
            }
        });
        let words = self.groups.with_untracked(|groups| groups.iter().cloned().collect::<Vec<_>>().join(" "));
        browser::set_session_value(FOLDED, &words);
    }
}
