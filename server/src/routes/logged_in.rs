//! Authentication for the routes beside the pages.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use backstay_app::session::{self, PublicOrigin};
use backstay_fleet::Fleet;
use backstay_fleet::accounts::Actor;

use super::access::Access;

/// The session of somebody who is logged in and may do what the route is for. A handler that extracts it runs for nobody else, and
/// for nobody at all on a route that is not for people.
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
        let Some(Access::Person(action)) = parts.extensions.get().copied() else {
            return Err(StatusCode::FORBIDDEN);
        };
        match Fleet::from_ref(state).accounts().peek(&token).await {
            Ok(Some(actor)) if actor.require_somewhere(action).is_ok() => Ok(Self { token, actor }),
            Ok(Some(_)) => Err(StatusCode::FORBIDDEN),
            Ok(None) => Err(StatusCode::UNAUTHORIZED),
            Err(error) => {
                tracing::error!(%error, "the session could not be looked up");
                Err(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }
}
