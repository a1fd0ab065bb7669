//! Backstay's backend as a library: no HTML, no routes.
//!
//! A reader who wants to know how a rollback happens follows it through four modules:
//!
//! * [`ops::registry`] says once, for each op, who may ask, when it is refused, how long it may take and when it has
//!   succeeded;
//! * [`ops`] takes a request, records it in the [`store`], hands it to the agent and closes it from fresh facts;
//! * [`agents`] lets hosts in and deals with what they say, [`hub`] knows which are connected;
//! * [`events`] tells every open page.
//!
//! And how a pull request reaches the hosts through three more: [`github`] asks GitHub, `watch` does so again and again and
//! takes in what has changed, [`deployments`] merges, follows and reverts.
//!
//! [`Fleet`] ties them together and is all that the server and the pages see.

pub mod accounts;
pub mod agents;
pub mod budget;
pub mod comparisons;
pub mod deployments;
pub mod desired;
pub mod events;
mod fleet;
pub mod github;
mod hosts;
pub mod hub;
mod identities;
mod notices;
pub mod ops;
pub mod rollouts;
pub mod secret;
mod shown;
pub mod store;
mod untold;
mod views;
mod watch;

pub use fleet::{Fleet, FleetConfig};
