//! Roll-outs: one kind of op on several hosts, some at a time, stopping where it goes wrong.
//!
//! ```text
//! start ─▶ running ─▶ begin hosts as slots are free ─▶ an op ended ─▶ the host is ok, failed or skipped ─▶ done
//!             └─▶ stopping (a host failed, or a person) ─▶ what is under way is seen through ─▶ stopped
//! ```
//!
//! What comes next is decided by [`backstay_model::rollout`] from what is recorded, and nothing of a roll-out is in
//! memory alone. A host's step and its op are recorded in one transaction, which holds that the host's turn has not been
//! taken and the roll-out is running: so whoever looks next, another server that starts after a crash included, goes on
//! from there, and no host is begun twice.
//!
//! One roll-out goes on at a time. Two would share hosts and slots without anybody having asked for that, and who sees
//! one fail would have to know which of them to stop. Only a rollback of failed hosts need not wait until one that is
//! stopping has ended: it is what people want to do then.

mod advance;
mod drive;
mod rollback;
mod start;

#[cfg(test)]
mod tests;

use backstay_model::rollout::{MOST_AT_ONCE, Rollout, RolloutState};
use backstay_model::{OpId, OpKind, Role, RolloutId};

use crate::fleet::Fleet;
use crate::ops::request::RequestError;
use crate::state::unpublished::Update;
use crate::store::{InsertRolloutError, NewAuditEntry, StoreError};

/// What is said of a host whose generations nobody knows.
const NOT_REPORTED: &str = "It has not reported its generations yet.";
/// How many roll-outs are handed out at once.
const ROLLOUTS_PAGE: u32 = 20;

/// Why something about a roll-out comes to nothing. Each sentence can be shown to the person as it is.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The person may not do this.
    #[error("You may not do this: it takes the role “{needed}”. Nothing was changed.")]
    NotAllowed {
        /// The role that it takes.
        needed: Role,
    },
    /// The action is none that is rolled out.
    #[error("{} is not rolled out: only Pull, Switch, Pull and Switch, and Run Tests are. Nothing was changed.", .0.title())]
    WrongKind(OpKind),
    /// No host was named.
    #[error("No host was chosen. Nothing was changed.")]
    NoHosts,
    /// A host was named twice.
    #[error("{0} was named twice. Nothing was changed on any host.")]
    Twice(String),
    /// There is no such host.
    #[error("There is no host named {0}. Nothing was changed on any host.")]
    NoSuchHost(String),
    /// None or too many at once.
    #[error("A roll-out works on 1 to {MOST_AT_ONCE} hosts at once. Nothing was changed.")]
    AtOnce,
    /// The reason is too long.
    #[error("{}", RequestError::ReasonTooLong)]
    ReasonTooLong,
    /// Another roll-out goes on.
    #[error(
        "Another roll-out goes on: {title}, started by {by}. Nothing was changed. Wait for its end, or stop it."
    )]
    Another {
        /// What it does, and on how many hosts.
        title: String,
        /// Who started it.
        by: String,
    },
    /// There is no such roll-out.
    #[error("There is no such roll-out. Nothing was changed.")]
    NoSuchRollout,
    /// It has ended.
    #[error("This roll-out is over already. Nothing was changed.")]
    Over,
    /// Every host was begun.
    #[error(
        "Every host of this roll-out has been begun, so nothing is left to stop. What is under way goes on: cancel it on the host's own page."
    )]
    NothingToStop,
    /// There is no such deployment.
    #[error("There is no such deployment. Nothing was changed.")]
    NoSuchDeployment,
    /// The host did not fail in the deployment.
    #[error("{0} is none of the hosts that failed. Nothing was changed on any host.")]
    NotFailed(String),
    /// A host is not as the person saw it.
    #[error("{host}: {why} No host was rolled back.")]
    NotAsSeen {
        /// The host's name.
        host: String,
        /// What is different, in a sentence.
        why: String,
    },
    /// See [`StoreError`].
    #[error("The database failed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl From<InsertRolloutError> for RolloutError {
    fn from(error: InsertRolloutError) -> Self {
        match error {
            InsertRolloutError::Another(first) => {
                Self::Another { title: first.title(), by: first.requested_by }
            }
            InsertRolloutError::HostBusy(first) => Self::NotAsSeen {
                why: RequestError::busy(&first.host_name.clone(), *first.clone()).to_string(),
                host: first.host_name,
            },
            InsertRolloutError::NotAsSeen { host, refusal } => {
                let why = refusal.map_or_else(|| NOT_REPORTED.to_owned(), |refusal| refusal.to_string());
                Self::NotAsSeen { host, why }
            }
            InsertRolloutError::Store(error) => error.into(),
        }
    }
}

impl Fleet {
    /// A roll-out by its identifier.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        self.store.rollout(id).await
    }

    /// The newest roll-out.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn newest_rollout(&self) -> Result<Option<Rollout>, StoreError> {
        Ok(self.store.rollouts(None, 1).await?.into_iter().next())
    }

    /// Roll-outs, newest first, older than `before` where given.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollouts(&self, before: Option<RolloutId>) -> Result<Vec<Rollout>, StoreError> {
        self.store.rollouts(before, ROLLOUTS_PAGE).await
    }

    /// Goes on with the roll-outs that were under way when the server ended, and tells the deployment that is going on
    /// what became of the ops that it waits for.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn resume_rollouts(&self) -> Result<(), StoreError> {
        self.rollout_driver.begin_grace_period(self.clock.now());
        self.catch_up_deployment().await?;
        self.advance_rollouts().await;
        Ok(())
    }

    /// Whether an op that waits is a host's turn in a roll-out, and so is sent by that.
    pub(crate) async fn waits_for_slot(&self, op: OpId) -> Result<bool, StoreError> {
        use backstay_model::rollout::RolloutStep::Running;
        let rollout = self.store.rollout_of(op).await?.filter(|rollout| rollout.state.is_open());
        Ok(rollout.is_some_and(|rollout| rollout.hosts.iter().any(|host| host.step == Running { op })))
    }

    /// Tells every open page how a roll-out is now.
    async fn publish_rollout(&self, id: RolloutId) {
        self.publish(Update::Rollout(id)).await;
    }

    /// What is rolled out, in words: the pull request, where it is for one.
    async fn rolled_out(&self, rollout: &Rollout) -> Result<Option<String>, StoreError> {
        let deployment = rollout.deployment.filter(|_| rollout.kind != OpKind::Rollback);
        let Some(deployment) = deployment else { return Ok(None) };
        let deployment = self.store.deployment(deployment).await?;
        Ok(deployment.map(|deployment| format!("PR #{}", deployment.pull_request.number)))
    }

    fn rollout_entry(
        &self,
        by: &str,
        state: &RolloutState,
        rollout: &Rollout,
        detail: String,
    ) -> NewAuditEntry {
        let what = match state {
            RolloutState::Running => "started",
            state => state.as_str(),
        };
        NewAuditEntry::new(self.clock.now(), by, format!("rollout.{what}"), detail)
            .reason(rollout.reason.as_deref())
    }
}
