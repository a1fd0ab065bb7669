//! One host: its page, its settings, and its removal.

use backstay_model::{HostView, Labels, OpView, TestTimeout};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// What a host's own page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPageData {
    /// The row of the fleet page.
    pub host: HostView,
    /// Its labels.
    pub labels: Labels,
    /// The time limit for each test, if set.
    pub test_timeout: Option<TestTimeout>,
    /// The agent's own time limit for each test and its maximum, in seconds, if it reported them.
    pub agent_timeouts: Option<(u64, u64)>,
    /// Its latest ops, newest first.
    pub ops: Vec<OpView>,
    /// The number of the last event that this includes.
    pub last_event: u64,
    /// The parts that the server wrote.
    pub written: WrittenHost,
}

/// The parts of a host's page that the server writes, as markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenHost {
    /// What runs, and what people noted about the host.
    pub now: String,
    /// Its tests.
    pub tests: String,
    /// When it last worked.
    pub worked: String,
    /// Its past as a picture.
    pub pictures: String,
    /// Its past in words.
    pub past: String,
    /// Its facts.
    pub facts: String,
}

#[cfg(feature = "ssr")]
impl HostPageData {
    /// Writes the page for this person.
    pub(crate) fn of(detail: backstay_model::view::HostDetail, reader: &backstay_model::Person) -> Self {
        let tests = detail.facts.as_ref().and_then(|facts| facts.tests.as_ref());
        Self {
            agent_timeouts: tests.map(|tests| (tests.timeout_secs, tests.max_timeout_secs)),
            written: crate::pages::written_host(&detail, reader),
            host: detail.host,
            labels: detail.labels,
            test_timeout: detail.test_timeout,
            ops: detail.ops,
            last_event: detail.last_event,
        }
    }
}

/// Reads everything that a host's own page shows, or `None` if there is no such host.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_host")]
pub async fn load_host(
    /// The host's name.
    name: String,
) -> Result<Option<HostPageData>, ApiError> {
    use crate::session;

    let person = session::permitted::<LoadHost>().await?;
    let Ok(name) = super::host_name(&name) else { return Ok(None) };
    let detail = session::fleet()?.host_detail(name).await.map_err(session::database)?;
    Ok(detail.map(|detail| HostPageData::of(detail, person.person())))
}

/// Stores a host's tags, separated by spaces or commas, and its notes. Invalid tags do not keep the notes
/// from being stored.
///
/// # Errors
/// [`ApiError`], which says what was not changed.
#[server(endpoint = "set_labels")]
pub async fn set_labels(
    /// The host's name.
    host: String,
    /// The tags.
    tags: String,
    /// The notes.
    notes: String,
) -> Result<(), ApiError> {
    use crate::session;
    use backstay_model::{LabelError, parse_notes, parse_tags};

    let invalid = |error: LabelError| {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::said(error.to_string())
    };
    let person = session::permitted::<SetLabels>().await?;
    let name = super::host_name(&host)?;
    let notes = parse_notes(&notes).map_err(invalid)?;
    let tags = parse_tags(&tags);
    let known = tags.as_ref().ok().map(Vec::as_slice);
    session::fleet()?.set_labels(&person, name, known, notes).await.map_err(super::refused)?;
    tags.map(drop).map_err(invalid)
}

/// Sets whether a host's tests run automatically after a rollback or a switch.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "set_auto_test")]
pub async fn set_auto_test(
    /// The host's name.
    host: String,
    /// True if they do.
    on: bool,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<SetAutoTest>().await?;
    let name = super::host_name(&host)?;
    session::fleet()?.set_auto_test(&person, name, on).await.map_err(super::refused)
}

/// Sets the timeout of each test of a host: an amount of seconds or minutes, or nothing for the agent's own
/// setting.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "set_test_timeout")]
pub async fn set_test_timeout(
    /// The host's name.
    host: String,
    /// The amount.
    amount: String,
    /// `seconds` or `minutes`.
    unit: String,
) -> Result<(), ApiError> {
    use crate::session;
    use backstay_model::TestTimeout;

    let person = session::permitted::<SetTestTimeout>().await?;
    let name = super::host_name(&host)?;
    let invalid = |sentence: String| {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        ApiError::said(sentence)
    };
    let in_minutes = match unit.as_str() {
        "seconds" => false,
        "minutes" => true,
        _ => return Err(invalid("A timeout is in seconds or minutes. Nothing was changed.".to_owned())),
    };
    let timeout = TestTimeout::parse(&amount, in_minutes).map_err(|error| invalid(error.to_string()))?;
    session::fleet()?.set_test_timeout(&person, name, timeout).await.map_err(super::refused)
}

/// Removes a host from the fleet, and leads to the fleet page.
///
/// # Errors
/// [`ApiError`]; the host is still there.
#[server(endpoint = "remove_host")]
pub async fn remove_host(
    /// The host's name.
    host: String,
    /// The name again, as the person typed it.
    confirm: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<RemoveHost>().await?;
    let name = super::host_name(&host)?;
    if !confirm.trim().eq_ignore_ascii_case(name) {
        session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        return Err(ApiError::said(format!("Nothing was changed. Type {name} to remove it.")));
    }
    session::fleet()?.remove_host(&person, name).await.map_err(super::refused)?;
    leptos_axum::redirect(&crate::routes::Route::Fleet.path());
    Ok(())
}
