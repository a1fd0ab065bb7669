//! `GET /invite/{secret}`: the page on which an invited person chooses a password.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backstay_app::OpenInvitation;
use leptos::prelude::provide_context;
use leptos_axum::render_app_async_with_context;

use super::AppState;
use super::pages::provide;

/// Shows the form of an open invitation, or says that there is none.
pub(super) async fn page(
    State(state): State<AppState>,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let invitation = match state.fleet.accounts().invitation(&secret).await {
        Ok(invitation) => invitation,
        Err(error) => {
            tracing::error!(%error, "an invitation could not be looked up");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let open = OpenInvitation { secret, invitation };
    let (options, version) = (state.leptos.clone(), state.files.clone());
    let context = move || {
        provide(&state);
        provide_context(open.clone());
    };
    let shell = move || backstay_app::invitation(&options, version.as_str());
    render_app_async_with_context(context, shell)(request).await
}
