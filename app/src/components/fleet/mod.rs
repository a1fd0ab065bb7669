//! The hosts of the fleet page: which are shown, and how.

mod address;
mod answer;
mod chunk;
mod filter;
mod group;
mod hints;
mod on_page;
mod row;
mod shown_hosts;
mod spread;
mod summary;
mod table;
mod view;
mod window;

pub(crate) use address::asking;
pub(crate) use answer::{BrokenHosts, FleetAnswer, Listed, fleet_answer};
pub(crate) use filter::FleetFilter;
pub(crate) use hints::dismiss_hints_on_escape;
pub use row::HostRow;
pub(crate) use shown_hosts::{ShownHosts, names_fitting};
pub(crate) use spread::Spread;
pub use summary::Summary;
pub(crate) use table::FleetTable;
pub(crate) use view::{SAVE_VIEW, ViewMenu};
