//! Filtering, sorting, grouping and counting of hosts for the fleet page: pure functions of the hosts.

mod answer;
mod counts;
mod drift;
mod group;
mod lights;
mod query;
mod sort;
mod status;
mod strip;

pub(crate) use answer::{Answer, Broken};
pub(crate) use counts::Counts;
pub(crate) use drift::{Majority, Tally};
pub(crate) use group::{Group, GroupBy, GroupKey, grouped};
pub(crate) use lights::{light_of, worst_of};
pub(crate) use query::{Query, QueryError, completions};
pub(crate) use sort::Sort;
pub(crate) use status::HostStatus;
pub(crate) use strip::Strip;
