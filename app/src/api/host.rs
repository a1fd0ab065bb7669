//! One host.

use backstay_model::view::HostDetail;
use leptos::prelude::*;

use crate::ApiError;

/// Reads all that a host's own page shows; none where there is no such host.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_host")]
pub async fn load_host(
    /// The host's name.
    name: String,
) -> Result<Option<HostDetail>, ApiError> {
    use crate::session;

    session::person().await?;
    let Ok(name) = super::host_name(&name) else { return Ok(None) };
    session::fleet()?.host_detail(name).await.map_err(session::database)
}

/// Remembers what people say of a host: tags with spaces or commas between them, and notes.
///
/// # Errors
/// [`ApiError`]; nothing was changed then.
#[server(endpoint = "set_labels")]
pub async fn set_labels(
    /// The host's name.
    host: String,
    /// Words to find it by.
    tags: String,
    /// Whatever else is to be known.
    notes: String,
) -> Result<(), ApiError> {
    use crate::session;
    use backstay_model::Labels;

    let person = session::person().await?;
    let name = super::host_name(&host)?;
    let labels = Labels::parse(&tags, &notes).map_err(|error| {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::said(error.to_string())
    })?;
    session::fleet()?.set_labels(&person, name, &labels).await.map_err(super::refused)
}

/// Says whether a host's tests run by themselves after a rollback or a switch.
///
/// # Errors
/// [`ApiError`]; nothing was changed then.
#[server(endpoint = "set_auto_test")]
pub async fn set_auto_test(
    /// The host's name.
    host: String,
    /// Whether they are to.
    on: bool,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::person().await?;
    let name = super::host_name(&host)?;
    session::fleet()?.set_auto_test(&person, name, on).await.map_err(super::refused)
}

/// Says how long each test of a host may take: an amount of seconds or minutes, or nothing for what its agent is
/// configured with.
///
/// # Errors
/// [`ApiError`]; nothing was changed then.
#[server(endpoint = "set_test_timeout")]
pub async fn set_test_timeout(
    /// The host's name.
    host: String,
    /// How many.
    amount: String,
    /// `seconds` or `minutes`.
    unit: String,
) -> Result<(), ApiError> {
    use crate::session;
    use backstay_model::TestTimeout;

    let person = session::person().await?;
    let name = super::host_name(&host)?;
    let not_taken = |sentence: String| {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::said(sentence)
    };
    let in_minutes = match unit.as_str() {
        "seconds" => false,
        "minutes" => true,
        _ => return Err(not_taken("A timeout is in seconds or minutes. Nothing was changed.".to_owned())),
    };
    let timeout = TestTimeout::parse(&amount, in_minutes).map_err(|error| not_taken(error.to_string()))?;
    session::fleet()?.set_test_timeout(&person, name, timeout).await.map_err(super::refused)
}

/// Removes a host from the fleet, and leads to the fleet page.
///
/// # Errors
/// [`ApiError`]; the host is still there then.
#[server(endpoint = "remove_host")]
pub async fn remove_host(
    /// The host's name.
    host: String,
    /// The name once more, as the person wrote it.
    confirm: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::person().await?;
    let name = super::host_name(&host)?;
    if !confirm.trim().eq_ignore_ascii_case(name) {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        return Err(ApiError::said(format!("Write {name} to remove it. Nothing was changed.")));
    }
    session::fleet()?.remove_host(&person, name).await.map_err(super::refused)?;
    leptos_axum::redirect("/");
    Ok(())
}
