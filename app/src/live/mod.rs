//! Keeps an open page current: a store with one signal per host, fed by the event stream.

mod gather;
mod reload;
mod shared;
mod started;
mod status;
mod store;
mod stream;
mod toasts;

pub(crate) use started::Started;
pub(crate) use status::{FleetStatus, tab_title};
pub use store::{Connection, Live, Row};
pub(crate) use stream::follow;
pub use toasts::ShownNotice;
