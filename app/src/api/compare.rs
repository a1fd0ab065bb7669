//! Comparing two generations.

use backstay_model::comparison::Comparison;
use leptos::prelude::*;

use crate::ApiError;

/// Asks the host what going from one generation to another changes, both as
/// [`reference_to_text`](super::reference_to_text) writes them. This may take a while.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence.
#[server(endpoint = "compare_generations")]
pub async fn compare_generations(
    /// The host's name.
    host: String,
    /// The generation to start from.
    from: String,
    /// The generation to go to.
    to: String,
) -> Result<Comparison, ApiError> {
    use super::reference_from_text;
    use crate::session;

    session::person().await?;
    let name = super::host_name(&host)?;
    let chosen = |text: &str| {
        reference_from_text(text)
            .ok_or_else(|| ApiError::said("That is not a generation. No request was sent."))
    };
    let compared = session::fleet()?.compare(name, chosen(&from)?, chosen(&to)?).await;
    compared.map_err(super::refused)
}
