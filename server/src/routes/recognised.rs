//! Whose a connection is: one that shows a session keeps its place when strangers crowd in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use backstay_app::session;
use backstay_fleet::Fleet;

use crate::listen::Place;

/// Gives the connection to the person whose session the request shows. Looked up once for each connection: what the
/// person may do is asked again by each handler.
pub(super) async fn recognise(State(fleet): State<Fleet>, request: Request, next: Next) -> Response {
    let place = request.extensions().get::<Arc<Place>>().filter(|place| place.is_strangers()).cloned();
    if let (Some(place), Some(token)) = (place, session::token_in(request.headers()))
        && let Ok(Some(person)) = fleet.accounts().session(&token).await
    {
        place.give_to_person(&person.name);
    }
    next.run(request).await
}
