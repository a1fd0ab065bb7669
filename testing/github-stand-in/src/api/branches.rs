//! `branches`, and the rules of each.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

use crate::shape;
use crate::state::{Permission, Protection, ProtectionKind};
use crate::web::{Answered, Caller, Refusal, ok};
use crate::world::World;

/// `branches/{branch}` and `branches/{branch}/protection`: a branch may have slashes in its name.
pub(super) async fn show(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<String>,
) -> Answered {
    if let Some(branch) = path.strip_suffix("/protection") {
        return protection(&world, branch, &caller).await;
    }
    let state = world.state.lock().await;
    let branch_not_found = || Refusal::new(StatusCode::NOT_FOUND, "Branch not found");
    let sha = world.git.branch(&path).await?.ok_or_else(branch_not_found)?;
    let commit = world.git.commit(&sha).await?.ok_or_else(branch_not_found)?;
    let protection = state.protection.get(&path);
    ok(&json!({
        "name": path,
        "commit": shape::commit(&world.links, &commit),
        "_links": {
            "self": world.links.repo(&format!("branches/{path}")),
            "html": world.links.page(&format!("tree/{path}")),
        },
        "protected": protection.is_some(),
        "protection": summary(protection),
        "protection_url": world.links.repo(&format!("branches/{path}/protection")),
    }))
}

/// The part of a protection that everybody sees.
fn summary(protection: Option<&Protection>) -> Value {
    let checks = protection.map(|protection| protection.checks.clone()).unwrap_or_default();
    let level = if checks.is_empty() { "off" } else { "everyone" };
    let entries: Vec<Value> =
        checks.iter().map(|check| json!({ "context": check, "app_id": null })).collect();
    json!({
        "enabled": protection.is_some(),
        "required_status_checks": { "enforcement_level": level, "contexts": checks, "checks": entries },
    })
}

async fn protection(world: &World, branch: &str, caller: &Caller) -> Answered {
    let state = world.state.lock().await;
    if world.git.branch(branch).await?.is_none() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Branch not found"));
    }
    if caller.permission() < Permission::Admin {
        return Err(Refusal::not_found());
    }
    match state.protection.get(branch) {
        Some(found) if found.kind == ProtectionKind::Classic => {
            ok(&shape::protection(&world.links, branch, found))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "Branch not protected")),
    }
}

pub(super) async fn rules(State(world): State<Arc<World>>, Path(branch): Path<String>) -> Answered {
    let state = world.state.lock().await;
    // Answered for any name, whether there is such a branch or not.
    let ruleset = state.protection.get(&branch).filter(|found| found.kind == ProtectionKind::Ruleset);
    let is_closed = state.no_branches.as_ref().is_some_and(|prefix| branch.starts_with(prefix));
    ok(&shape::rules(&world.links, ruleset, is_closed))
}
