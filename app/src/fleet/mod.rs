//! Which hosts the fleet page shows, in which order and groups, and what is to be said of each: pure functions of what
//! is known of the hosts.

mod counts;
mod drift;
mod group;
mod query;
#[cfg(test)]
mod sample;
mod seen;
mod sort;
mod standing;

pub(crate) use counts::Counts;
pub(crate) use drift::{Majority, Tally};
pub(crate) use group::{Group, GroupBy, GroupKey, grouped};
pub(crate) use query::{Query, QueryError};
pub(crate) use seen::{light_of, worst_of};
pub(crate) use sort::Sort;
pub(crate) use standing::Standing;
