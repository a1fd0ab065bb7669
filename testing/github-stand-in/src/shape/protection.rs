//! Protected branches and rulesets.

use serde_json::{Value, json};

use super::Links;
use crate::state::Protection;

/// `GET branches/{branch}/protection`
pub(crate) fn protection(links: &Links, branch: &str, protection: &Protection) -> Value {
    let url = links.repo(&format!("branches/{branch}/protection"));
    let off = json!({ "enabled": false });
    let mut shape = json!({
        "url": url,
        "required_signatures": { "url": format!("{url}/required_signatures"), "enabled": false },
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": true },
        "required_linear_history": off,
        "allow_force_pushes": off,
        "allow_deletions": off,
        "block_creations": off,
        "required_conversation_resolution": off,
        "lock_branch": off,
        "allow_fork_syncing": off,
    });
    if protection.pull_requests_only {
        shape["required_pull_request_reviews"] = json!({
            "url": format!("{url}/required_pull_request_reviews"),
            "dismiss_stale_reviews": false,
            "require_code_owner_reviews": false,
            "require_last_push_approval": false,
            "required_approving_review_count": protection.approvals,
        });
    }
    if !protection.checks.is_empty() {
        shape["required_status_checks"] = json!({
            "url": format!("{url}/required_status_checks"),
            "strict": false,
            "contexts": protection.checks,
            "contexts_url": format!("{url}/required_status_checks/contexts"),
            "checks": checks("app_id", protection),
        });
    }
    shape
}

/// `GET rules/branches/{branch}`
pub(crate) fn rules(links: &Links, protection: Option<&Protection>, no_creations: bool) -> Value {
    let rule = |kind: &str, parameters: Option<Value>| {
        let mut rule = json!({
            "type": kind,
            "ruleset_source_type": "Repository",
            "ruleset_source": format!("{}/{}", links.owner, links.name),
            "ruleset_id": 42,
        });
        if let Some(parameters) = parameters {
            rule["parameters"] = parameters;
        }
        rule
    };
    let mut rules = vec![];
    if no_creations {
        rules.push(rule("creation", None));
    }
    let Some(protection) = protection else { return Value::Array(rules) };
    rules.extend([rule("deletion", None), rule("non_fast_forward", None)]);
    if protection.pull_requests_only {
        let parameters = json!({
            "required_approving_review_count": protection.approvals,
            "dismiss_stale_reviews_on_push": false,
            "require_code_owner_review": false,
            "require_last_push_approval": false,
            "required_review_thread_resolution": false,
            "allowed_merge_methods": ["merge", "squash", "rebase"],
        });
        rules.push(rule("pull_request", Some(parameters)));
    }
    if !protection.checks.is_empty() {
        let parameters = json!({
            "strict_required_status_checks_policy": false,
            "required_status_checks": checks("integration_id", protection),
        });
        rules.push(rule("required_status_checks", Some(parameters)));
    }
    Value::Array(rules)
}

fn checks(app: &str, protection: &Protection) -> Vec<Value> {
    protection
        .checks
        .iter()
        .map(|check| {
            let mut shape = json!({ "context": check });
            if app == "app_id" {
                shape[app] = Value::Null;
            }
            shape
        })
        .collect()
}
