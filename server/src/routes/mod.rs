//! All routes of the server.

mod access;
mod agent_socket;
mod audit;
mod event_stream;
mod failure;
mod files;
mod forwarded;
#[cfg(debug_assertions)]
mod gallery;
mod headers;
mod host_check;
mod invitation;
mod logged_in;
mod output;
mod pages;
mod recognised;
mod refusals;
mod sso;
#[cfg(test)]
mod tests;
mod webhook;

use std::net::SocketAddr;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use backstay_app::session::PublicOrigin;
use backstay_fleet::Fleet;
use backstay_fleet::github::webhook::DELIVERY_BYTES;
use backstay_fleet::secret::Secret;
use backstay_fleet::sso::CALLBACK;
use backstay_model::Action;
use backstay_model::wire::endpoint::AGENT_SOCKET;
use leptos::config::LeptosOptions;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::trace::TraceLayer;

use crate::cli::ServeOptions;
use crate::lifecycle::Lifecycle;
use crate::trusted_proxies::TrustedProxies;
use access::Access;
use event_stream::Streams;
use files::Version;

/// The state of the handlers.
#[derive(Clone, FromRef)]
pub(crate) struct AppState {
    fleet: Fleet,
    leptos: LeptosOptions,
    lifecycle: Lifecycle,
    public: PublicOrigin,
    webhook: WebhookSecret,
    files: Version,
    streams: Streams,
}

/// The secret that signs the deliveries of GitHub's webhook, or `None` if no webhook is configured.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSecret(Option<Secret>);

/// The whole server as one service.
pub(crate) fn router(
    fleet: Fleet,
    options: &ServeOptions,
    address: SocketAddr,
    webhook_secret: Option<Secret>,
    lifecycle: Lifecycle,
) -> anyhow::Result<Router> {
    let leptos = LeptosOptions::builder()
        .output_name("backstay")
        .site_root(options.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .build();
    let origin = options.public_url.clone();
    let https = origin.as_ref().is_some_and(|origin| origin.starts_with("https://"));
    let mut csrf = CsrfLayer::new().with_rejection_response(reject_other_site);
    if let Some(origin) = &origin {
        csrf = csrf.add_trusted_origin(origin)?;
    }
    let webhook = WebhookSecret(webhook_secret);
    let files = Version::of(&options.site_root);
    let public = PublicOrigin(origin);
    let state = AppState { fleet, leptos, lifecycle, public, webhook, files, streams: Streams::default() };
    let plain = plain().into_iter().fold(Router::new(), |router, (path, access, handler)| {
        router.route(path, handler.layer(Extension(access)))
    });
    let router = plain;
    #[cfg(debug_assertions)]
    let router = router.merge(gallery::router(&state));
    Ok(router
        .merge(pages::router(&state))
        .merge(files::router(&options.site_root, state.files.clone()))
        .layer(csrf)
        .layer(from_fn_with_state(state.clone(), host_check::check))
        .layer(from_fn_with_state(state.clone(), recognised::recognise))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(from_fn_with_state(headers::Https(https), headers::secure))
        .layer(from_fn_with_state(TrustedProxies::new(&options.trusted_proxy), forwarded::admit))
        .layer(TraceLayer::new_for_http())
        .with_state(state))
}

/// The routes beside pages, server functions and files, and who may use each.
fn plain() -> [(&'static str, Access, MethodRouter<AppState>); 11] {
    let deliveries = post(webhook::deliver).layer(DefaultBodyLimit::max(DELIVERY_BYTES));
    let invitation = get(invitation::page).layer(from_fn(pages::never_cached));
    let log_out = post(sso::log_out).layer(DefaultBodyLimit::max(sso::LOG_OUT_BYTES));
    [
        ("/healthz", Access::Anybody, get(healthy)),
        (AGENT_SOCKET, Access::Own, get(agent_socket::connect)),
        ("/webhooks/github", Access::Own, deliveries),
        ("/invite/{secret}", Access::Own, invitation),
        (backstay_app::sso::TO_PROVIDER, Access::Own, get(sso::leave)),
        (CALLBACK, Access::Own, get(sso::come_back)),
        (sso::LOG_OUT, Access::Own, log_out),
        ("/events", Access::Person(Action::ReadFleet), get(event_stream::stream)),
        ("/audit.csv", Access::Person(Action::Export), get(audit::csv)),
        ("/audit.json", Access::Person(Action::Export), get(audit::json)),
        ("/ops/{id}/output.txt", Access::Person(Action::ReadFleet), get(output::download)),
    ]
}

/// Rejects a request that, according to its headers, another site's page has sent. Behind a proxy that rewrites `Host`, requests from
/// our own pages look the same.
fn reject_other_site(_: ProtectionError) -> Response {
    let why = "The headers Origin and Host of this request name two sites, so nothing was changed. If this is your server behind \
               a proxy, have the proxy pass Host on (nginx: proxy_set_header Host $http_host;).";
    (StatusCode::FORBIDDEN, why).into_response()
}

/// The health check.
async fn healthy() -> StatusCode {
    StatusCode::NO_CONTENT
}
