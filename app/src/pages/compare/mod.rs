//! The pages that compare two generations of a host, or what two hosts run. The server alone writes them.

mod changes;
mod generations;
mod hosts;

pub(crate) use changes::{changes, in_one_line};
pub(crate) use generations::generations;
pub(crate) use hosts::{hosts, other_hosts};
