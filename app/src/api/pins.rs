//! Pins of generations. The page is a plain one: these functions exist on the server alone.

use backstay_fleet::accounts::Actor;
use backstay_fleet::ops::request::RequestError;
use backstay_model::GenerationRef;
use backstay_model::rollback::Candidate;
use leptos::prelude::*;

use super::{WrittenPage, reference_from_text, refused};
use crate::ApiError;
use crate::pages::pin;
use crate::routes::Route;
use crate::said;
use crate::session;

/// Writes the page on which a generation is pinned. `None` if there is no such host or generation.
pub(super) async fn pin_page(
    actor: &Actor,
    host: &str,
    number: &str,
) -> Result<Option<WrittenPage>, ApiError> {
    let (Ok(name), Ok(number)) = (super::host_name(host), number.parse::<u32>()) else { return Ok(None) };
    let detail = session::fleet()?.host_detail(name).await.map_err(session::database)?;
    let Some((host, plan)) = detail.and_then(|detail| Some((detail.host, detail.plan?))) else {
        return Ok(None);
    };
    let mut all = plan.candidates.iter().chain([&plan.current]);
    let Some(candidate) = all.find(|candidate: &&Candidate| candidate.generation.number == number) else {
        return Ok(None);
    };
    let html = pin::pin(actor.person(), &host, candidate, said::take()).to_html();
    Ok(Some(WrittenPage { title: format!("Pin Gen {number} - {}", host.name), html }))
}

/// Leads to the host's page, which shows the pin, or back to the form with the refusal.
fn lead_on(host: &str, generation: &GenerationRef, result: Result<(), RequestError>) -> Result<(), ApiError> {
    match result {
        Ok(()) => {
            leptos_axum::redirect(&format!("{}#timeline", Route::Host(host)));
            Ok(())
        }
        Err(error) => said::lead_back(&Route::Pin(host, generation.number), Err(refused(error))),
    }
}

fn generation(text: &str) -> Result<GenerationRef, ApiError> {
    reference_from_text(text).ok_or_else(|| {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::said("That is not a generation. Nothing was changed.")
    })
}

/// Pins a generation of a host.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "pin_generation")]
pub async fn pin_generation(
    /// The host's name.
    host: String,
    /// The generation, as [`reference_to_text`](super::reference_to_text) writes it.
    generation: String,
    /// Why; may be empty.
    #[server(default)]
    note: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<PinGeneration>().await?;
    let (name, generation) = (super::host_name(&host)?, self::generation(&generation)?);
    let pinned = session::fleet()?.pin_generation(&actor, name, generation.clone(), &note).await;
    lead_on(name, &generation, pinned)
}

/// Removes the pin of a generation.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "unpin_generation")]
pub async fn unpin_generation(
    /// The host's name.
    host: String,
    /// The generation, as [`reference_to_text`](super::reference_to_text) writes it.
    generation: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<UnpinGeneration>().await?;
    let (name, generation) = (super::host_name(&host)?, self::generation(&generation)?);
    let unpinned = session::fleet()?.unpin_generation(&actor, name, &generation).await;
    lead_on(name, &generation, unpinned)
}
