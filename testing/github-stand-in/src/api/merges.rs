//! `merges`: merges a branch or a commit into another branch.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;

use crate::git::{Merge, Moved, NewCommit};
use crate::push::{push, resolve};
use crate::shape;
use crate::web::{Answered, Caller, Refusal, created, no_content, read_body};
use crate::world::World;

#[derive(Deserialize)]
struct Wanted {
    base: String,
    head: String,
    commit_message: Option<String>,
}

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answered {
    let wanted: Wanted = read_body(&body)?;
    let mut state = world.state.lock().await;
    let missing = |what: &str| Refusal::new(StatusCode::NOT_FOUND, format!("{what} does not exist"));
    let base = world.git.branch(&wanted.base).await?.ok_or_else(|| missing("Base"))?;
    let head = resolve(&world, &wanted.head).await?.ok_or_else(|| missing("Head"))?;
    if world.git.contains(&base, &head.sha).await? {
        return no_content();
    }
    let protection = state.protection.get(&wanted.base);
    if let Some(why) = protection.and_then(|protection| protection.against_push(caller.login())) {
        return Err(Refusal::forbidden(why));
    }
    let Merge::Tree(tree) = world.git.merge(&base, &head.sha).await? else {
        return Err(Refusal::new(StatusCode::CONFLICT, "Merge conflict"));
    };
    let default = || format!("Merge {} into {}", wanted.head, wanted.base);
    let commit = NewCommit {
        tree,
        parents: vec![base.clone(), head.sha],
        author: world.person(caller.login()),
        committer: world.github(),
        message: wanted.commit_message.clone().unwrap_or_else(default),
    };
    let sha = world.git.make_commit(&commit).await?;
    let moved = Moved { branch: wanted.base, before: Some(base.clone()), after: Some(sha.clone()) };
    push(&world, &mut state, moved, caller.login()).await?;
    let merged = world.git.commit(&sha).await?.ok_or_else(Refusal::not_found)?;
    let files = world.git.changed_files(Some(&base), &sha).await?;
    created(&shape::commit_with_files(&world.links, &merged, &files))
}
