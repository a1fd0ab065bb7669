//! What every page starts from, and how the fleet page is to look.

use backstay_model::Person;
use backstay_model::PersonView;
use backstay_model::view::FleetSnapshot;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// What every page starts from: who looks and how, and every host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Who is logged in.
    pub person: Person,
    /// How that person wants the fleet page to look.
    pub view: PersonView,
    /// Where this server is.
    pub address: Address,
    /// Every host.
    pub snapshot: FleetSnapshot,
}

/// Where a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The origin, such as `https://backstay.example.org`.
    pub origin: String,
    /// Whether its configuration says so. Otherwise the origin is what the request was made to, which a proxy may have
    /// rewritten: the browser itself knows better, once it is alive.
    pub is_configured: bool,
}

/// Reads what a page starts from, and again after it missed events.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "start_page")]
pub async fn start_page() -> Result<Start, ApiError> {
    use crate::session;

    let person = session::person().await?;
    let fleet = session::fleet()?;
    let view = fleet.accounts().view(&person).await.map_err(session::database)?;
    let snapshot = fleet.snapshot().await.map_err(session::database)?;
    Ok(Start { person, view, address: session::server_address(), snapshot })
}

/// Remembers how the person wants the fleet page to look. What it does not know is passed over.
///
/// # Errors
/// [`ApiError`]; it is as before then.
#[server(endpoint = "set_view")]
pub async fn set_view(
    /// How much room a host takes.
    density: String,
    /// The columns that are shown; boxes that are not checked send nothing.
    #[server(default)]
    columns: Vec<String>,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::person().await?;
    let columns = columns.iter().filter_map(|column| column.parse().ok());
    let view = PersonView::showing(density.parse().unwrap_or_default(), columns);
    session::fleet()?.accounts().set_view(&person, &view).await.map_err(session::database)
}

/// Makes a token with which one host can join, once and within a day, and answers it: it is never shown again. For
/// administrators.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; no token was made then.
#[server(endpoint = "make_join_token")]
pub async fn make_join_token(
    /// The only name that may join with it; any, where it is empty.
    host: String,
) -> Result<String, ApiError> {
    use crate::session;

    let person = session::person().await?;
    let host = (!host.is_empty()).then_some(host);
    let made = session::fleet()?.accounts().join_token_for(&person, host, JOIN_TOKEN_TIME).await;
    made.map(|token| token.reveal().to_owned()).map_err(super::refused)
}

/// How long a token that was made on the page is good.
#[cfg(feature = "ssr")]
const JOIN_TOKEN_TIME: chrono::TimeDelta = chrono::TimeDelta::days(1);
