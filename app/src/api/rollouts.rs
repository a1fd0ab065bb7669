//! Roll-outs of one kind of op to several hosts, and rollbacks of several hosts, such as those that a
//! deployment broke.
#![expect(clippy::too_many_arguments, reason = "each is a field of a form")]

use backstay_model::rollout::{ConfirmedRollback, PlannedRollback, Rollout, RolloutCommits};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A roll-out at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRead {
    /// The roll-out.
    pub rollout: Rollout,
    /// The number of the last event that is applied to this.
    pub last_event: u64,
}

/// Reads a roll-out, or `None` if there is no such roll-out.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_rollout")]
pub async fn load_rollout(
    /// The roll-out's identifier.
    id: String,
) -> Result<Option<RolloutRead>, ApiError> {
    use crate::session;

    session::permitted::<LoadRollout>().await?;
    let Ok(id) = id.parse() else { return Ok(None) };
    let fleet = session::fleet()?;
    let last_event = fleet.events().last();
    let rollout = fleet.rollout(id).await.map_err(session::database)?;
    Ok(rollout.map(|rollout| RolloutRead { rollout, last_event }))
}

/// Starts a roll-out, and leads to `back`.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was started.
#[server(endpoint = "start_rollout")]
pub async fn start_rollout(
    /// The name of the op to run on each host.
    kind: String,
    /// The hosts, by name.
    #[server(default)]
    hosts: Vec<String>,
    /// The number of hosts at once.
    parallel: u32,
    /// Start no more hosts once one has failed. An unchecked box sends nothing.
    #[server(default)]
    stop_on_failure: bool,
    /// The number of hosts after which it pauses; an empty field means that it does not.
    #[server(default)]
    pause_after: Option<u32>,
    /// The reason in the person's words; may be empty.
    reason: String,
    /// The number of hosts as the person typed it, which many hosts require.
    #[server(default)]
    typed: Option<usize>,
    /// The address to go to afterwards, one of ours.
    back: String,
) -> Result<(), ApiError> {
    use crate::routes::{self, Route};
    use crate::session;
    use backstay_model::rollout::RolloutRequest;

    let person = session::permitted::<StartRollout>().await?;
    let kind = kind.parse().map_err(|_| ApiError::said("There is no such op. Nothing was changed."))?;
    for host in &hosts {
        super::host_name(host)?;
    }
    let reason = Some(reason);
    let request = RolloutRequest { kind, hosts, parallel, stop_on_failure, pause_after, reason, typed };
    session::fleet()?.start_rollout(&person, request).await.map_err(super::refused)?;
    super::lead_on(&back, &routes::begun(Route::Fleet));
    Ok(())
}

/// Pauses, resumes or stops a roll-out.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; the roll-out stays as it was.
#[server(endpoint = "steer_rollout")]
pub async fn steer_rollout(
    /// The roll-out's identifier.
    id: String,
    /// What to do: `pause`, `resume` or `stop`.
    change: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<SteerRollout>().await?;
    let id = id.parse().map_err(|_| ApiError::said("There is no such roll-out. Nothing was changed."))?;
    let fleet = session::fleet()?;
    match change.as_str() {
        "pause" => fleet.pause_rollout(&person, id).await,
        "resume" => fleet.resume_rollout(&person, id).await,
        "stop" => fleet.stop_rollout(&person, id).await.map(drop),
        _ => return Err(ApiError::said("There is no such action. Nothing was changed.")),
    }
    .map_err(super::refused)
}

/// Reads the commits that the roll-out dialog names.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence.
#[server(endpoint = "load_rollout_commits")]
pub async fn load_rollout_commits() -> Result<RolloutCommits, ApiError> {
    use crate::session;

    session::permitted::<LoadRolloutCommits>().await?;
    session::fleet()?.rollout_commits().await.map_err(session::database)
}

/// The rollback of several hosts as a person sees it before confirming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRollbacks {
    /// What happens by default, in lines; empty if the hosts are few.
    pub summary: Vec<String>,
    /// Each host.
    pub hosts: Vec<PlannedRollback>,
}

#[cfg(feature = "ssr")]
impl From<Vec<PlannedRollback>> for PlannedRollbacks {
    fn from(hosts: Vec<PlannedRollback>) -> Self {
        Self { summary: backstay_model::rollout::summary(&hosts), hosts }
    }
}

/// Reads the generation to which each failed host of a deployment would roll back.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence.
#[server(endpoint = "load_planned_rollbacks")]
pub async fn load_planned_rollbacks(
    /// The deployment's identifier.
    deployment: String,
) -> Result<PlannedRollbacks, ApiError> {
    use crate::session;

    session::permitted::<LoadPlannedRollbacks>().await?;
    let id = super::deployment_id(&deployment)?;
    session::fleet()?.planned_rollbacks(id).await.map(Into::into).map_err(super::refused)
}

