//! One file, or folder, for each kind of page.

mod about;
mod add_host;
mod audit;
mod bulk_rollback;
mod deciding;
mod deployments;
mod fleet;
#[cfg(all(debug_assertions, feature = "ssr"))]
mod gallery;
mod host;
mod inside;
mod log_in;
mod not_found;
mod notices;
mod op;
mod ops;
mod rollback;
mod rollout;

pub use about::AboutPage;
pub use add_host::AddHostPage;
pub use audit::AuditPage;
pub use bulk_rollback::BulkRollbackPage;
pub use deciding::{MergePage, RevertPage, RollBackFailedPage};
pub use deployments::{DeploymentPage, DeploymentsPage};
pub use fleet::FleetPage;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub use gallery::gallery;
pub use host::HostPage;
pub use inside::Inside;
pub use log_in::LogInPage;
pub use not_found::NotFound;
pub use notices::NoticesPage;
pub use op::OpPage;
pub use ops::OpsPage;
pub use rollback::RollbackPage;
pub use rollout::RolloutPage;
