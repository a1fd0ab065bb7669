//! The data that every page starts from, a person's view of the fleet page, and join tokens.

use backstay_model::Person;
use backstay_model::PersonView;
use backstay_model::view::FleetSnapshot;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// The data that every page starts from: the person, their view, and every host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The person who is logged in.
    pub person: Person,
    /// That person's view of the fleet page.
    pub view: PersonView,
    /// The list of that person's saved views of the fleet page, as markup.
    pub saved_views: String,
    /// The address of this server.
    pub address: Address,
    /// Every host.
    pub snapshot: FleetSnapshot,
}

/// The address of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The origin, such as `https://backstay.example.org`.
    pub origin: String,
    /// True if it is configured. Otherwise it comes from the request, which a proxy may have rewritten: after
    /// hydration, the browser's own address is the better one.
    pub is_configured: bool,
}

/// Reads the data that a page starts from, also after it missed events.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "start_page")]
pub async fn start_page() -> Result<Start, ApiError> {
    use crate::session;

    let person = session::permitted::<StartPage>().await?;
    let fleet = session::fleet()?;
    let view = fleet.accounts().view(&person).await.map_err(session::database)?;
    let saved = fleet.saved_views(&person).await.map_err(session::database)?;
    let saved_views = super::saved_views::list(&saved).to_html();
    let snapshot = fleet.snapshot().await.map_err(session::database)?;
    let person = person.person().clone();
    Ok(Start { person, view, saved_views, address: session::server_address(), snapshot })
}

/// Stores the person's view of the fleet page. Unknown words are ignored.
///
/// # Errors
/// [`ApiError`]; the view is unchanged.
#[server(endpoint = "set_view")]
pub async fn set_view(
    /// The density of the rows; empty if the number of hosts decides.
    density: String,
    /// The columns that are shown. Unchecked boxes send nothing.
    #[server(default)]
    columns: Vec<String>,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<SetView>().await?;
    let columns = columns.iter().filter_map(|column| column.parse().ok());
    let view = PersonView::showing(density.parse().ok(), columns);
    session::fleet()?.accounts().set_view(&person, &view).await.map_err(session::database)
}

/// Makes and returns a token with which one host can join, once and within a day. It is never shown again.
/// For administrators.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; no token was made.
#[server(endpoint = "make_join_token")]
pub async fn make_join_token(
    /// The only name that may join with it; any name if empty.
    host: String,
) -> Result<String, ApiError> {
    use crate::session;

    let person = session::permitted::<MakeJoinToken>().await?;
    let host = (!host.is_empty()).then_some(host);
    let made = session::fleet()?.accounts().join_token_for(&person, host, JOIN_TOKEN_TIME).await;
    made.map(|token| token.reveal().to_owned()).map_err(super::refused)
}

/// Lifetime of a token that is made on the page.
#[cfg(feature = "ssr")]
const JOIN_TOKEN_TIME: chrono::TimeDelta = chrono::TimeDelta::days(1);
