//! Check runs and commit statuses.

use serde_json::{Value, json};

use super::user::number_of;
use super::{Links, node_id, repository};
use crate::state::{Check, State};

/// The time of every run.
const RAN: &str = "2026-01-04T11:56:00Z";

/// One page of a commit's check runs.
pub(crate) fn check_runs(links: &Links, sha: &str, total: usize, checks: &[Check]) -> Value {
    let runs: Vec<Value> = checks.iter().map(|check| check_run(links, sha, check)).collect();
    json!({ "total_count": total, "check_runs": runs })
}

fn check_run(links: &Links, sha: &str, check: &Check) -> Value {
    let id = number_of(&format!("{sha}{}", check.name));
    let url = links.repo(&format!("check-runs/{id}"));
    let page = links.page(&format!("runs/{id}"));
    json!({
        "id": id,
        "node_id": node_id("CheckRun", id),
        "name": check.name,
        "head_sha": sha,
        "external_id": "",
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": if check.conclusion.is_some() { "completed" } else { "in_progress" },
        "conclusion": check.conclusion,
        "started_at": RAN,
        "completed_at": check.conclusion.as_ref().map(|_| RAN),
        "output": {
            "title": null,
            "summary": null,
            "text": null,
            "annotations_count": 0,
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": { "id": number_of(sha) },
        "app": null,
        "pull_requests": [],
    })
}

/// All statuses of a commit, combined.
pub(crate) fn combined_status(links: &Links, state: &State, sha: &str) -> Value {
    let statuses = state.statuses.get(sha).cloned().unwrap_or_default();
    let has = |wanted: &[&str]| statuses.iter().any(|status| wanted.contains(&status.state.as_str()));
    let combined = match statuses.is_empty() {
        _ if has(&["failure", "error"]) => "failure",
        false if !has(&["pending"]) => "success",
        _ => "pending",
    };
    let shapes = statuses.iter().map(|status| {
        let id = number_of(&format!("{sha}{}", status.context));
        json!({
            "id": id,
            "node_id": node_id("StatusContext", id),
            "url": links.repo(&format!("statuses/{sha}")),
            "avatar_url": format!("{}/avatars/1?v=4", links.root),
            "state": status.state,
            "context": status.context,
            "description": null,
            "target_url": null,
            "created_at": RAN,
            "updated_at": RAN,
        })
    });
    json!({
        "state": combined,
        "sha": sha,
        "total_count": statuses.len(),
        "statuses": shapes.collect::<Vec<_>>(),
        "repository": repository(links, state),
        "commit_url": links.repo(&format!("commits/{sha}")),
        "url": links.repo(&format!("commits/{sha}/status")),
    })
}
