//! The way to the single sign-on provider and back. The browser follows plain links, so that it works without script, and no
//! answer shows a word of an address.

use std::collections::HashMap;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_fleet::accounts::{Accounts, Actor};
use backstay_fleet::sso::{Answer, PENDING_LIFETIME, SsoError};
use percent_encoding::percent_decode_str;

use crate::api::local_path;
use crate::routes::Route;
use crate::said::{self, Said};
use crate::session::{COOKIE, PublicOrigin, SSO, comes_by_https, visitor_of};

/// The path of the link that leads to the provider.
pub const TO_PROVIDER: &str = "/sso/log-in";
/// The part of its address that asks the provider to confirm who it is.
pub(crate) const CONFIRM: &str = "confirm";

/// The address of the link that leads to the provider, and then to `next`. If somebody is logged in and only has to prove it,
/// `confirms` is true.
pub(crate) fn address(next: &str, confirms: bool) -> String {
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    let confirms = if confirms { format!("&{CONFIRM}=1") } else { String::new() };
    format!("{TO_PROVIDER}?next={next}{confirms}")
}

/// Sends a browser to the provider.
pub async fn leave(accounts: &Accounts, parts: &Parts, public: &PublicOrigin) -> Response {
    let (query, browser) = (query(parts), Browser::of(parts, public));
    let next = query.get("next").map_or("/", |next| local_path(next));
    let actor = if query.contains_key(CONFIRM) { browser.actor(accounts).await } else { None };
    match accounts.begin_sso(next, actor.as_ref()).await {
        Ok(begun) => {
            let seconds = u32::try_from(PENDING_LIFETIME.num_seconds()).ok();
            let cookie = SSO.header(Some(begun.cookie.reveal()), seconds, browser.by_https);
            lead_to(&begun.address, [cookie])
        }
        Err(SsoError::Unavailable) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => browser.refuse(&error, actor.is_some(), []),
    }
}

/// Takes a browser that comes back from the provider.
pub async fn come_back(accounts: &Accounts, parts: &Parts, public: &PublicOrigin) -> Response {
    let (query, browser) = (query(parts), Browser::of(parts, public));
    let text = |name: &str| query.get(name).map(String::as_str);
    let cookie = SSO.value(&parts.headers, browser.by_https).unwrap_or_default();
    let answer = Answer {
        cookie: &cookie,
        state: text("state").unwrap_or_default(),
        code: text("code").unwrap_or_default(),
        issuer: text("iss"),
    };
    // Each log-in comes back once.
    let forget = SSO.header(None, None, browser.by_https);
    match accounts.finish_sso(answer, &visitor_of(parts, public)).await {
        Ok(returned) => {
            let session = returned
                .session
                .and_then(|session| COOKIE.header(Some(session.reveal()), None, browser.by_https));
            lead_to(local_path(&returned.next), [forget, session])
        }
        Err(SsoError::Unavailable) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            if let SsoError::Failed(error) = &error {
                tracing::error!(%error, "a log-in through single sign-on failed");
            }
            let is_logged_in = browser.actor(accounts).await.is_some();
            browser.refuse(&error, is_logged_in, [forget])
        }
    }
}

/// The browser that sent a request.
struct Browser {
    by_https: bool,
    token: Option<String>,
}

impl Browser {
    fn of(parts: &Parts, public: &PublicOrigin) -> Self {
        let by_https = comes_by_https(&parts.headers, public);
        Self { by_https, token: COOKIE.value(&parts.headers, by_https) }
    }

    /// The person who is logged in, if the database answers.
    async fn actor(&self, accounts: &Accounts) -> Option<Actor> {
        accounts.peek(self.token.as_deref()?).await.ok().flatten()
    }

    /// Leads to a page that says why: the log-in page, or the own account of somebody who is logged in.
    fn refuse<const N: usize>(
        &self,
        error: &SsoError,
        is_logged_in: bool,
        cookies: [Option<HeaderValue>; N],
    ) -> Response {
        let said = Said::Refused(error.to_string()).encoded();
        let said = said::COOKIE.header(Some(&said), Some(said::SECONDS), self.by_https);
        let page = if is_logged_in { Route::Account } else { Route::LogIn { next: None } };
        lead_to(&page.path(), cookies.into_iter().chain([said]))
    }
}

fn lead_to(address: &str, cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert(header::LOCATION, address);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address that led here holds a code.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// The parts of an address after the question mark. Of two with one name, the first counts.
fn query(parts: &Parts) -> HashMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.rev().map(|(name, value)| (decoded(name), decoded(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let address = address("/hosts/a?b=c&d", true);
        let request = axum::http::Request::builder().uri(format!("{address}&next=/other")).body(());
        let query = query(&request.unwrap().into_parts().0);
        assert_eq!(query["next"], "/hosts/a?b=c&d");
        assert!(query.contains_key(CONFIRM));
    }
}
