//! The session cookie, and the check that each server function makes first.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use backstay_fleet::Fleet;
use backstay_fleet::accounts::{Actor, DEVICE_LIFETIME, Origin, Visitor};
use backstay_fleet::ops::request::RequestError;
use backstay_fleet::secret::Secret;
use backstay_fleet::store::{Client, StoreError};
use backstay_model::NotAllowed;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::ApiError;
use crate::api::{Address, Guarded, local_path, refused};
use crate::routes::Route;

/// The session's cookie. Over https, browsers take the prefix `__Host-` from this host alone: no other name of
/// the domain can plant a session.
pub(crate) const COOKIE: Cookie = Cookie { by_https: "__Host-backstay", by_http: "backstay_session" };

/// The cookie of a log-in that waits for its code.
pub(crate) const PENDING_LOG_IN: Cookie =
    Cookie { by_https: "__Host-backstay-code", by_http: "backstay_code" };
/// How long browsers keep it.
pub(crate) const PENDING_SECONDS: u32 = 300;

/// The cookie of a log-in that has left for the provider. The provider leads back with a plain link, with which browsers send it.
pub(crate) const SSO: Cookie = Cookie { by_https: "__Host-backstay-sso", by_http: "backstay_sso" };

/// A cookie that only the server reads.
pub(crate) struct Cookie {
    /// Its name where browsers come by https.
    pub(crate) by_https: &'static str,
    /// Its name elsewhere.
    pub(crate) by_http: &'static str,
}

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

/// Returns the logged-in person.
///
/// # Errors
/// [`ApiError::NotLoggedIn`]: the response then redirects to the log-in page, which leads back.
async fn person() -> Result<Actor, ApiError> {
    let accounts = fleet()?;
    let known = match COOKIE.of_request() {
        Some(token) => accounts.accounts().session(&token).await.map_err(database)?,
        None => None,
    };
    known.ok_or_else(|| {
        redirect_to_log_in();
        ApiError::NotLoggedIn
    })
}

/// Returns the logged-in person, if the person may do what this server function does. Every server function for people who are
/// logged in calls this first.
///
/// # Errors
/// [`ApiError::NotLoggedIn`], or [`ApiError::NotAllowed`] with the needed role.
pub(crate) async fn permitted<F: Guarded>() -> Result<Actor, ApiError> {
    let actor = person().await?;
    match actor.require_any(F::ACTIONS) {
        Ok(()) => Ok(actor),
        Err(NotAllowed::Proof) => {
            leptos_axum::redirect(&Route::Confirm { next: &asking_page() }.path());
            refuse(StatusCode::FORBIDDEN);
            Err(ApiError::NotAllowed(NotAllowed::Proof.to_string()))
        }
        Err(why) => Err(refused(RequestError::NotAllowed(why))),
    }
}

fn redirect_to_log_in() {
    leptos_axum::redirect(&log_in_address());
    let is_page = use_context::<Parts>().is_some_and(|parts| !parts.uri.path().starts_with(API));
    match use_context::<ResponseOptions>().filter(|_| is_page) {
        Some(response) => response.set_status(StatusCode::FOUND),
        None => refuse(StatusCode::UNAUTHORIZED),
    }
}

/// Returns the session token among a request's cookies, also for the server's other routes, such as the event
/// stream.
pub fn token_in(headers: &HeaderMap, public: &PublicOrigin) -> Option<String> {
    COOKIE.value(headers, comes_by_https(headers, public))
}

/// Sets the session cookie, or deletes it if there is no token.
pub(crate) fn set_cookie(token: Option<&str>) {
    COOKIE.set(token, None);
}

