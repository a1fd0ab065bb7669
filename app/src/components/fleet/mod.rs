//! The hosts of the fleet page: which are shown, and how.

mod address;
mod chunk;
mod filter;
mod group;
mod on_page;
mod row;
mod shown_hosts;
mod summary;
mod table;
mod view;
mod window;

pub(crate) use address::asking;
pub(crate) use filter::FleetFilter;
pub use row::HostRow;
pub(crate) use shown_hosts::{ShownHosts, names_fitting};
pub use summary::Summary;
pub(crate) use table::FleetTable;
pub(crate) use view::ViewMenu;