/// Upper bound on the hosts of one plan: more than an address can name.
#[cfg(feature = "ssr")]
const HOSTS_PLANNED: usize = 2_000;

/// Reads the generation to which each of these hosts would roll back.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence.
#[server(endpoint = "load_planned_rollbacks_of")]
pub async fn load_planned_rollbacks_of(
    /// The hosts, by name.
    #[server(default)]
    hosts: Vec<String>,
) -> Result<PlannedRollbacks, ApiError> {
    use crate::session;

    session::permitted::<LoadPlannedRollbacksOf>().await?;
    if hosts.len() > HOSTS_PLANNED {
        return Err(ApiError::said(format!("Choose at most {HOSTS_PLANNED} hosts.")));
    }
    for host in &hosts {
        super::host_name(host)?;
    }
    session::fleet()?.planned_rollbacks_of(&hosts).await.map(Into::into).map_err(session::database)
}

/// Rolls several hosts back, each exactly as the person confirmed it, and leads to `back`. If one of them is
/// no longer as the person saw it, none is rolled back.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was changed.
#[server(endpoint = "roll_back_hosts")]
pub async fn roll_back_hosts(
    /// The deployment's identifier, if these are the hosts that failed in it.
    #[server(default)]
    deployment: Option<String>,
    /// The hosts with their generations, each as [`confirmed_to_text`] writes it; empty for a host that is
    /// left out.
    #[server(default)]
    confirmed: Vec<String>,
    /// The number of hosts at once.
    parallel: u32,
    /// Start no more hosts once one has failed. An unchecked box sends nothing.
    #[server(default)]
    stop_on_failure: bool,
    /// The number of hosts after which it pauses; an empty field means that it does not.
    #[server(default)]
    pause_after: Option<u32>,
    /// The reason in the person's words; may be empty.
    reason: String,
    /// The number of hosts as the person typed it, which many hosts require.
    #[server(default)]
    typed: Option<usize>,
    /// The address to go to afterwards, one of ours.
    back: String,
) -> Result<(), ApiError> {
    use crate::routes::{self, Route};
    use crate::session;
    use backstay_fleet::rollouts::{Pacing, check_typed};

    let person = session::permitted::<RollBackHosts>().await?;
    let confirmed = confirmed.iter().filter(|text| !text.is_empty());
    let confirmed: Option<Vec<_>> = confirmed.map(|text| confirmed_from_text(text)).collect();
    let confirmed = confirmed.ok_or_else(|| {
        ApiError::said("The server did not understand this request. Nothing was changed. Reload the page.")
    })?;
    check_typed(confirmed.len(), typed).map_err(super::refused)?;
    let (fleet, reason) = (session::fleet()?, Some(reason));
    let pacing = Pacing { parallel, stop_on_failure, pause_after };
    let started = match deployment {
        Some(id) => {
            fleet.roll_back_failed(&person, super::deployment_id(&id)?, confirmed, pacing, reason).await
        }
        None => fleet.roll_back_hosts(&person, confirmed, pacing, reason).await,
    };
    started.map_err(super::refused)?;
    super::lead_on(&back, &routes::begun(Route::Fleet));
    Ok(())
}

/// Maximum length of one host's rollback in a form, in bytes.
const CONFIRMED_BYTES: usize = 2048;

/// Writes one host's rollback, exactly as shown, as one form field.
pub fn confirmed_to_text(confirmed: &ConfirmedRollback) -> String {
    // Cannot fail: it holds only names and numbers.
    serde_json::to_string(confirmed).unwrap_or_default()
}

/// Parses what [`confirmed_to_text`] wrote.
pub fn confirmed_from_text(text: &str) -> Option<ConfirmedRollback> {
    (text.len() <= CONFIRMED_BYTES).then(|| serde_json::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use backstay_model::GenerationRef;

    use super::*;

    #[test]
    fn what_was_confirmed_survives_the_form() {
        let generation =
            |number| GenerationRef { number, store_path: format!("/nix/store/{number}-nixos-system-imac0") };
        let confirmed = ConfirmedRollback {
            host_name: "imac0".into(),
            target: generation(47),
            seen_current: generation(48),
        };
        assert_eq!(confirmed_from_text(&confirmed_to_text(&confirmed)), Some(confirmed));
    }

    #[test]
    fn what_was_not_confirmed_is_refused() {
        for bad in ["", "{}", "imac0", r#"{"host_name":"imac0","target":47}"#, &"x".repeat(5000)] {
            assert_eq!(confirmed_from_text(bad), None, "{bad:?}");
        }
    }
}
