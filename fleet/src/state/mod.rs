//! The backend's state in memory. Nothing here knows [`Fleet`](crate::Fleet): its methods are the doors to this state.

pub(crate) mod audit_verifier;
pub mod budget;
pub(crate) mod comparisons;
pub mod events;
pub mod hub;
pub(crate) mod last_seen;
pub(crate) mod notices;
pub(crate) mod published_rows;
pub(crate) mod rollout_driver;
pub(crate) mod unpublished;
pub(crate) mod watch;
