//! The session cookie, and the check that each server function makes first.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use backstay_fleet::Fleet;
use backstay_fleet::accounts::{Actor, DEVICE_LIFETIME, Origin};
use backstay_fleet::secret::Secret;
use backstay_fleet::store::StoreError;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::ApiError;
use crate::api::{Address, local_path};
use crate::routes::Route;

/// The name of the session's cookie.
pub const COOKIE: &str = "backstay_session";

/// The name of the cookie with the device's token.
const DEVICE_COOKIE: &str = "backstay_device";

/// The path of the server functions.
const API: &str = "/api/";

/// The configured origin at which browsers reach the server; the server provides it as context. It is not
/// needed behind a proxy that sends `x-forwarded-host` and `x-forwarded-proto`.
#[derive(Debug, Clone, Default)]
pub struct PublicOrigin(pub Option<String>);

/// The address of a request's client, if it is known and not this machine's own. The server adds it to every request, and
/// removes `x-forwarded-…` unless a trusted proxy sent it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

/// Where this request's log-in comes from.
pub(crate) fn origin() -> Origin {
    let Some(parts) = use_context::<Parts>() else { return Origin::default() };
    let address = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
    let device = cookie_in(&parts.headers, DEVICE_COOKIE).map(|token| Secret::from_text(&token));
    Origin { address, device }
}

fn public_origin() -> Option<String> {
    use_context::<PublicOrigin>().unwrap_or_default().0
}

/// Returns the backend that the server provided as context.
///
/// # Errors
/// If it provided none, which is a bug in the server.
pub fn fleet() -> Result<Fleet, ApiError> {
    use_context::<Fleet>().ok_or_else(|| ApiError::said("The server is not set up: it provides no fleet."))
}

/// Returns the logged-in person. Every server function that shows or does anything calls this first.
///
/// # Errors
/// [`ApiError::NotLoggedIn`]: the response then redirects to the log-in page, which leads back.
pub async fn person() -> Result<Actor, ApiError> {
    let accounts = fleet()?;
    let known = match token() {
        Some(token) => accounts.accounts().session(&token).await.map_err(database)?,
        None => None,
    };
    known.ok_or_else(|| {
        redirect_to_log_in();
        ApiError::NotLoggedIn
    })
}

fn redirect_to_log_in() {
    leptos_axum::redirect(&log_in_address());
    let is_page = use_context::<Parts>().is_some_and(|parts| !parts.uri.path().starts_with(API));
    match use_context::<ResponseOptions>().filter(|_| is_page) {
        Some(response) => response.set_status(StatusCode::FOUND),
        None => refuse(StatusCode::UNAUTHORIZED),
    }
}

/// Returns the token in the request's cookie.
pub fn token() -> Option<String> {
    token_in(&use_context::<Parts>()?.headers)
}

/// Returns the session token among a request's cookies, also for the server's other routes, such as the event
/// stream.
pub fn token_in(headers: &HeaderMap) -> Option<String> {
    cookie_in(headers, COOKIE)
}

fn cookie_in(headers: &HeaderMap, cookie: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
        .map(|(_, value)| value.to_owned())
}

/// Sets the session cookie, or deletes it if there is no token.
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

/// Has the browser keep the device's token, which outlives the session.
pub(crate) fn set_device_cookie(token: &Secret) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    let secure = if by_https() { "; Secure" } else { "" };
    let (token, seconds) = (token.reveal(), DEVICE_LIFETIME.num_seconds());
    let value = format!(
        "{DEVICE_COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/api/log_in; Max-Age={seconds}{secure}"
    );
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.append_header(header::SET_COOKIE, value);
    }
}

/// Returns whether the browser came by https.
pub(crate) fn by_https() -> bool {
    let configured = public_origin().is_some_and(|origin| origin.starts_with("https://"));
    let forwarded = use_context::<Parts>().is_some_and(|parts| {
        parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https")
    });
    configured || forwarded
}

/// The address of this server: the configured one, else the one in the request, else an empty one.
pub(crate) fn server_address() -> Address {
    if let Some(origin) = public_origin() {
        return Address { origin, is_configured: true };
    }
    let host = use_context::<Parts>().and_then(|parts| {
        let named =
            |name: &str| parts.headers.get(name).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let forwarded = named("x-forwarded-host").filter(|host| !host.is_empty());
        let host = forwarded.or_else(|| named(header::HOST.as_str()));
        host.or_else(|| parts.uri.authority().map(ToString::to_string))
    });
    let scheme = if by_https() { "https" } else { "http" };
    Address {
        origin: host.map(|host| format!("{scheme}://{host}")).unwrap_or_default(),
        is_configured: false,
    }
}

/// Sets the status of a refusal. A plain form is redirected back instead, and keeps that status.
pub(crate) fn refuse(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>().filter(|_| !is_plain_form()) {
        response.set_status(status);
    }
}

/// Sets the status 404 for the page that is being rendered.
pub(crate) fn not_found() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
}

/// [`database_failed`], with the signature that `map_err` needs.
#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` needs")]
pub(crate) fn database(error: StoreError) -> ApiError {
    database_failed(&error)
}

/// Reports a failure of the database: once in the log, and to the person in a sentence.
pub(crate) fn database_failed(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the database failed under a page");
    refuse(StatusCode::INTERNAL_SERVER_ERROR);
    ApiError::said("The database failed. Nothing was changed. The server's log has the reason.")
}

/// Returns whether the request is a plain form's: of a page without script, or not alive yet.
pub(crate) fn is_plain_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_html(&parts))
}

fn wants_html(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// The address of the log-in page, which leads back to the requested page, or to the page that a form or call
/// came from.
fn log_in_address() -> String {
    let Some(parts) = use_context::<Parts>() else { return Route::LogIn { next: None }.path() };
    let asked = if parts.uri.path().starts_with(API) {
        parts.headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(path_of).unwrap_or("/")
    } else {
        parts.uri.path_and_query().map_or("/", |p| p.as_str())
    };
    match local_path(asked) {
        "/" => Route::LogIn { next: None }.path(),
        next => Route::LogIn { next: Some(next) }.path(),
    }
}

/// The part of an absolute address after the host.
fn path_of(address: &str) -> Option<&str> {
    let after_scheme = address.split_once("://")?.1;
    after_scheme.find('/').map(|at| &after_scheme[at..])
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
}
