//! The hosts of the fleet page: which are shown, and how.

mod address;
mod chunk;
mod drift;
mod filter;
mod fold;
mod group;
mod old;
mod on_page;
mod row;
mod shown;
mod summary;
mod table;
mod view;
mod window;

pub(crate) use filter::FleetFilter;
pub(crate) use old::OldNews;
pub use row::HostRow;
pub(crate) use shown::{Shown, names_fitting};
pub use summary::Summary;
pub(crate) use table::FleetTable;
pub(crate) use view::ViewMenu;
