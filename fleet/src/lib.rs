//! Backstay's backend as a library: no HTML, no routes.
//!
//! To see how a rollback happens, read four modules:
//!
//! * [`ops::policy`] defines each kind of op once: its role, its precondition, its time limit, and when it has succeeded;
//! * [`ops`] accepts a request, records it in the [`store`], sends it to the agent, and closes it from fresh facts;
//! * [`agents`] authenticates hosts and handles their messages, and [`hub`] knows which are connected;
//! * [`events`] reach every open page.
//!
//! To see how a pull request reaches the hosts, read three more: [`github`] is the client, `watch` polls it and records what
//! changed, and [`deployments`] merges, tracks and reverts.
//!
//! Who logs in with a password, see [`accounts`]; through an OpenID Connect provider, [`sso`].
//!
//! [`Fleet`] ties them together and is all that the server and the pages use. `state` holds what it keeps in memory, and
//! `background` runs what happens without a request.

pub mod accounts;
pub mod agents;
mod background;
pub mod compare;
pub mod deployments;
pub mod desired;
mod distinct;
mod fleet;
pub mod github;
mod host_settings;
mod identities;
pub mod ops;
mod pins;
mod publish;
pub mod refusal;
mod retention;
pub mod rollouts;
pub mod saved_views;
mod sealing_key;
pub mod secret;
pub mod sso;
mod state;
pub mod store;
#[cfg(test)]
mod test_fleet;
#[cfg(test)]
mod test_postgres;
mod views;
mod watch;

pub use background::Schedule;
pub use fleet::{Fleet, FleetConfig};
pub use retention::{Measured, Retention, Storage};
pub use state::{budget, events, hub};
