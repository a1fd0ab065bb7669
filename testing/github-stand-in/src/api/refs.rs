//! `git/ref` and `git/refs`: branches as git stores them.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::missing;
use crate::git::{Kind, Moved};
use crate::push::push;
use crate::shape;
use crate::state::State as Facts;
use crate::web::{Answered, Caller, Refusal, created, no_content, ok, read_body};
use crate::world::World;

fn shape(world: &World, branch: &str, sha: &str) -> Value {
    json!({
        "ref": format!("refs/heads/{branch}"),
        "node_id": shape::node_id("Ref", format!("refs/heads/{branch}")),
        "url": world.links.repo(&format!("git/refs/heads/{branch}")),
        "object": { "type": "commit", "sha": sha, "url": world.links.repo(&format!("git/commits/{sha}")) },
    })
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(branch): Path<String>) -> Answered {
    let _one_at_a_time = world.state.lock().await;
    let Some(sha) = world.git.branch(&branch).await? else {
        return Err(missing(&world, Refusal::not_found()).await);
    };
    ok(&shape(&world, &branch, &sha))
}

pub(super) async fn matching(State(world): State<Arc<World>>, Path(prefix): Path<String>) -> Answered {
    let _one_at_a_time = world.state.lock().await;
    if world.git.is_empty().await? {
        return Err(missing(&world, Refusal::not_found()).await);
    }
    let found = world.git.branches(&prefix).await?;
    ok(&found.iter().map(|(branch, sha)| shape(&world, branch, sha)).collect::<Vec<Value>>().into())
}

#[derive(Deserialize)]
struct NewRef {
    r#ref: String,
    sha: String,
}

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answered {
    let wanted: NewRef = read_body(&body)?;
    let mut state = world.state.lock().await;
    let branch = wanted.r#ref.strip_prefix("refs/heads/").filter(|branch| !branch.is_empty());
    let branch = branch.ok_or_else(|| {
        Refusal::unprocessable(
            "Reference name must start with 'refs/heads/': the stand-in has branches only.",
        )
    })?;
    if !world.git.is_branch_name(&wanted.r#ref).await? {
        return Err(Refusal::unprocessable(format!("{} is not a valid ref name.", wanted.r#ref)));
    }
    if world.git.branch(branch).await?.is_some() {
        return Err(Refusal::unprocessable("Reference already exists"));
    }
    must_be_commit(&world, &wanted.sha).await?;
    if state.no_branches.as_ref().is_some_and(|prefix| branch.starts_with(prefix)) {
        return Err(Refusal::unprocessable(
            "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n",
        ));
    }
    let moved = Moved { branch: branch.to_owned(), before: None, after: Some(wanted.sha.clone()) };
    // git refuses a branch with the name of a folder of branches.
    push(&world, &mut state, moved, caller.login())
        .await
        .map_err(|_| Refusal::unprocessable("Reference update failed"))?;
    created(&shape(&world, branch, &wanted.sha))
}

#[derive(Deserialize)]
struct Update {
    sha: String,
    #[serde(default)]
    force: bool,
}

pub(super) async fn update(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(branch): Path<String>,
    body: Bytes,
) -> Answered {
    let wanted: Update = read_body(&body)?;
    let mut state = world.state.lock().await;
    let before = must_exist(&world, &branch).await?;
    must_be_commit(&world, &wanted.sha).await?;
    let is_forward = world.git.contains(&wanted.sha, &before).await?;
    if !is_forward && !wanted.force {
        return Err(Refusal::unprocessable("Update is not a fast forward"));
    }
    if before != wanted.sha {
        must_be_allowed(&state, &branch, &caller)?;
        if !is_forward && state.protection.contains_key(&branch) {
            return Err(Refusal::unprocessable("Cannot force-push to this branch"));
        }
        let moved = Moved { branch: branch.clone(), before: Some(before), after: Some(wanted.sha.clone()) };
        push(&world, &mut state, moved, caller.login()).await?;
    }
    ok(&shape(&world, &branch, &wanted.sha))
}

pub(super) async fn remove(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(branch): Path<String>,
) -> Answered {
    let mut state = world.state.lock().await;
    let before = must_exist(&world, &branch).await?;
    if state.default_branch == branch || state.protection.contains_key(&branch) {
        return Err(Refusal::unprocessable("Cannot delete this branch"));
    }
    let moved = Moved { branch, before: Some(before), after: None };
    push(&world, &mut state, moved, caller.login()).await?;
    no_content()
}

async fn must_exist(world: &World, branch: &str) -> Result<String, Refusal> {
    match world.git.branch(branch).await? {
        Some(sha) => Ok(sha),
        None => Err(missing(world, Refusal::unprocessable("Reference does not exist")).await),
    }
}

async fn must_be_commit(world: &World, sha: &str) -> Result<(), Refusal> {
    let is_hash = sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(Refusal::unprocessable(
            "The sha parameter must be exactly 40 characters and contain only [0-9a-f].",
        ));
    }
    match world.git.kind_of(sha).await? {
        Some(Kind::Commit) => Ok(()),
        Some(_) => Err(Refusal::unprocessable("Object is not a commit")),
        None => Err(missing(world, Refusal::unprocessable("Object does not exist")).await),
    }
}

/// Checks that the branch's rules let this caller push.
fn must_be_allowed(state: &Facts, branch: &str, caller: &Caller) -> Result<(), Refusal> {
    let broken = state.protection.get(branch).and_then(|protection| {
        let why = protection.against_push(caller.login())?;
        let refusal = Refusal::unprocessable(why);
        Some(match protection.kind {
            crate::state::ProtectionKind::Classic => {
                refusal.documented("https://docs.github.com/articles/about-protected-branches")
            }
            crate::state::ProtectionKind::Ruleset => refusal,
        })
    });
    broken.map_or(Ok(()), Err)
}
