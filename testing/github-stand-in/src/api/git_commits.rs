//! `git/commits`: commits as git stores them.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::missing;
use crate::git::{Kind, NewCommit, Person};
use crate::shape;
use crate::web::{Answered, Caller, Refusal, created, ok, read_body};
use crate::world::World;

pub(super) async fn show(State(world): State<Arc<World>>, Path(sha): Path<String>) -> Answered {
    let is_hash = sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(Refusal::not_found());
    }
    let Some(commit) = world.git.commit(&sha).await? else {
        return Err(missing(&world, Refusal::not_found()).await);
    };
    ok(&shape::git_commit(&world.links, &commit))
}

#[derive(Deserialize)]
struct Wanted {
    message: String,
    tree: String,
    #[serde(default)]
    parents: Vec<String>,
    author: Option<Signature>,
    committer: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    name: String,
    email: String,
    date: Option<DateTime<Utc>>,
}

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answered {
    let wanted: Wanted = read_body(&body)?;
    if world.git.kind_of(&wanted.tree).await? != Some(Kind::Tree) {
        return Err(missing(&world, Refusal::unprocessable("Tree SHA does not exist")).await);
    }
    for parent in &wanted.parents {
        if world.git.kind_of(parent).await? != Some(Kind::Commit) {
            return Err(Refusal::unprocessable("Parent SHA does not exist or is not a commit object"));
        }
    }
    let caller = world.person(caller.login());
    let person = |signature: Signature| {
        let at = signature.date.unwrap_or(caller.at);
        Person { name: signature.name, email: signature.email, at }
    };
    let author = wanted.author.map_or_else(|| caller.clone(), person);
    let committer = wanted.committer.map_or_else(|| author.clone(), person);
    let new =
        NewCommit { tree: wanted.tree, parents: wanted.parents, author, committer, message: wanted.message };
    let sha = world.git.make_commit(&new).await?;
    let commit = world.git.commit(&sha).await?.ok_or_else(Refusal::not_found)?;
    created(&shape::git_commit(&world.links, &commit))
}
