//! Backstay's backend as a library: no HTML, no routes.
//!
//! A reader who wants to know how a rollback happens follows it through four modules:
//!
//! * [`ops::registry`] says once, for each op, who may ask, when it is refused, how long it may take and when it has
//!   succeeded;
//! * [`ops::engine`] takes a request, records it in the [`store`], hands it to the agent and closes it from fresh facts;
//! * [`hub`] knows which agents are connected and speaks with them;
//! * [`events`] tells every open page.
//!
//! [`Fleet`] ties them together and is all that the server and the pages see.

pub mod accounts;
pub mod events;
mod fleet;
pub mod hub;
pub mod ops;
pub mod secret;
pub mod store;
mod views;

pub use fleet::{Fleet, FleetConfig};
