//! Deployments: merging a pull request, reading the results on the hosts, and deciding what to do.

use backstay_model::deployment::Deployment;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A page of the deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentsRead {
    /// The deployments, newest first.
    pub deployments: Vec<Deployment>,
    /// True if there are older ones.
    pub more: bool,
    /// The number of the last event that is applied to this.
    pub last_event: u64,
}

/// A deployment at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRead {
    /// The deployment.
    pub deployment: Deployment,
    /// The number of the last event that is applied to this.
    pub last_event: u64,
}

/// Reads deployments, newest first: those older than `before`, if given.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_deployments")]
pub async fn load_deployments(
    /// The identifier of the oldest deployment on the previous page.
    before: Option<String>,
) -> Result<DeploymentsRead, ApiError> {
    use crate::session;

    session::permitted::<LoadDeployments>().await?;
    let before = before.and_then(|id| id.parse().ok());
    let fleet = session::fleet()?;
    let last_event = fleet.events().last();
    let deployments = fleet.deployments(before).await.map_err(session::database)?;
    let more = match deployments.last() {
        Some(last) => !fleet.deployments(Some(last.id)).await.map_err(session::database)?.is_empty(),
        None => false,
    };
    Ok(DeploymentsRead { deployments, more, last_event })
}

/// Reads a deployment, or `None` if there is no such deployment.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_deployment")]
pub async fn load_deployment(
    /// The deployment's identifier.
    id: String,
) -> Result<Option<DeploymentRead>, ApiError> {
    use crate::session;

    session::permitted::<LoadDeployment>().await?;
    let Ok(id) = id.parse() else { return Ok(None) };
    let fleet = session::fleet()?;
    let last_event = fleet.events().last();
    let deployment = fleet.deployment(id).await.map_err(session::database)?;
    Ok(deployment.map(|deployment| DeploymentRead { deployment, last_event }))
}

/// Reads what a revert will mean for each host of a deployment, in a line each.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_revert_effects")]
pub async fn load_revert_effects(
    /// The deployment's identifier.
    deployment: String,
) -> Result<Vec<String>, ApiError> {
    use crate::session;

    session::permitted::<LoadRevertEffects>().await?;
    let id = super::deployment_id(&deployment)?;
    session::fleet()?.revert_effects(id).await.map_err(super::refused)
}

/// Merges a pull request that updates the fleet, if it is still as the person saw it, and leads to `back`.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence.
#[server(endpoint = "merge_pull_request")]
pub async fn merge_pull_request(
    /// Its number.
    number: u64,
    /// The commit that the person saw.
    seen_head: String,
    /// True if the person confirms having reviewed whatever makes it more than an ordinary update.
    #[server(default)]
    looked: bool,
    /// True to roll it out to all hosts once it is merged.
    #[server(default)]
    then_roll_out: bool,
    /// The address to go to afterwards, one of ours.
    back: String,
) -> Result<(), ApiError> {
    use crate::routes::{self, Route};
    use crate::session;
    use backstay_fleet::deployments::SeenPullRequest;
    use backstay_model::Commit;

    let person = session::permitted::<MergePullRequest>().await?;
    let seen = SeenPullRequest { number, head: Commit(seen_head), is_looked_at: looked, then_roll_out };
    let merged = session::fleet()?.merge_pull_request(&person, &seen).await.map_err(super::refused)?;
    super::lead_on(&back, &routes::begun(Route::Deployment(merged.id)));
    Ok(())
}

/// Reverts the pull request of a deployment, and leads to `back`.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence; the deployment is unchanged.
#[server(endpoint = "revert_pull_request")]
pub async fn revert_pull_request(
    /// The deployment's identifier.
    deployment: String,
    /// The reason in the person's words; may be empty.
    #[server(default)]
    reason: String,
    /// True to roll the revert out to the hosts that run the pull request, once it is on the branch.
    #[server(default)]
    then_roll_out: bool,
    /// The address to go to afterwards, one of ours.
    back: String,
) -> Result<(), ApiError> {
    use crate::routes::{self, Route};
    use crate::session;
    use backstay_fleet::deployments::RevertRequest;

    let person = session::permitted::<RevertPullRequest>().await?;
    let id = super::deployment_id(&deployment)?;
    let request = RevertRequest { reason: Some(reason), then_roll_out };
    session::fleet()?.revert_pull_request(&person, id, request).await.map_err(super::refused)?;
    super::lead_on(&back, &routes::begun(Route::Deployment(id)));
    Ok(())
}

/// Continues a deployment despite failures.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was decided.
#[server(endpoint = "continue_anyway")]
pub async fn continue_anyway(
    /// The deployment's identifier.
    deployment: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<ContinueAnyway>().await?;
    let id = super::deployment_id(&deployment)?;
    session::fleet()?.continue_anyway(&person, id).await.map_err(super::refused)?;
    Ok(())
}
