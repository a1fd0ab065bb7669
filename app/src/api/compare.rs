//! What lies between two generations.

use backstay_model::comparison::Comparison;
use leptos::prelude::*;

use crate::ApiError;

/// What going from one generation of a host to another changes, both as
/// [`reference_to_text`](super::reference_to_text) writes them. The host is asked, which may take a while.
///
/// # Errors
/// [`ApiError`] with what stands in the way, in a sentence.
#[server(endpoint = "compare_generations")]
pub async fn compare_generations(
    /// The host's name.
    host: String,
    /// Where one comes from.
    from: String,
    /// Where one goes.
    to: String,
) -> Result<Comparison, ApiError> {
    use super::reference_from_text;
    use crate::session;

    session::person().await?;
    let name = super::host_name(&host)?;
    let meant =
        |text: &str| reference_from_text(text).ok_or_else(|| ApiError::said("That is no generation."));
    let compared = session::fleet()?.compare(name, meant(&from)?, meant(&to)?).await;
    compared.map_err(super::refused)
}
