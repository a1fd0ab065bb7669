//! Assigns connections to people: a connection with a session keeps its place during a flood.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use backstay_app::session::{self, PublicOrigin};
use backstay_fleet::Fleet;

use crate::listen::Place;

/// Gives the connection to the person whose session the request presents. Looks the session up once for each connection; each handler
/// checks the person's role itself.
pub(super) async fn recognise(
    State(fleet): State<Fleet>,
    State(public): State<PublicOrigin>,
    request: Request,
    next: Next,
) -> Response {
    let place = request.extensions().get::<Arc<Place>>().filter(|place| place.is_unauthenticated()).cloned();
    if let (Some(place), Some(token)) = (place, session::token_in(request.headers(), &public))
        && let Ok(Some(actor)) = fleet.accounts().peek(&token).await
    {
        place.give_to_person(actor.name());
    }
    next.run(request).await
}
