//! The audit log.

use backstay_protocol::view::AuditPage;
use leptos::prelude::*;

use crate::ApiError;

/// Reads a page of the audit log: the newest entries, or those before the one given.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "audit")]
pub async fn audit(
    /// Only entries before this one.
    before: Option<u64>,
) -> Result<AuditPage, ApiError> {
    use crate::session;

    session::person().await?;
    session::fleet()?.audit(before).await.map_err(session::database)
}
