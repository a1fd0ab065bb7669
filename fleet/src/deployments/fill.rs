//! Ops on hosts fill the deployment that is going on.

use backstay_protocol::deployment::{Deployment, Heard};
use backstay_protocol::{Commit, DesiredState, Facts, OpKind, OpStatus, OpView};

use crate::fleet::Fleet;
use crate::store::StoreError;

impl Fleet {
    /// An op has begun or ended: what it means for the deployment that is going on, if there is one.
    pub(crate) async fn fill_deployment(&self, op: &OpView) -> Result<(), StoreError> {
        let kind = op.action.kind();
        if !kind.switches() && kind != OpKind::Test {
            return Ok(());
        }
        let Some(deployment) = self.going_on().await? else { return Ok(()) };
        let Some(facts) = self.store.host(op.host).await?.and_then(|host| host.facts) else { return Ok(()) };
        let Some(heard) = heard(op, &facts) else { return Ok(()) };
        if !concerns(&deployment, &heard, &facts, self.branch_head().as_ref()) {
            return Ok(());
        }
        let filled = self.store.deployment_heard(deployment.id, op.host, &op.host_name, op.id, &heard);
        filled.await.map(drop)
    }

    /// The newest deployment, if ops still count for it.
    async fn going_on(&self) -> Result<Option<Deployment>, StoreError> {
        Ok(self.newest_deployment().await?.filter(|deployment| deployment.decision.is_going_on()))
    }

    fn branch_head(&self) -> Option<Commit> {
        match self.desired() {
            DesiredState::Known { commit, .. } => Some(commit),
            _ => None,
        }
    }
}

/// What an op says to a deployment; nothing, where it is none that matters.
fn heard(op: &OpView, facts: &Facts) -> Option<Heard> {
    let why = || op.message.clone().unwrap_or_default();
    match (op.action.kind(), op.status) {
        (kind, OpStatus::Running) if kind.switches() => Some(Heard::SwitchBegan),
        (kind, OpStatus::Succeeded) if kind.switches() => Some(Heard::SwitchEnded(Ok(()))),
        (kind, OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost | OpStatus::Cancelled)
            if kind.switches() =>
        {
            Some(Heard::SwitchEnded(Err(why())))
        }
        (OpKind::Test, OpStatus::Running) => Some(Heard::TestsBegan),
        (OpKind::Test, OpStatus::Succeeded) => Some(Heard::TestsEnded(tests(facts))),
        (OpKind::Test, OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost) => {
            Some(Heard::TestsEnded(Err(why())))
        }
        _ => None,
    }
}

/// Which tests failed on what runs.
fn tests(facts: &Facts) -> Result<(), String> {
    let run = facts.running_generation().and_then(|generation| facts.tests_of(generation));
    let failed: Vec<_> = run.map(|run| run.failed().map(str::to_owned).collect()).unwrap_or_default();
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

/// Whether an op has to do with what was merged: a switch does where the checkout is at the merge, or at the branch's head
/// after it. Tests say something of what was switched to, which is for the outcome itself to know.
fn concerns(deployment: &Deployment, heard: &Heard, facts: &Facts, tip: Option<&Commit>) -> bool {
    let is_switch = matches!(heard, Heard::SwitchBegan | Heard::SwitchEnded(_));
    let checkout = facts.checkout.as_ref().map(|checkout| &checkout.commit);
    !is_switch || checkout.is_some_and(|commit| *commit == deployment.commit || Some(commit) == tip)
}
