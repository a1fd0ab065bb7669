//! Requests for another host name than the public one.
//!
//! A name of a stranger may point at this server's address, so that the stranger's page counts as one of that name (DNS
//! rebinding). With `--public-url`, pages answer to that name only. Health checks, agents, the webhook and the
//! single sign-on provider often use another name or a bare address, and no browser's cookie lets them in.

use super::sso::LOG_OUT;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backstay_app::session::PublicOrigin;
use backstay_model::wire::endpoint::AGENT_SOCKET;

/// Paths that answer under every name.
const ANY_NAME: [&str; 4] = ["/healthz", AGENT_SOCKET, "/webhooks/github", LOG_OUT];

/// Answers 421 to a request for another name.
pub(super) async fn check(State(public): State<PublicOrigin>, request: Request, next: Next) -> Response {
    if let Some(origin) = &public.0
        && !ANY_NAME.contains(&request.uri().path())
        && !is_for(origin, &request)
    {
        let why = format!(
            "This server is {origin}, and the request is for another host. Open {origin} instead. If you did, have the proxy \
             pass Host on (nginx: proxy_set_header Host $http_host;).\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    next.run(request).await
}

fn is_for(origin: &str, request: &Request) -> bool {
    let Some((scheme, public)) = origin.split_once("://") else { return false };
    let default = if scheme == "https" { 443 } else { 80 };
    let named = |name: &str| request.headers().get(name).and_then(|host| host.to_str().ok());
    // Only trusted proxies get this header as far as here.
    let host = named("x-forwarded-host").or_else(|| named(header::HOST.as_str()));
    let parts = |text: &str| {
        let authority: Authority = text.parse().ok()?;
        Some((authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(default)))
    };
    host.and_then(parts).is_some_and(|asked| Some(asked) == parts(public))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn names_and_ports_are_compared() {
        for (origin, host, expected) in [
            ("https://backstay.example.org", "backstay.example.org", true),
            ("https://backstay.example.org", "Backstay.Example.org:443", true),
            ("https://backstay.example.org", "backstay.example.org:7340", false),
            ("https://backstay.example.org", "127.0.0.1:7340", false),
            ("http://[::1]:7340", "[::1]:7340", true),
            ("http://backstay.lan", "backstay.lan:80", true),
            ("http://backstay.lan", "evil.example", false),
            ("http://backstay.lan", "", false),
        ] {
            let request = Request::builder().header(header::HOST, host).body(Body::empty()).unwrap();
            assert_eq!(is_for(origin, &request), expected, "{origin}: {host}");
        }
        assert!(!is_for("http://backstay.lan", &Request::new(Body::empty())), "no name at all");
    }
}
