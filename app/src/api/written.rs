//! Pages that the server alone writes, so that no line of them is in the page's WebAssembly.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A page that the server wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenPage {
    /// Its title.
    pub title: String,
    /// Its content, as markup.
    pub html: String,
}

/// Reads the page of this path. `None` if what it names does not exist.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_written")]
pub async fn load_written(
    /// The path, as the browser writes it.
    path: String,
) -> Result<Option<WrittenPage>, ApiError> {
    use crate::session;
    use percent_encoding::percent_decode_str;

    let person = session::permitted::<LoadWritten>().await?;
    let parts: Vec<_> = path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    match parts[..] {
        ["", "people"] => super::people::people_page(&person).await.map(Some),
        ["", "confirm", ref next @ ..] => {
            super::second_factor::confirm_page(&person, &next.join("/")).await.map(Some)
        }
        ["", "account"] => super::people::account_page(&person).await.map(Some),
        ["", "compare", pair] => super::compare::comparison(None, pair).await,
        ["", "hosts", host, "compare", pair] => super::compare::comparison(Some(host), pair).await,
        ["", "hosts", host, "pin", number] => super::pins::pin_page(&person, host, number).await,
        _ => Ok(None),
    }
}
