//! What a revert will mean for each host, judged by what runs there.

use backstay_model::rollback::is_built_from;
use backstay_model::rollout::PlannedRollback;
use backstay_model::{Commit, DeploymentId, Generation};

use super::DeployError;
use crate::fleet::Fleet;

/// Number of hosts that the dialog names.
const NAMED: usize = 10;

impl Fleet {
    /// Says for each host of a deployment what it goes back to after the revert, in a line.
    ///
    /// # Errors
    /// [`DeployError`]
    pub async fn revert_effects(&self, id: DeploymentId) -> Result<Vec<String>, DeployError> {
        let deployment = self.store.deployment(id).await?.ok_or(DeployError::NoSuchDeployment)?;
        let attempted = deployment.attempted();
        let names: Vec<_> = deployment.hosts.iter().map(|host| host.name.clone()).collect();
        let mut planned = self.planned_rollbacks_of(&names).await?;
        let runs_it =
            |host: &PlannedRollback| may_run(host, &deployment.commit, attempted.contains(&host.host_name));
        planned.sort_by_key(|host| !runs_it(host));
        let more = planned.len().saturating_sub(NAMED);
        let lines = planned.iter().take(NAMED).map(|host| effect(host, runs_it(host)));
        Ok(lines.chain((more > 0).then(|| format!("and {more} more"))).collect())
    }
}

/// Returns whether a host may run the merged commit: a generation that names no commit may be built from any.
fn may_run(host: &PlannedRollback, merged: &Commit, is_attempted: bool) -> bool {
    let of = |from: &Generation| is_built_from(from, merged) || (from.commit.is_none() && is_attempted);
    host.from.as_ref().is_some_and(of)
}

/// “hsb0: Gen 8 (50dc0d7) → without the pull request, as on Gen 7 (a1b2c3d)”.
fn effect(host: &PlannedRollback, runs_it: bool) -> String {
    let name = &host.host_name;
    let Some(from) = &host.from else { return format!("{name}: has not reported what it runs") };
    let now = named(from);
    if !runs_it {
        return format!("{name}: {now}, does not run the pull request");
    }
    let like = host.to.as_ref().map(|to| format!(", as on {}", named(&to.generation))).unwrap_or_default();
    format!("{name}: {now} → without the pull request{like}")
}

/// “Gen 8 (50dc0d7)”.
fn named(generation: &Generation) -> String {
    let commit = generation.commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
    format!("Gen {}{commit}", generation.number)
}

#[cfg(test)]
mod tests {
    use backstay_model::rollback::Candidate;
    use backstay_model::sample;

    use super::*;

    fn generation(number: u32, commit: &str) -> Generation {
        Generation { commit: Some(Commit(commit.into())), ..sample::generation(number, 0) }
    }

    fn host(from: Option<Generation>, to: Result<Candidate, String>) -> PlannedRollback {
        PlannedRollback {
            host_name: "hsb0".into(),
            online: true,
            why: None,
            fine: false,
            tests: None,
            from,
            to,
            others: vec![],
        }
    }

    #[test]
    fn only_a_host_that_runs_the_pull_request_goes_back() {
        let merged = Commit("bbbbbbbbbb".into());
        let none = || Err("none".to_owned());
        for (from, is_attempted, said) in [
            (None, true, "hsb0: has not reported what it runs"),
            (Some(generation(8, "bbbbbbbbbb")), true, "hsb0: Gen 8 (bbbbbbb) → without the pull request"),
            (Some(generation(7, "aaaaaaaaaa")), true, "hsb0: Gen 7 (aaaaaaa), does not run the pull request"),
            (Some(sample::generation(8, 0)), true, "hsb0: Gen 8 → without the pull request"),
        ] {
            let from =
                from.map(|from| Generation { commit: from.commit.filter(|c| c.0.len() == 10), ..from });
            let host = host(from, none());
            assert_eq!(effect(&host, may_run(&host, &merged, is_attempted)), said);
        }
    }
}
