//! `pulls/{number}/merge`: merges a pull request.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::git::Moved;
use crate::merge::{Method, Wording, make};
use crate::push::{close, push};
use crate::state::{MergeMethods, Pull, State as Facts};
use crate::web::{Answered, Caller, Refusal, no_content, ok, read_body};
use crate::world::World;

#[derive(Deserialize)]
struct Wanted {
    sha: Option<String>,
    merge_method: Option<Method>,
    commit_title: Option<String>,
    commit_message: Option<String>,
}

pub(super) async fn is_merged(State(world): State<Arc<World>>, Path(number): Path<u64>) -> Answered {
    let state = world.state.lock().await;
    let is_merged = state.pulls.get(&number).is_some_and(|pull| pull.merged.is_some());
    if is_merged { no_content() } else { Err(Refusal::not_found()) }
}

pub(super) async fn merge(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u64>,
    body: Bytes,
) -> Answered {
    let wanted: Wanted = read_body(&body)?;
    let mut state = world.state.lock().await;
    let pull = state.pulls.get(&number).ok_or_else(Refusal::not_found)?.clone();
    let method = wanted.merge_method.unwrap_or(Method::Merge);
    must_be_mergeable(&state, &pull, method)?;
    if wanted.sha.is_some_and(|sha| sha != pull.head_sha) {
        let said = "Head branch was modified. Review and try the merge again.";
        return Err(Refusal::new(StatusCode::CONFLICT, said));
    }
    let base = world.git.branch(&pull.base).await?.ok_or_else(not_mergeable)?;
    let base = world.git.commit(&base).await?.ok_or_else(not_mergeable)?;
    let wording = Wording { title: wanted.commit_title, message: wanted.commit_message };
    let login = caller.login();
    let Some(sha) = make(&world, &pull, &base, method, &wording, login).await? else {
        return Err(match method {
            Method::Rebase => not_allowed("This branch can't be rebased"),
            Method::Merge | Method::Squash => not_mergeable(),
        });
    };
    // Closed first: the push that follows would otherwise be mistaken for somebody else's merge.
    let merged = (Some(base.sha.clone()), sha.clone());
    close(&world, &mut state, number, login, Some(merged)).await?;
    if sha != base.sha {
        let moved = Moved { branch: pull.base, before: Some(base.sha), after: Some(sha.clone()) };
        push(&world, &mut state, moved, login).await?;
    }
    ok(&json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" }))
}

fn not_allowed(why: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why)
}

fn not_mergeable() -> Refusal {
    not_allowed("Pull Request is not mergeable")
}

fn must_be_mergeable(state: &Facts, pull: &Pull, method: Method) -> Result<(), Refusal> {
    let MergeMethods { merge, squash, rebase } = state.methods;
    match method {
        Method::Merge if !merge => {
            return Err(not_allowed("Merge commits are not allowed on this repository."));
        }
        Method::Squash if !squash => {
            return Err(not_allowed("Squash merges are not allowed on this repository."));
        }
        Method::Rebase if !rebase => {
            return Err(not_allowed("Rebase merges are not allowed on this repository."));
        }
        _ if !pull.is_open() => return Err(not_mergeable()),
        _ if pull.is_draft => return Err(not_allowed("Pull Request is still a draft")),
        _ => {}
    }
    let passed = |check: &str| state.passed(&pull.head_sha, check);
    match state.protection.get(&pull.base).and_then(|protection| protection.against_merge(passed)) {
        Some(why) => Err(not_allowed(why)),
        None => Ok(()),
    }
}
