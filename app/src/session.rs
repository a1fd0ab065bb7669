//! Who is asking: the session cookie, and the check that each server function makes first.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use backstay_fleet::Fleet;
use backstay_fleet::store::StoreError;
use backstay_model::Person;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::ApiError;
use crate::api::{Address, local_path};

/// The name of the session's cookie.
pub const COOKIE: &str = "backstay_session";

/// Where the server functions are.
const API: &str = "/api/";

/// The origin at which the server's configuration says that browsers reach it; provided as context by the server. Where a
/// proxy says so itself (`x-forwarded-host`, `x-forwarded-proto`), it need not.
#[derive(Debug, Clone, Default)]
pub struct PublicOrigin(pub Option<String>);

fn public_origin() -> Option<String> {
    use_context::<PublicOrigin>().unwrap_or_default().0
}

/// The backend that the server provided.
///
/// # Errors
/// Where it provided none, which is a fault of the server.
pub fn fleet() -> Result<Fleet, ApiError> {
    use_context::<Fleet>().ok_or_else(|| ApiError::said("The server is not set up: it provides no fleet."))
}

/// The person who is asking. Every server function that shows or does anything calls this first.
///
/// # Errors
/// [`ApiError::NotLoggedIn`]: the answer then leads to the log-in page and back again.
pub async fn person() -> Result<Person, ApiError> {
    let accounts = fleet()?;
    let known = match token() {
        Some(token) => accounts.accounts().session(&token).await.map_err(database)?,
        None => None,
    };
    known.ok_or_else(|| {
        lead_to_log_in();
        ApiError::NotLoggedIn
    })
}

fn lead_to_log_in() {
    leptos_axum::redirect(&log_in_address());
    let is_page = use_context::<Parts>().is_some_and(|parts| !parts.uri.path().starts_with(API));
    match use_context::<ResponseOptions>().filter(|_| is_page) {
        Some(response) => response.set_status(StatusCode::FOUND),
        None => refuse(StatusCode::UNAUTHORIZED),
    }
}

/// The token in the request's cookie.
pub fn token() -> Option<String> {
    token_in(&use_context::<Parts>()?.headers)
}

/// The session token among the cookies of a request; the server's other routes (the event stream) ask by it too.
pub fn token_in(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

/// Hands the browser a session, or takes it away where there is no token.
pub(crate) fn set_cookie(token: Option<&str>) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    let secure = if by_https() { "; Secure" } else { "" };
    let value = match token {
        Some(token) => format!("{COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/{secure}"),
        None => format!("{COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0{secure}"),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.append_header(header::SET_COOKIE, value);
    }
}

fn by_https() -> bool {
    let configured = public_origin().is_some_and(|origin| origin.starts_with("https://"));
    let forwarded = use_context::<Parts>().is_some_and(|parts| {
        parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https")
    });
    configured || forwarded
}

/// Where this server is: as its configuration says, else as the browser asked for it; nothing where neither says it.
pub(crate) fn server_address() -> Address {
    if let Some(origin) = public_origin() {
        return Address { origin, is_configured: true };
    }
    let host = use_context::<Parts>().and_then(|parts| {
        let named =
            |name: &str| parts.headers.get(name).and_then(|host| host.to_str().ok()).map(str::to_owned);
        // The first of several proxies is the one that the browser asked.
        let forwarded = named("x-forwarded-host")
            .and_then(|hosts| hosts.split(',').next().map(|host| host.trim().to_owned()));
        let host = forwarded.filter(|host| !host.is_empty()).or_else(|| named(header::HOST.as_str()));
        host.or_else(|| parts.uri.authority().map(ToString::to_string))
    });
    let scheme = if by_https() { "https" } else { "http" };
    Address {
        origin: host.map(|host| format!("{scheme}://{host}")).unwrap_or_default(),
        is_configured: false,
    }
}

/// Sets the status of a refusal. A plain form is answered by leading it back instead, and keeps its own status.
pub(crate) fn refuse(status: StatusCode) {
    let plain = use_context::<Parts>().is_some_and(|parts| wants_html(&parts));
    if let Some(response) = use_context::<ResponseOptions>().filter(|_| !plain) {
        response.set_status(status);
    }
}

/// Says that the page that is being rendered does not exist.
pub(crate) fn not_found() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
}

/// [`database_failed`], as `map_err` takes it.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
pub(crate) fn database(error: StoreError) -> ApiError {
    database_failed(&error)
}

/// Reports a failure of the database: once in the log, and to the person in a sentence.
pub(crate) fn database_failed(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the database failed under a page");
    refuse(StatusCode::INTERNAL_SERVER_ERROR);
    ApiError::said("The database failed, and nothing was changed. The server's log says why.")
}

fn wants_html(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// The log-in page, with the way back: the page that was asked for, or the one that a form or a call came from.
fn log_in_address() -> String {
    let Some(parts) = use_context::<Parts>() else { return "/login".to_owned() };
    let asked = if parts.uri.path().starts_with(API) {
        parts.headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(path_of).unwrap_or("/")
    } else {
        parts.uri.path_and_query().map_or("/", |p| p.as_str())
    };
    match local_path(asked) {
        "/" => "/login".to_owned(),
        next => format!("/login?next={}", in_query(next)),
    }
}

/// What follows the host in an absolute address.
fn path_of(address: &str) -> Option<&str> {
    let after_scheme = address.split_once("://")?.1;
    after_scheme.find('/').map(|at| &after_scheme[at..])
}

/// Escapes what would end a value in a query.
fn in_query(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_token_among_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; backstay_session=tok; c=d"));
        assert_eq!(token_in(&headers).as_deref(), Some("tok"));
        assert_eq!(token_in(&HeaderMap::new()), None);
    }

    #[test]
    fn path_of_an_address() {
        assert_eq!(path_of("http://localhost:1/hosts/a?b=c"), Some("/hosts/a?b=c"));
        assert_eq!(path_of("http://localhost"), None);
    }

    #[test]
    fn a_query_value_stays_one_value() {
        assert_eq!(in_query("/hosts/a?b=c&d"), "/hosts/a%3Fb%3Dc%26d");
    }
}
