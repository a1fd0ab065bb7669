//! The gallery of the page's components, in debug builds. It shows no real host.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use leptos_axum::render_app_async;

use super::AppState;

/// The style sheet of the gallery.
const STYLE: &str = include_str!("../../../style/gallery.css");

/// The addresses of the gallery.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let shell = {
        let (options, version) = (state.leptos.clone(), state.files.clone());
        move || backstay_app::gallery(&options, version.as_str())
    };
    Router::new()
        .route("/gallery", get(render_app_async(shell.clone())))
        .route("/gallery/{scene}", get(render_app_async(shell)))
        .route("/gallery.css", get(style))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}
