//! The repository, its limits, and the authenticated user.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde_json::json;

use crate::shape;
use crate::state::TokenKind;
use crate::web::{Answered, Caller, Refusal, ok};
use crate::world::World;

pub(super) async fn show(State(world): State<Arc<World>>, Extension(caller): Extension<Caller>) -> Answered {
    let state = world.state.lock().await;
    ok(&shape::full_repository(&world.links, &state, caller.permission()))
}

pub(super) async fn rate_limit(State(world): State<Arc<World>>) -> Answered {
    ok(&world.door().limits.overview())
}

pub(super) async fn user(State(world): State<Arc<World>>, Extension(caller): Extension<Caller>) -> Answered {
    let Caller::Holder { login, kind, .. } = caller else {
        return Err(Refusal::new(http::StatusCode::UNAUTHORIZED, "Requires authentication"));
    };
    if kind == TokenKind::Installation {
        return Err(Refusal::forbidden("Resource not accessible by integration"));
    }
    let mut user = shape::user(&world.links, &login);
    for name in ["name", "company", "location", "email", "hireable", "bio"] {
        user[name] = json!(null);
    }
    for name in ["public_repos", "public_gists", "followers", "following"] {
        user[name] = json!(0);
    }
    user["blog"] = json!("");
    user["created_at"] = json!("2024-01-04T11:56:00Z");
    user["updated_at"] = json!("2024-01-04T11:56:00Z");
    ok(&user)
}
