//! Everything that an answer gets before it is sent.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};

use super::answer::json_response;
use super::{Refusal, documentation};
use crate::world::World;

/// What it takes to finish an answer.
pub(super) struct Finish<'a> {
    pub(super) method: &'a Method,
    pub(super) what: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// Whether the answer counts against the rate limit.
    pub(super) counts: bool,
}

impl Finish<'_> {
    /// Writes a refusal's body, answers conditional requests, counts, and adds GitHub's headers.
    pub(super) async fn finish(&self, world: &World, mut response: Response) -> Response {
        if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
            let body = refusal.body(&documentation::page(self.method.as_str(), self.what));
            let retry_after = response.headers_mut().remove(header::RETRY_AFTER);
            response = json_response(response.status(), &body);
            response.headers_mut().extend(retry_after.map(|value| (header::RETRY_AFTER, value)));
        } else if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && response.headers().contains_key(header::ALLOW)
        {
            // The router's answer for a path with other methods. GitHub has no such answer.
            let body = Refusal::not_found().body(&documentation::page(self.method.as_str(), self.what));
            response = json_response(StatusCode::NOT_FOUND, &body);
        }
        if self.method == Method::GET && response.status() == StatusCode::OK {
            response = self.condition(response).await;
        }
        self.count(world, &mut response);
        add_headers(world, response.headers_mut());
        response
    }

    async fn condition(&self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        // The body is in memory already.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let etag = etag(&body, self.headers.get(header::ACCEPT));
        let seen = self.headers.get(header::IF_NONE_MATCH).and_then(|seen| seen.to_str().ok());
        let is_seen = seen.is_some_and(|seen| seen.split(',').any(|tag| strong(tag) == strong(&etag)));
        if let Ok(value) = HeaderValue::from_str(&etag) {
            parts.headers.insert(header::ETAG, value);
        }
        parts
            .headers
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60, s-maxage=60"));
        if is_seen {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            return Response::from_parts(parts, Body::empty());
        }
        Response::from_parts(parts, Body::from(body))
    }

    fn count(&self, world: &World, response: &mut Response) {
        let limits = &mut world.door().limits;
        limits.turn(world.clock.now());
        if self.counts && response.status() != StatusCode::NOT_MODIFIED {
            limits.used = limits.used.saturating_add(1);
        }
        limits.write(response.headers_mut());
    }
}

fn etag(body: &Bytes, accept: Option<&HeaderValue>) -> String {
    let mut hash = Sha256::new_with_prefix(accept.map(HeaderValue::as_bytes).unwrap_or_default());
    hash.update(body);
    format!("W/\"{}\"", crate::hex(&hash.finalize()))
}

/// A tag without its weakness mark, which does not matter here.
fn strong(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn add_headers(world: &World, headers: &mut HeaderMap) {
    let id = uuid::Uuid::now_v7().simple().to_string().to_uppercase();
    let id = format!("{}:{}:{}", &id[..4], &id[4..10], &id[10..20]);
    let date = world.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let written = [(http::HeaderName::from_static("x-github-request-id"), id), (header::DATE, date)];
    for (name, value) in written {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert("x-github-media-type", HeaderValue::from_static("github.v3; format=json"));
    headers.insert("x-github-api-version-selected", HeaderValue::from_static("2022-11-28"));
    headers.insert(header::SERVER, HeaderValue::from_static("github.com"));
}
