//! GitHub Apps: their identity, and the tokens of their installations.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use crate::shape;
use crate::state::{App, Token};
use crate::web::{Answered, Caller, Refusal, created, ok};
use crate::world::World;

/// Lifetime of an installation's token.
const TOKEN_LASTS: TimeDelta = TimeDelta::hours(1);

fn app<'a>(world: &'a World, caller: &Caller) -> Result<&'a App, Refusal> {
    let no = || Refusal::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    if *caller == Caller::App { world.app.as_ref().ok_or_else(no) } else { Err(no()) }
}

pub(super) async fn show(State(world): State<Arc<World>>, Extension(caller): Extension<Caller>) -> Answered {
    ok(&shape::integration(&world.links, app(&world, &caller)?))
}

pub(super) async fn of_repository(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
) -> Answered {
    ok(&shape::installation(&world.links, app(&world, &caller)?))
}

pub(super) async fn create_token(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(installation): Path<u64>,
) -> Answered {
    let app = app(&world, &caller)?;
    if installation != app.installation {
        return Err(Refusal::not_found());
    }
    let expires = world.clock.now() + TOKEN_LASTS;
    let secret = format!("ghs_{}{}", uuid::Uuid::now_v7().simple(), "0000");
    let shape = shape::installation(&world.links, app);
    world.door().tokens.push(Token::of_installation(app, secret.clone(), expires));
    created(&json!({
        "token": secret,
        "expires_at": shape::time(expires),
        "permissions": shape["permissions"],
        "repository_selection": "selected",
    }))
}
