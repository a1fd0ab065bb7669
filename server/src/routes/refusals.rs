//! Refusals in addresses. After a plain form, the server leads back to its page, with the refusal in the address (`__err`). A
//! link of another site could hold one too, and our page would say its words.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

/// The parts of an address that hold a refusal.
const REFUSAL: [&str; 2] = ["__path", "__err"];

/// Leads to the same page without the refusal if no page of ours led here.
pub(super) async fn only_ours(request: Request, next: Next) -> Response {
    if request.method() == Method::GET
        && let Some(without) = without_refusal(request.uri())
        && !is_from_here(request.headers())
    {
        return Redirect::to(&without).into_response();
    }
    next.run(request).await
}

/// The address without its refusal, or `None` if it has none.
fn without_refusal(uri: &Uri) -> Option<String> {
    let is_kept = |pair: &&str| !REFUSAL.contains(&pair.split('=').next().unwrap_or_default());
    let query = uri.query()?;
    // A name may be written with escapes.
    if !query.contains("__") && !query.contains('%') {
        return None;
    }
    let kept: Vec<_> = query.split('&').filter(is_kept).filter(|pair| !names_refusal(pair)).collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    let path = uri.path();
    // Two slashes would be another host.
    let path = if path.starts_with("//") { "/" } else { path };
    Some(if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) })
}

/// Returns whether the escaped name of a pair is that of a refusal.
fn names_refusal(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    REFUSAL.contains(&name.as_ref())
}

/// Returns whether a page of ours led here. Browsers say so by https and on this machine; over plain http there is only the
/// page before, which our pages name to ourselves alone.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let before = text(header::REFERER.as_str()).and_then(|referer| referer.parse::<Uri>().ok());
    let before = before.as_ref().and_then(Uri::authority).map(Authority::as_str);
    before.is_some() && before == text(header::HOST.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn a_refusal_is_taken_out_of_an_address() {
        let without = |address: &str| without_refusal(&address.parse().unwrap());
        assert_eq!(
            without("/login?__path=%2Fapi&__err=x&next=%2Fops").as_deref(),
            Some("/login?next=%2Fops")
        );
        assert_eq!(without("/login?%5F_err=x").as_deref(), Some("/login"));
        assert_eq!(without("//evil.example/?__err=x").as_deref(), Some("/"));
        for kept in ["/login", "/login?next=%2F", "/ops?text=__err", "/ops?text=a%20b"] {
            assert_eq!(without(kept), None, "{kept}");
        }
    }

    #[test]
    fn only_our_own_pages_lead_to_a_refusal() {
        for (name, value, expected) in [
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "none", false),
            ("referer", "http://backstay.lan:7340/login", true),
            ("referer", "http://backstay.lan/login", false),
            ("x-nothing", "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "backstay.lan:7340".parse().unwrap());
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            assert_eq!(is_from_here(&headers), expected, "{name}: {value}");
        }
    }
}
