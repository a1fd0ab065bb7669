//! Server functions: what a page reads and what a person does. Each except the log-in checks the person
//! first, as `guard.rs` says.

mod access;
mod compare;
mod deployments;
mod fleet;
#[cfg(feature = "ssr")]
mod guard;
mod host;
mod ops;
#[cfg(feature = "ssr")]
mod people;
#[cfg(feature = "ssr")]
mod pins;
mod records;
mod rollback;
mod rollouts;
#[cfg(feature = "ssr")]
mod saved_views;
#[cfg(feature = "ssr")]
mod second_factor;
mod written;

pub use access::{LogIn, LogOut, log_in, log_out};
pub use compare::{Changes, CompareGenerations, compare_generations};
pub use deployments::{
    ContinueAnyway, DeploymentRead, DeploymentsRead, LoadDeployment, LoadDeployments, LoadRevertEffects,
    MergePullRequest, RevertPullRequest, continue_anyway, load_deployment, load_deployments,
    load_revert_effects, merge_pull_request, revert_pull_request,
};
pub use fleet::{Address, MakeJoinToken, SetView, Start, StartPage, make_join_token, set_view, start_page};
#[cfg(feature = "ssr")]
pub(crate) use guard::Guarded;
#[cfg(feature = "ssr")]
pub use guard::{GUARDED, OPEN};
pub use host::{
    HostPageData, LoadHost, RemoveHost, SetAutoTest, SetLabels, SetTestTimeout, WrittenHost, load_host,
    remove_host, set_auto_test, set_labels, set_test_timeout,
};
pub use ops::{
    CancelOp, LoadOp, LoadOps, LoadOutputAfter, LoadOutputBefore, OpRead, RequestOp, RetryOp, cancel_op,
    load_op, load_ops, load_output_after, load_output_before, request_op, retry_op,
};
#[cfg(feature = "ssr")]
pub use people::{
    AcceptInvitation, ChangePassword, DeletePerson, DisablePerson, EnablePerson, EndOtherSessions,
    EndSession, GrantRole, InvitePerson, RevokeGrant, RevokeInvitation, SetRole, accept_invitation,
    change_password, delete_person, disable_person, enable_person, end_other_sessions, end_session,
    grant_role, invite_person, revoke_grant, revoke_invitation, set_role,
};
#[cfg(feature = "ssr")]
pub use pins::{PinGeneration, UnpinGeneration, pin_generation, unpin_generation};
pub use records::{AboutPageData, Audit, LoadAbout, LoadNotices, audit, load_about, load_notices};
pub use rollback::{
    LoadPlan, RequestRollback, load_plan, reference_from_text, reference_to_text, request_rollback,
};
pub use rollouts::{
    LoadPlannedRollbacks, LoadPlannedRollbacksOf, LoadRollout, LoadRolloutCommits, PlannedRollbacks,
    RollBackHosts, RolloutRead, StartRollout, SteerRollout, confirmed_from_text, confirmed_to_text,
    load_planned_rollbacks, load_planned_rollbacks_of, load_rollout, load_rollout_commits, roll_back_hosts,
    start_rollout, steer_rollout,
};
#[cfg(feature = "ssr")]
pub use saved_views::{ForgetView, SaveView, forget_view, save_view};
#[cfg(feature = "ssr")]
pub use second_factor::{
    BeginSecondFactor, ConfirmPerson, ConfirmSecondFactor, RemoveSecondFactor, ResetSecondFactor,
    begin_second_factor, confirm_person, confirm_second_factor, remove_second_factor, reset_second_factor,
};
pub use written::{LoadWritten, WrittenPage, load_written};

#[cfg(feature = "ssr")]
use crate::ApiError;

/// Maximum length of an address that a person is led back to, in bytes.
const PATH_BYTES: usize = 1024;

/// Returns `path` if it leads to a page of ours, else the fleet page, so that nobody is ever led to another
/// site. Browsers read `//` and `/\` as the start of a host name. No part of the path may be empty, `.` or
/// `..` either: browsers and the router remove those, and the rest may start with `//`.
pub fn local_path(path: &str) -> &str {
    let ours = path.starts_with('/')
        && !path.contains('\\')
        && path.len() <= PATH_BYTES
        && path.bytes().all(|b| b.is_ascii_graphic())
        && has_plain_parts(path);
    if ours { path } else { "/" }
}

/// Returns whether no part of the path is empty, `.` or `..`, escaped or not.
fn has_plain_parts(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(part) = parts.next() {
        let plain = part.to_ascii_lowercase().replace("%2e", ".");
        let is_last = parts.peek().is_none();
        if matches!(plain.as_str(), "." | "..") || (plain.is_empty() && !is_last) {
            return false;
        }
    }
    true
}

/// Checks that a name can be a host's.
#[cfg(feature = "ssr")]
fn host_name(name: &str) -> Result<&str, ApiError> {
    let fits = backstay_model::wire::limits::is_host_name(name);
    fits.then_some(name).ok_or_else(|| ApiError::said("That is not a host name. Nothing was changed."))
}

/// Parses a deployment's identifier.
#[cfg(feature = "ssr")]
fn deployment_id(text: &str) -> Result<backstay_model::DeploymentId, ApiError> {
    text.parse().map_err(|_| ApiError::said("There is no such deployment. Nothing was changed."))
}

/// Leads on after a request that was accepted: to `back`, where a live page shows what happens. A plain form's
/// page cannot, so that one is led to `place`, which says it.
#[cfg(feature = "ssr")]
fn lead_on(back: &str, place: &str) {
    leptos_axum::redirect(if crate::session::is_plain_form() { place } else { local_path(back) });
}

/// A refused request, as the page shows it. Sets the status of the answer.
#[cfg(feature = "ssr")]
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
pub(crate) fn refused(refusal: impl backstay_fleet::refusal::Refusal) -> ApiError {
    use crate::session;
    use axum::http::StatusCode;
    use backstay_fleet::refusal::RefusalKind;

    let sentence = refusal.to_string();
    let (status, error) = match refusal.kind() {
        RefusalKind::NotAuthenticated => (StatusCode::FORBIDDEN, ApiError::said(sentence)),
        RefusalKind::NotAllowed => (StatusCode::FORBIDDEN, ApiError::NotAllowed(sentence)),
        RefusalKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, ApiError::said(sentence)),
        RefusalKind::Conflict => (StatusCode::CONFLICT, ApiError::said(sentence)),
        RefusalKind::Busy(op) => (StatusCode::CONFLICT, ApiError::Busy { sentence, op }),
        RefusalKind::Database(error) => return session::database_failed(error),
    };
    session::refuse(status);
    error
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn leads_to_our_own_pages_alone() {
        for ours in ["/", "/audit", "/hosts/gpc0/here/rollback?to=47", "/audit/", "/ops?q=..//a", "/#a//b"] {
            assert_eq!(local_path(ours), ours);
        }
        let long = format!("/{}", "a".repeat(5000));
        for other in [
            "",
            "audit",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "/a\r\nb",
            "/\t/evil.test",
            "/.//evil.test",
            "/hosts/..//evil.test",
            "/%2E/%2e%2e//evil.test",
            "/audit//x",
            "/./audit",
            "/..",
            "/a/..//evil.test",
            "/%2e//evil.test",
            "/a/%2E./b",
            &long,
        ] {
            assert_eq!(local_path(other), "/", "{other:?}");
        }
    }
}
