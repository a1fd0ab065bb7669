//! The pages and their server functions.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use backstay_app::session::PublicOrigin;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, handle_server_fns_with_context};
use tower_http::compression::CompressionLayer;

use super::AppState;
use super::failure::{Deadlines, run_to_completion};
use super::refusals;

/// Pages and server functions.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let provide = {
        let state = state.clone();
        move || provide(&state)
    };
    let shell = {
        let (options, version) = (state.leptos.clone(), state.files.clone());
        move || backstay_app::shell(&options, version.as_str())
    };
    let routes = generate_route_list(backstay_app::App);
    Router::new()
        .route("/api/{*name}", any(server_function))
        .leptos_routes_with_context(state, routes, provide, shell)
        .layer(from_fn_with_state(Deadlines::new(&state.lifecycle), run_to_completion))
        .layer(from_fn(refusals::only_ours))
        .layer(from_fn(never_cached))
        .layer(CompressionLayer::new().gzip(true))
}

async fn server_function(
    State(state): State<AppState>,
    Path(_name): Path<String>,
    request: Request,
) -> Response {
    handle_server_fns_with_context(move || provide(&state), request).await.into_response()
}

/// Provides the context of pages and server functions.
fn provide(state: &AppState) {
    provide_context(state.fleet.clone());
    provide_context(PublicOrigin(state.public.origin.clone()));
}

/// Pages hold live data and must not be cached.
async fn never_cached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
