//! Which hosts the fleet page shows, in which order and groups, and what is to be said of each: pure functions of what
//! is known of the hosts.

mod counts;
mod drift;
mod group;
mod lights;
mod query;
#[cfg(test)]
mod sample;
mod sort;
mod status;

pub(crate) use counts::Counts;
pub(crate) use drift::{Majority, Tally};
pub(crate) use group::{Group, GroupBy, GroupKey, grouped};
pub(crate) use lights::{light_of, worst_of};
pub(crate) use query::{Query, QueryError};
pub(crate) use sort::Sort;
pub(crate) use status::HostStatus;
