//! The set of selected hosts: how clicks, ranges and changes of the fleet affect it.

use std::collections::BTreeSet;

use backstay_model::HostId;

/// The selected hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    hosts: BTreeSet<HostId>,
    /// The host that was toggled last: the start of a range.
    anchor: Option<HostId>,
}

/// How many of the shown hosts are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    None,
    Some,
    All,
}

impl Chosen {
    pub(crate) fn has(&self, host: HostId) -> bool {
        self.hosts.contains(&host)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Number of selected hosts that are not shown.
    pub(crate) fn not_shown(&self, shown: &[HostId]) -> usize {
        self.hosts.len() - shown.iter().filter(|host| self.has(**host)).count()
    }

    pub(crate) fn marks(&self, shown: &[HostId]) -> Marks {
        match shown.iter().filter(|host| self.has(**host)).count() {
            0 => Marks::None,
            some if some == shown.len() => Marks::All,
            _ => Marks::Some,
        }
    }

    /// Selects or deselects one host.
    pub(crate) fn turn(&mut self, host: HostId, on: bool) {
        self.set(host, on);
        self.anchor = Some(host);
    }

    /// Selects or deselects the range from the last toggled host to this one, in the shown order. If the last
    /// one is no longer shown, only this host.
    pub(crate) fn reach(&mut self, shown: &[HostId], host: HostId, on: bool) {
        let range = self.anchor.map(|anchor| range(shown, anchor, host)).unwrap_or_default();
        for between in range {
            self.set(*between, on);
        }
        self.turn(host, on);
    }

    /// Selects or deselects these hosts; others stay as they are.
    pub(crate) fn turn_all(&mut self, hosts: &[HostId], on: bool) {
        for host in hosts {
            self.set(*host, on);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Drops the hosts for which `is_kept` is false; returns whether there were any.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(HostId) -> bool) -> bool {
        let before = self.hosts.len();
        self.hosts.retain(|host| is_kept(*host));
        self.anchor = self.anchor.filter(|host| is_kept(*host));
        self.hosts.len() < before
    }

    fn set(&mut self, host: HostId, on: bool) {
        if on {
            self.hosts.insert(host);
        } else {
            self.hosts.remove(&host);
        }
    }
}

/// The hosts from one to another, in either order; empty if one of them is not shown.
fn range(shown: &[HostId], one: HostId, other: HostId) -> &[HostId] {
    let place = |host| shown.iter().position(|shown| *shown == host);
    match (place(one), place(other)) {
        (Some(one), Some(other)) => &shown[one.min(other)..=one.max(other)],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn hosts(count: usize) -> Vec<HostId> {
        (0..count).map(|_| HostId::new()).collect()
    }

    #[test]
    fn a_range_starts_at_the_last_toggled_host() {
        let shown = hosts(6);
        let mut chosen = Chosen::default();
        chosen.reach(&shown, shown[4], true);
        assert_eq!(chosen.len(), 1, "no host was toggled before");
        chosen.reach(&shown, shown[2], true);
        assert_eq!((chosen.len(), chosen.marks(&shown)), (3, Marks::Some));
        chosen.reach(&shown, shown[3], false);
        assert!(!chosen.has(shown[2]) && !chosen.has(shown[3]) && chosen.has(shown[4]));
        chosen.turn_all(&shown, true);
        assert_eq!(chosen.marks(&shown), Marks::All);
        chosen.clear();
        assert!(chosen.is_empty() && chosen.marks(&shown) == Marks::None);
    }

    #[test]
    fn hidden_hosts_stay_selected_and_are_counted() {
        let all = hosts(3);
        let mut chosen = Chosen::default();
        chosen.turn_all(&all, true);
        assert_eq!((chosen.not_shown(&all), chosen.not_shown(&all[..2])), (0, 1));
        chosen.turn_all(&all[..2], false);
        assert_eq!((chosen.len(), chosen.not_shown(&all[..2])), (1, 1));
        chosen.turn(all[2], true);
        chosen.reach(&all[..2], all[0], true);
        assert_eq!(chosen.len(), 2, "no range starts at a hidden host");
    }

    #[test]
    fn hosts_that_leave_are_forgotten() {
        let all = hosts(3);
        let mut chosen = Chosen::default();
        chosen.turn_all(&all, true);
        assert!(chosen.keep(|host| host != all[1]));
        assert!(!chosen.keep(|host| host != all[1]));
        assert_eq!(chosen.len(), 2);
    }

    #[test]
    fn no_shown_hosts_means_no_marks() {
        assert_eq!(Chosen::default().marks(&[]), Marks::None);
    }

    proptest! {
        #[test]
        fn a_range_is_everything_between_in_either_order(count in 1_usize..40, one: Index, other: Index) {
            let shown = hosts(count);
            let (one, other) = (one.index(count), other.index(count));
            let found = range(&shown, shown[one], shown[other]);
            prop_assert_eq!(found, range(&shown, shown[other], shown[one]));
            prop_assert_eq!(found.len(), one.abs_diff(other) + 1);
            prop_assert_eq!(found, &shown[one.min(other)..][..found.len()]);
            prop_assert!(range(&shown, shown[one], HostId::new()).is_empty());
        }

        #[test]
        fn a_range_changes_what_is_between_and_nothing_else(
            count in 1_usize..40, before: Vec<Index>, one: Index, other: Index, on: bool,
        ) {
            let shown = hosts(count);
            let mut chosen = Chosen::default();
            for host in &before {
                chosen.turn(shown[host.index(count)], true);
            }
            let (one, other) = (one.index(count), other.index(count));
            chosen.turn(shown[one], on);
            let was = chosen.clone();
            chosen.reach(&shown, shown[other], on);
            for (place, host) in shown.iter().enumerate() {
                let is_between = (one.min(other)..=one.max(other)).contains(&place);
                prop_assert_eq!(chosen.has(*host), if is_between { on } else { was.has(*host) });
            }
        }
    }
}
