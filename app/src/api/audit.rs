//! The audit log.

use backstay_model::view::{AuditPage, AuditQuery};
use leptos::prelude::*;

use crate::ApiError;

/// Reads a page of the audit log: the newest entries that are wanted.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "audit", input = server_fn::codec::Json)]
pub async fn audit(
    /// Which entries.
    query: AuditQuery,
) -> Result<AuditPage, ApiError> {
    use crate::session;

    session::person().await?;
    session::fleet()?.audit(&query).await.map_err(session::database)
}
