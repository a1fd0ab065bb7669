//! The pages and their server functions.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use backstay_app::session::BehindHttps;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, handle_server_fns_with_context};
use tower_http::services::{ServeDir, ServeFile};

use super::AppState;
use super::failure::{Ending, to_the_end};

/// The files beside the pages: the icon, and what makes the page one that can be installed.
const FILES: [&str; 6] =
    ["favicon.svg", "icon-192.png", "icon-512.png", "manifest.webmanifest", "offline.html", "sw.js"];

/// Pages, server functions and the files that pages load.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let site = std::path::PathBuf::from(state.leptos.site_root.as_ref());
    let provide = {
        let state = state.clone();
        move || provide(&state)
    };
    let shell = {
        let options = state.leptos.clone();
        move || backstay_app::shell(options.clone())
    };
    let routes = generate_route_list(backstay_app::App);
    let mut pages = Router::new();
    for name in FILES {
        pages = pages.route_service(&format!("/{name}"), ServeFile::new(site.join(name)));
    }
    pages
        .route("/api/{*name}", any(server_function))
        .nest_service("/pkg", ServeDir::new(site.join("pkg")))
        .leptos_routes_with_context(state, routes, provide, shell)
        .layer(from_fn_with_state(Ending::new(&state.lifecycle), to_the_end))
        .layer(from_fn(revalidate))
}

async fn server_function(
    State(state): State<AppState>,
    Path(_name): Path<String>,
    request: Request,
) -> Response {
    handle_server_fns_with_context(move || provide(&state), request).await.into_response()
}

/// What pages and server functions find in their context.
fn provide(state: &AppState) {
    provide_context(state.fleet.clone());
    provide_context(BehindHttps(state.public.is_https()));
}

/// Pages hold live data and are never kept; files are asked for anew each time, and answered with 304 where they are
/// the same.
async fn revalidate(request: Request, next: Next) -> Response {
    let is_file = request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    let value = if is_file { "no-cache" } else { "no-store" };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(value));
    response
}
