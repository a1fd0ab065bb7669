//! The endpoints.

mod app;
mod branches;
mod checks;
mod commits;
mod compare;
mod contents;
mod git_commits;
mod html;
mod merges;
mod pull_merge;
mod pulls;
mod refs;
mod repository;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, patch, post, put};
use http::StatusCode;

use crate::web::Refusal;
use crate::world::World;

pub(crate) use html::page;
pub(crate) use pulls::{Opening, open, shown};

/// Explains why something is missing: with this refusal, or because the repository is still empty.
async fn missing(world: &World, refusal: Refusal) -> Refusal {
    match world.git.is_empty().await {
        Ok(true) => Refusal::new(StatusCode::CONFLICT, "Git Repository is empty."),
        Ok(false) => refusal,
        Err(error) => error.into(),
    }
}

/// Every endpoint. The paths within the repository lie at `/repo`, however the client named it.
pub(crate) fn router(world: Arc<World>) -> Router {
    let repository = Router::new()
        .route("/", get(repository::show))
        .route("/installation", get(app::of_repository))
        .route("/git/ref/heads/{*branch}", get(refs::show))
        .route("/git/matching-refs/heads/{*prefix}", get(refs::matching))
        .route("/git/refs", post(refs::create))
        .route("/git/refs/heads/{*branch}", patch(refs::update).delete(refs::remove))
        .route("/git/commits", post(git_commits::create))
        .route("/git/commits/{sha}", get(git_commits::show))
        .route("/branches/{*branch}", get(branches::show))
        .route("/rules/branches/{*branch}", get(branches::rules))
        .route("/commits", get(commits::list))
        .route("/commits/{*reference}", get(commits::show))
        .route("/compare/{*range}", get(compare::show))
        .route("/merges", post(merges::create))
        .route("/contents/{*path}", get(contents::show))
        .route("/pulls", get(pulls::list).post(pulls::create))
        .route("/pulls/{number}", get(pulls::show).patch(pulls::update))
        .route("/pulls/{number}/commits", get(pulls::commits))
        .route("/pulls/{number}/files", get(pulls::files))
        .route("/pulls/{number}/merge", put(pull_merge::merge).get(pull_merge::is_merged));
    Router::new()
        .nest("/repo", repository)
        .route("/rate_limit", get(repository::rate_limit))
        .route("/user", get(repository::user))
        .route("/app", get(app::show))
        .route("/app/installations/{id}/access_tokens", post(app::create_token))
        .fallback(async || Refusal::not_found())
        .with_state(world)
}
