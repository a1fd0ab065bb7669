//! A picture of the whole fleet: one cell per host.

use std::fmt::Write;

use super::status::HostStatus;

/// Number of cells in a row, if there are that many hosts.
const ACROSS: usize = 125;

/// The cells of each status, for a drawing in which a cell is one unit wide and high.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strip {
    hosts: usize,
    paths: [String; HostStatus::ALL.len()],
}

impl Strip {
    /// Draws a strip of these hosts.
    pub(crate) fn of(hosts: &[HostStatus]) -> Self {
        let mut strip = Self { hosts: hosts.len(), ..Self::default() };
        for (place, status) in hosts.iter().enumerate() {
            let (x, y) = (place % ACROSS, place / ACROSS);
            let path = &mut strip.paths[*status as usize];
            // Writing to a string does not fail.
            let _ = write!(path, "M{x} {y}h.8v.8h-.8z");
        }
        strip
    }

    /// Number of cells in its longest row, and number of rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.hosts.min(ACROSS), self.hosts.div_ceil(ACROSS))
    }

    /// The outline of all cells with this status.
    pub(crate) fn path(&self, status: HostStatus) -> String {
        self.paths[status as usize].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_a_cell_in_the_outline_of_its_status() {
        let strip = Strip::of(&[HostStatus::Fine, HostStatus::Failed, HostStatus::Fine]);
        assert_eq!(strip.path(HostStatus::Fine), "M0 0h.8v.8h-.8zM2 0h.8v.8h-.8z");
        assert_eq!(strip.path(HostStatus::Failed), "M1 0h.8v.8h-.8z");
        assert_eq!((strip.path(HostStatus::Due).as_str(), strip.size()), ("", (3, 1)));
    }

    #[test]
    fn many_hosts_take_several_rows() {
        let strip = Strip::of(&[HostStatus::Offline; 126]);
        assert_eq!(strip.size(), (125, 2));
        assert!(strip.path(HostStatus::Offline).ends_with("M0 1h.8v.8h-.8z"));
    }
}
