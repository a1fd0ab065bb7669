//! What the server keeps to be read: the audit log, the notices, and its own version.

use backstay_model::view::{About, AuditPage, AuditQuery};
use backstay_model::wire::event::StoredNotice;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

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

/// What the about page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutPageData {
    /// This server.
    pub about: About,
    /// What it keeps, as markup that the server wrote.
    pub storage: String,
}

/// Reads the version and the repository of this server, and what it keeps.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_about")]
pub async fn load_about() -> Result<AboutPageData, ApiError> {
    use crate::session;

    session::permitted::<LoadAbout>().await?;
    let fleet = session::fleet()?;
    Ok(AboutPageData { about: fleet.about(), storage: crate::pages::storage(&fleet.storage()) })
}
