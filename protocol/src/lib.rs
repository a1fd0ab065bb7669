//! The words that Backstay's server, its agents and its pages share.
//!
//! Everything here is plain data and pure functions: no I/O, so that it builds for the server, for every host and for
//! the browser. Three kinds of things live here:
//!
//! * what a host is: [`Generation`], [`Facts`], [`TestRun`], and the five lights computed from them ([`compartment`]);
//! * what is done to a host: [`OpAction`], its life ([`OpStatus`]), and the choice of a rollback target ([`rollback`]);
//! * how it travels: [`message`] between server and agent, [`event`] from server to browser.

mod clock;
pub mod closure_diff;
pub mod comparison;
pub mod compartment;
pub mod delivery;
pub mod deployment;
pub mod event;
mod facts;
pub mod flake_lock;
mod generation;
mod host;
mod id;
mod labels;
pub mod limits;
pub mod message;
mod op;
mod person_view;
pub mod pull_request;
pub mod rollback;
pub mod rollout;
#[cfg(test)]
mod sample;
pub mod test_history;
pub mod test_run;
mod test_timeout;
pub mod timeline;
pub mod view;

pub use clock::{Clock, FixedClock, SystemClock};
pub use compartment::{Compartments, Light, State};
pub use facts::{Checkout, DesiredState, Facts, TestsFolder, same_files};
pub use generation::{Commit, Generation, GenerationRef};
pub use host::{HostView, Platform};
pub use id::{DeploymentId, HostId, IdError, OpId, RolloutId};
pub use labels::{LabelError, Labels, NOTES_CHARS};
pub use op::{
    AUTO_TEST, CancelRequest, IllegalTransition, OpAction, OpKind, OpStatus, OpView, OutputLine, Phase,
    Stream,
};
pub use person_view::{Column, Density, PersonView};
pub use test_run::{TestResult, TestRun, TestSummary};
pub use test_timeout::{MAX_TEST_TIMEOUT_SECS, TestTimeout, TestTimeoutError};

/// The version of the agent protocol that this build speaks.
///
/// It is raised when a message changes so that the other side would misread it. Server and agent refuse to work with
/// another version and say so; see [`message::ServerMessage::Refused`].
pub const PROTOCOL_VERSION: u32 = 1;
