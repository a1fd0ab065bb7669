//! What the server keeps to be read: the audit log, the notices, and its own version.

use backstay_model::view::{About, AuditPage, AuditQuery};
use backstay_model::wire::event::StoredNotice;
use leptos::prelude::*;

use crate::ApiError;

/// Reads a page of the audit log: the newest matching entries.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "audit", input = server_fn::codec::Json)]
pub async fn audit(
    /// The filter.
    query: AuditQuery,
) -> Result<AuditPage, ApiError> {
    use crate::session;

    session::permitted::<Audit>().await?;
    session::fleet()?.audit(&query).await.map_err(session::database)
}

/// Reads the notices that are kept, newest first.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_notices")]
pub async fn load_notices() -> Result<Vec<StoredNotice>, ApiError> {
    use crate::session;

    session::permitted::<LoadNotices>().await?;
    Ok(session::fleet()?.notices())
}

/// Reads the version and the repository of this server.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_about")]
pub async fn load_about() -> Result<About, ApiError> {
    use crate::session;

    session::permitted::<LoadAbout>().await?;
    Ok(session::fleet()?.about())
}
