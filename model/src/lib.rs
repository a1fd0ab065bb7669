//! The domain of Backstay: plain data and pure functions that the server, the agents and the pages share. No
//! I/O, so that it builds for the server, for every host and for the browser.
//!
//! * Hosts: [`Generation`], [`Facts`], [`TestRun`], and the five [`lights`] computed from them.
//! * Ops: [`OpAction`], an op's life ([`OpStatus`]) and result ([`Outcome`]), and the choice
//!   of a [`rollback`] target.
//! * Changes of a fleet: [`deployment`]s of pull requests and [`rollout`]s.
//! * The wire format: [`wire`].

mod clock;
pub mod closure_diff;
pub mod comparison;
pub mod deployment;
mod facts;
pub mod flake_lock;
mod generation;
mod generation_pin;
pub mod git;
mod host;
mod host_name;
mod id;
mod labels;
pub mod lights;
mod op;
pub mod people;
mod person_view;
pub mod pull_request;
pub mod rollback;
pub mod rollout;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod test_history;
pub mod test_run;
mod test_timeout;
pub mod timeline;
mod trouble;
mod version;
pub mod view;
pub mod wire;

pub use clock::{Clock, FixedClock, SystemClock};
pub use facts::{Checkout, DesiredState, Facts, LocalState, NoCheckout, TestsFolder, same_files};
pub use generation::{Commit, Generation, GenerationRef, SameCommit};
pub use generation_pin::{GenerationPin, PIN_NOTE_CHARS, parse_pin_note};
pub use host::{HostView, Platform, ROW_NOTE_BYTES};
pub use host_name::cmp_host_names;
pub use id::{DeploymentId, HostId, IdError, InvitationId, OpId, RolloutId, SessionId};
pub use labels::{LabelError, Labels, NOTES_CHARS, folded_tag, parse_notes, parse_tags};
pub use lights::{Light, Lights, State};
pub use op::{
    AUTO_TEST, CancelRequest, IllegalTransition, OpAction, OpKind, OpStatus, OpView, Outcome, OutputLine,
    Phase, Stream,
};
pub use people::{Action, Grant, HostTraits, NotAllowed, Person, Role};
pub use person_view::{Column, Density, PersonView};
pub use test_run::{TestResult, TestRun, TestSummary};
pub use test_timeout::{MAX_TEST_TIMEOUT_SECS, TestTimeout, TestTimeoutError};
pub use trouble::Trouble;
pub use version::PROTOCOL_VERSION;
