//! Authentication for the routes beside the pages.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use backstay_app::session::{self, PublicOrigin};
use backstay_fleet::Fleet;
use backstay_fleet::accounts::Actor;

/// The session of somebody who is logged in. A handler that extracts it runs for nobody else.
pub(crate) struct LoggedIn {
    /// The session's token.
    pub(crate) token: String,
    /// The person.
    pub(crate) actor: Actor,
}

impl<S> FromRequestParts<S> for LoggedIn
where
    S: Send + Sync,
    Fleet: FromRef<S>,
    PublicOrigin: FromRef<S>,
{
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let public = PublicOrigin::from_ref(state);
        let token = session::token_in(&parts.headers, &public).ok_or(StatusCode::UNAUTHORIZED)?;
        match Fleet::from_ref(state).accounts().peek(&token).await {
            Ok(Some(actor)) => Ok(Self { token, actor }),
            Ok(None) => Err(StatusCode::UNAUTHORIZED),
            Err(error) => {
                tracing::error!(%error, "the session could not be looked up");
                Err(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }
}
