//! The client of each request, before anything else looks at it.

use std::sync::{Arc, Once};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use backstay_app::session::ClientAddress;

use crate::listen::Place;
use crate::trusted_proxies::TrustedProxies;

/// Whether a proxy that is not among the trusted ones was logged.
static LOGGED: Once = Once::new();

/// Notes the client's address, and lets only trusted proxies speak for others.
pub(super) async fn admit(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Arc<Place>>().map(|place| place.peer());
    let client = peer.and_then(|peer| {
        let is_forwarded = request.headers().contains_key("x-forwarded-for");
        let client = proxies.admit(peer, request.headers_mut());
        if is_forwarded && !request.headers().contains_key("x-forwarded-for") {
            // Once, so that strangers do not fill the log.
            LOGGED.call_once(|| {
                tracing::warn!(%peer, "a request has X-Forwarded-For, which is not believed from there; if that is your proxy, \
                                       start the server with --trusted-proxy {peer}");
            });
        }
        client
    });
    request.extensions_mut().insert(ClientAddress(client));
    next.run(request).await
}
