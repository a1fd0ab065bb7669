//! Single sign-on: to the provider, back from it, and the provider's word that somebody has logged out there.

use std::sync::Once;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_app::session::PublicOrigin;
use backstay_app::sso;
use backstay_fleet::Fleet;
use backstay_fleet::accounts::EndError;
use backstay_fleet::sso::LogOutError;
use serde::Deserialize;

/// The path that the provider calls when somebody has logged out there.
pub(super) const LOG_OUT: &str = "/sso/back-channel-log-out";
/// The largest body of such a call, in bytes.
pub(super) const LOG_OUT_BYTES: usize = 32 * 1024;

/// Whether a call with a token that does not hold was logged.
static LOGGED: Once = Once::new();

/// `GET /sso/log-in`: sends the browser to the provider.
pub(super) async fn leave(
    State(fleet): State<Fleet>,
    State(public): State<PublicOrigin>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    sso::leave(fleet.accounts(), &parts, &public).await
}

/// `GET /sso/callback`: the browser is back from the provider.
pub(super) async fn come_back(
    State(fleet): State<Fleet>,
    State(public): State<PublicOrigin>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    sso::come_back(fleet.accounts(), &parts, &public).await
}

/// The provider's word.
#[derive(Debug, Deserialize)]
pub(super) struct LogOut {
    logout_token: String,
}

/// `POST /sso/back-channel-log-out`: ends the sessions of somebody who has logged out at the provider. The answer is 200 if none
/// is left, 400 if the token does not hold, 404 without a provider, and 503 if its keys or the database cannot be read (OpenID
/// Connect Back-Channel Logout 1.0, section 2.8).
pub(super) async fn log_out(
    State(fleet): State<Fleet>,
    said: Result<Form<LogOut>, FormRejection>,
) -> Response {
    let status = match said {
        Ok(Form(said)) => ended(fleet.accounts().end_by_provider(&said.logout_token).await.err()),
        Err(_) => StatusCode::BAD_REQUEST,
    };
    (status, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

fn ended(error: Option<EndError>) -> StatusCode {
    match error {
        None => StatusCode::OK,
        Some(EndError::Unavailable) => StatusCode::NOT_FOUND,
        Some(EndError::Token(LogOutError::Unreachable)) => StatusCode::SERVICE_UNAVAILABLE,
        Some(EndError::Token(error)) => {
            // Once, so that strangers do not fill the log.
            LOGGED.call_once(
                || tracing::warn!(%error, "a log-out was reported with a token that does not hold"),
            );
            StatusCode::BAD_REQUEST
        }
        Some(EndError::Store(error)) => {
            tracing::error!(%error, "a log-out at the provider could not be recorded");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
