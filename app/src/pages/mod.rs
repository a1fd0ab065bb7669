//! The pages: one file or folder for each kind.

mod about;
#[cfg(feature = "ssr")]
pub(crate) mod account;
mod audit;
#[cfg(feature = "ssr")]
pub(crate) mod compare;
mod deployments;
mod dialogs;
mod fleet;
#[cfg(all(debug_assertions, feature = "ssr"))]
mod gallery;
mod host;
mod inside;
#[cfg(feature = "ssr")]
pub(crate) mod invitation;
mod log_in;
mod not_found;
mod notices;
mod op;
mod ops;
#[cfg(feature = "ssr")]
pub(crate) mod people;
#[cfg(feature = "ssr")]
pub(crate) mod pin;
mod rollout;
mod search;
#[cfg(feature = "ssr")]
pub(crate) mod second_factor;
#[cfg(feature = "ssr")]
mod sso;
mod written;

pub use about::AboutPage;
#[cfg(feature = "ssr")]
pub(crate) use about::storage;
pub use audit::AuditPage;
pub use deployments::{DeploymentPage, DeploymentsPage};
pub use dialogs::{
    AddHostDialog, MergeDialog, RevertDialog, RollbackDialog, RollbackFailedDialog, RollbackManyDialog,
    RolloutDialog,
};
pub use fleet::FleetPage;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub use gallery::gallery;
pub use host::HostPage;
#[cfg(feature = "ssr")]
pub(crate) use host::written as written_host;
pub use inside::Inside;
pub use log_in::LogInPage;
pub use not_found::NotFound;
pub use notices::NoticesPage;
pub use op::OpPage;
pub use ops::OpsPage;
pub use rollout::RolloutPage;
pub use written::ServerWrittenPage;