/// Has the browser forget the pages that it keeps to go back to. It keeps its storage: the theme, the
/// time zone, what was read, and reasons that were not sent yet.
pub(crate) fn clear_kept_pages() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response
            .insert_header(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
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

impl Cookie {
    /// Returns the cookie's value in the request that is being answered.
    pub(crate) fn of_request(&self) -> Option<String> {
        self.value(&use_context::<Parts>()?.headers, by_https())
    }

    pub(crate) fn value(&self, headers: &HeaderMap, by_https: bool) -> Option<String> {
        let wanted = if by_https { self.by_https } else { self.by_http };
        cookie_in(headers, wanted)
    }

    /// Sets the cookie for this many seconds, or until the browser is closed; deletes it if there is no value.
    pub(crate) fn set(&self, value: Option<&str>, seconds: Option<u32>) {
        let Some(response) = use_context::<ResponseOptions>() else { return };
        if let Some(cookie) = self.header(value, seconds, by_https()) {
            response.append_header(header::SET_COOKIE, cookie);
        }
    }

    /// The header that does it.
    pub(crate) fn header(
        &self,
        value: Option<&str>,
        seconds: Option<u32>,
        by_https: bool,
    ) -> Option<HeaderValue> {
        let (name, secure) = if by_https { (self.by_https, "; Secure") } else { (self.by_http, "") };
        let age = if value.is_none() { Some(0) } else { seconds };
        let age = age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let value = value.unwrap_or_default();
        HeaderValue::from_str(&format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/{age}{secure}")).ok()
    }
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

/// Returns the browser that sent the request, and what it has of earlier log-ins.
pub(crate) fn visitor() -> Visitor {
    let Some(parts) = use_context::<Parts>() else { return Visitor::default() };
    visitor_of(&parts, &use_context::<PublicOrigin>().unwrap_or_default())
}

/// Returns the browser that sent this request.
pub(crate) fn visitor_of(parts: &Parts, public: &PublicOrigin) -> Visitor {
    let browser = parts.headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
    let address = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
    let shown = address.map(|address| address.to_string()).unwrap_or_default();
    let device = cookie_in(&parts.headers, DEVICE_COOKIE).map(|token| Secret::from_text(&token));
    Visitor {
        client: Client::new(&shown, browser.unwrap_or_default()),
        token: token_in(&parts.headers, public),
        origin: Origin { address, device },
    }
}

/// Returns whether the browser came by https.
pub(crate) fn by_https() -> bool {
    let public = use_context::<PublicOrigin>().unwrap_or_default();
    use_context::<Parts>().is_some_and(|parts| comes_by_https(&parts.headers, &public))
}

pub(crate) fn comes_by_https(headers: &HeaderMap, public: &PublicOrigin) -> bool {
    let configured = public.0.as_deref().is_some_and(|origin| origin.starts_with("https://"));
    configured || headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https")
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

/// The address of the log-in page, which leads back to the requested page.
fn log_in_address() -> String {
    match asking_page().as_str() {
        "/" => Route::LogIn { next: None }.path(),
        next => Route::LogIn { next: Some(next) }.path(),
    }
}

/// The requested page, or the page that a form or call came from.
fn asking_page() -> String {
    let Some(parts) = use_context::<Parts>() else { return "/".to_owned() };
    let asked = if parts.uri.path().starts_with(API) {
        parts.headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(path_of).unwrap_or("/")
    } else {
        parts.uri.path_and_query().map_or("/", |p| p.as_str())
    };
    local_path(asked).to_owned()
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
        let cookies = HeaderValue::from_static("a=b; backstay_session=tok; c=d");
        headers.append(header::COOKIE, cookies);
        let http = PublicOrigin::default();
        assert_eq!(token_in(&headers, &http).as_deref(), Some("tok"));
        assert_eq!(token_in(&HeaderMap::new(), &http), None);
        let https = PublicOrigin(Some("https://backstay.example.org".into()));
        assert_eq!(token_in(&headers, &https), None, "a sibling domain may have planted it");
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-backstay=own"));
        assert_eq!(token_in(&headers, &https).as_deref(), Some("own"));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert_eq!(token_in(&headers, &http).as_deref(), Some("own"));
    }

    #[test]
    fn path_of_an_address() {
        assert_eq!(path_of("http://localhost:1/hosts/a?b=c"), Some("/hosts/a?b=c"));
        assert_eq!(path_of("http://localhost"), None);
    }
}
