//! Groups of hosts that are folded.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::browser;
use crate::fleet::GroupKey;

/// Where the browser remembers it, for as long as the tab is open.
const FOLDED: &str = "backstay.folded";

/// Which groups are folded. On the server none is: without script nothing could unfold them.
#[derive(Clone, Copy)]
pub(crate) struct Folded {
    groups: RwSignal<BTreeSet<String>>,
}

impl Folded {
    /// As this tab remembers.
    pub(super) fn remembered() -> Self {
        let groups = RwSignal::new(BTreeSet::new());
        Effect::new(move |_| {
            let known = browser::remembered_for_visit(FOLDED).unwrap_or_default();
            let known: BTreeSet<_> =
                known.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if !known.is_empty() {
                groups.set(known);
            }
        });
        Self { groups }
    }

    /// Whether a group is folded.
    pub(super) fn has(self, key: &GroupKey) -> bool {
        *key != GroupKey::All && self.groups.with(|groups| groups.contains(&key.word()))
    }

    /// Folds a group, or unfolds it.
    pub(super) fn turn(self, key: &GroupKey) {
        let word = key.word();
        self.groups.update(|groups| {
            if !groups.remove(&word) {
                groups.insert(word);
            }
        });
        let words = self.groups.with_untracked(|groups| groups.iter().cloned().collect::<Vec<_>>().join(" "));
        browser::remember_for_visit(FOLDED, &words);
    }
}
