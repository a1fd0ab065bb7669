//! `commits`: the history, and each commit's details.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;

use super::{checks, missing, pulls};
use crate::push::resolve;
use crate::shape;
use crate::web::{Answered, OriginalUri, Page, Refusal, ok};
use crate::world::World;

#[derive(Deserialize)]
pub(super) struct Filter {
    sha: Option<String>,
    path: Option<String>,
}

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Query(filter): Query<Filter>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
) -> Answered {
    let state = world.state.lock().await;
    let start = filter.sha.as_deref().unwrap_or(&state.default_branch);
    let Some(start) = resolve(&world, start).await? else {
        return Err(missing(&world, Refusal::not_found()).await);
    };
    let (shas, has_more) =
        world.git.history(&start.sha, filter.path.as_deref(), page.skip(), page.size()).await?;
    listed(&world, &shas, page, &uri, has_more).await
}

/// Answers with a page of commits.
pub(super) async fn listed(
    world: &World,
    shas: &[String],
    page: Page,
    uri: &http::Uri,
    has_more: bool,
) -> Answered {
    let commits = world.git.commits(shas).await?;
    let shapes = commits.iter().map(|commit| shape::commit(&world.links, commit)).collect();
    Ok(page.link(ok(&Value::Array(shapes))?, &world.links.root, uri, has_more))
}

/// `commits/{ref}` and the paths below it: a branch may have slashes in its name.
pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
    headers: HeaderMap,
) -> Answered {
    let state = world.state.lock().await;
    let unknown = |name: &str| Refusal::unprocessable(format!("No commit found for SHA: {name}"));
    if let Some(name) = path.strip_suffix("/check-runs") {
        let commit = resolve(&world, name).await?.ok_or_else(|| unknown(name))?;
        return checks::runs(&world, &state, &commit.sha, page, &uri);
    }
    if let Some(name) = path.strip_suffix("/pulls") {
        let Some(commit) = resolve(&world, name).await? else {
            return Err(missing(&world, unknown(name)).await);
        };
        return pulls::of_commit(&world, &state, &commit.sha, page, &uri).await;
    }
    if let Some(name) = path.strip_suffix("/status") {
        let commit = resolve(&world, name).await?.ok_or_else(Refusal::not_found)?;
        return ok(&shape::combined_status(&world.links, &state, &commit.sha));
    }
    let Some(commit) = resolve(&world, &path).await? else {
        return Err(missing(&world, unknown(&path)).await);
    };
    if accepts_sha(&headers) {
        return Ok(only_sha(commit.sha));
    }
    let parent = commit.parents.first().map(String::as_str);
    let files = world.git.changed_files(parent, &commit.sha).await?;
    ok(&shape::commit_with_files(&world.links, &commit, &files))
}

fn accepts_sha(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with("application/vnd.github") && accept.contains("sha"))
}

fn only_sha(sha: String) -> Response {
    ([(header::CONTENT_TYPE, "application/vnd.github.sha; charset=utf-8")], sha).into_response()
}
