//! What every page starts from.

use backstay_protocol::view::{FleetSnapshot, Person};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// What every page starts from: who looks, and every host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Who is logged in.
    pub person: Person,
    /// Every host.
    pub snapshot: FleetSnapshot,
}

/// Reads what a page starts from, and again after it missed events.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "start_page")]
pub async fn start_page() -> Result<Start, ApiError> {
    use crate::session;

    let person = session::person().await?;
    let snapshot = session::fleet()?.snapshot().await.map_err(session::database)?;
    Ok(Start { person, snapshot })
}
