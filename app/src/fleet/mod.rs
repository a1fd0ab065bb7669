//! Which hosts the fleet page shows, and in which order: pure functions of what is known of each host.

mod query;
mod sort;
mod standing;

pub(crate) use query::{Query, QueryError};
pub(crate) use sort::Sort;
pub(crate) use standing::Standing;
