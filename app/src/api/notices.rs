//! What was told to everybody, and what this server is.

use backstay_model::view::About;
use backstay_model::wire::event::StoredNotice;
use leptos::prelude::*;

use crate::ApiError;

/// Reads the notices that are kept, the newest first.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_notices")]
pub async fn load_notices() -> Result<Vec<StoredNotice>, ApiError> {
    use crate::session;

    session::person().await?;
    Ok(session::fleet()?.notices())
}

/// Reads what this server is.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_about")]
pub async fn load_about() -> Result<About, ApiError> {
    use crate::session;

    session::person().await?;
    Ok(session::fleet()?.about())
}
