//! Hosts counted by status.

use backstay_model::HostView;

use super::status::HostStatus;

/// The number of hosts, in all and by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    all: usize,
    by_status: [usize; HostStatus::ALL.len()],
}

impl Counts {
    /// Counts a host.
    pub(crate) fn add(&mut self, host: &HostView) {
        self.all += 1;
        let status = HostStatus::of(host);
        for (place, _) in HostStatus::ALL.iter().enumerate().filter(|(_, other)| **other == status) {
            self.by_status[place] += 1;
        }
    }

    /// Number of hosts.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// Number of hosts with this status.
    pub(crate) fn of(&self, status: HostStatus) -> usize {
        let place = HostStatus::ALL.iter().position(|other| *other == status);
        place.map_or(0, |place| self.by_status[place])
    }

    /// Number of hosts that need attention.
    pub(crate) fn need_attention(&self) -> usize {
        self.all - self.of(HostStatus::Fine)
    }

    /// “12 hosts”, for groups by status.
    pub(crate) fn number(&self) -> String {
        if self.all == 1 { "1 host".to_owned() } else { format!("{} hosts", self.all) }
    }

    /// “12 hosts: 1 failed, 11 fine”, for a picture of them.
    pub(crate) fn by_status_in_words(&self) -> String {
        let words = |status: &HostStatus| format!("{} {}", self.of(*status), status.title().to_lowercase());
        let there: Vec<_> = HostStatus::ALL.iter().filter(|it| self.of(**it) > 0).map(words).collect();
        format!("{}: {}", self.number(), there.join(", "))
    }

    /// “12 hosts, 3 need attention”, “12 hosts, all fine”.
    pub(crate) fn words(&self) -> String {
        match (self.all, self.need_attention()) {
            (1, 0) => "1 host, fine".to_owned(),
            (1, _) => "1 host, needs attention".to_owned(),
            (all, 0) => format!("{all} hosts, all fine"),
            (all, 1) => format!("{all} hosts, 1 needs attention"),
            (all, need_attention) => format!("{all} hosts, {need_attention} need attention"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_model::sample::host;

    #[test]
    fn each_host_counts_once() {
        let mut counts = Counts::default();
        for host in [host("gpc0"), HostView { online: false, ..host("web-1") }, host("web-2")] {
            counts.add(&host);
        }
        assert_eq!((counts.all(), counts.of(HostStatus::Offline), counts.of(HostStatus::Fine)), (3, 1, 2));
        assert_eq!(counts.words(), "3 hosts, 1 needs attention");
        assert_eq!(counts.by_status_in_words(), "3 hosts: 1 offline, 2 fine");
    }

    #[test]
    fn words_fit_their_number() {
        let mut counts = Counts::default();
        counts.add(&host("gpc0"));
        assert_eq!((counts.words().as_str(), counts.number().as_str()), ("1 host, fine", "1 host"));
        counts.add(&host("gpc1"));
        assert_eq!((counts.words().as_str(), counts.number().as_str()), ("2 hosts, all fine", "2 hosts"));
        let mut offline = Counts::default();
        offline.add(&HostView { online: false, ..host("web-1") });
        assert_eq!(offline.words(), "1 host, needs attention");
    }
}
