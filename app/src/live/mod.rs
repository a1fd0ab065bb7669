//! What keeps an open page true: a store with one signal for each host, fed by the event stream.

mod gather;
mod reload;
mod shared;
mod started;
mod store;
mod stream;

pub(crate) use started::Started;
pub use store::{Connection, Live, Row, ShownNotice};
pub(crate) use stream::follow;
