//! Roll-outs: one kind of op on several hosts, some at a time, stopping where it goes wrong.
//!
//! ```text
//! start ─▶ running ─▶ begin hosts as slots are free ─▶ an op ended ─▶ the host is ok, failed or skipped ─▶ done
//!             ├─▶ paused (a person, or the first hosts are done) ─▶ resumed by a person
//!             └─▶ stopping (a host failed, or a person) ─▶ hosts under way finish ─▶ stopped
//! ```
//!
//! [`backstay_model::rollout`] decides the next step from what is recorded, and no part of a roll-out exists in memory only. One
//! transaction records a host's step and its op, and checks that the host still waits and that the roll-out is running.
//! Therefore the next look continues from there, even on a server that starts after a crash, and no host begins twice.
//!
//! One roll-out runs at a time. Two would share hosts and slots without anybody having chosen that, and a person who sees one
//! fail would have to know which of them to stop. The exception is a rollback of failed hosts: it need not wait for a
//! roll-out that is stopping, because rolling back is what people want at that moment.

mod advance;
mod drive;
mod pause;
mod rollback;
mod start;

#[cfg(test)]
mod tests;

use backstay_model::rollout::{MOST_AT_ONCE, Rollout, RolloutState, UNTYPED};
use backstay_model::{NotAllowed, OpKind, RolloutId};

use crate::fleet::Fleet;
use crate::ops::request::RequestError;
use crate::state::unpublished::Update;
use crate::store::{InsertRolloutError, NewAuditEntry, StoreError};

/// Why a host without facts is left out.
const NOT_REPORTED: &str = "It has not reported its generations yet.";
/// Number of roll-outs on one page.
const ROLLOUTS_PAGE: u32 = 20;

/// Why a request about a roll-out was refused. Each text can be shown to the person.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// See [`NotAllowed`].
    #[error("{0} Nothing was changed.")]
    NotAllowed(#[from] NotAllowed),
    /// This kind of op cannot be rolled out.
    #[error("{} cannot be rolled out. Nothing was changed. Choose Pull, Switch, Pull and Switch, or Run Tests.", .0.title())]
    WrongKind(OpKind),
    /// No host was named.
    #[error("No host was chosen. Nothing was changed.")]
    NoHosts,
    /// There are many hosts, and the person did not type how many.
    #[error("Type the number of hosts, {0}, to confirm. Nothing was changed.")]
    NotTyped(usize),
    /// A host was named twice.
    #[error("{0} was named twice. Nothing was changed on any host.")]
    Twice(String),
    /// There is no such host.
    #[error("There is no host named {0}. Nothing was changed on any host.")]
    NoSuchHost(String),
    /// Zero or too many hosts at once.
    #[error("A roll-out runs on 1 to {MOST_AT_ONCE} hosts at once. Nothing was changed.")]
    AtOnce,
    /// The reason is too long.
    #[error("{}", RequestError::ReasonTooLong)]
    ReasonTooLong,
    /// Another roll-out is running.
    #[error(
        "Another roll-out is running ({title}, started by {by}). Nothing was changed. Wait for its end, or stop it."
    )]
    Another {
        /// Its title, with the number of hosts.
        title: String,
        /// Who started it.
        by: String,
    },
    /// There is no such roll-out.
    #[error("There is no such roll-out. Nothing was changed.")]
    NoSuchRollout,
    /// The roll-out is over.
    #[error("This roll-out is already over. Nothing was changed.")]
    Over,
    /// The roll-out is stopping.
    #[error("This roll-out is stopping: no more hosts will be started. Nothing was changed.")]
    Stopping,
    /// It is to pause after no host.
    #[error("A roll-out pauses after at least 1 host. Nothing was changed.")]
    PauseAfter,
    /// Every host has started.
    #[error(
        "Every host of this roll-out has already started, so there is nothing to stop or pause. Hosts under way will finish. Cancel an op on its host's page."
    )]
    NothingToStop,
    /// There is no such deployment.
    #[error("There is no such deployment. Nothing was changed.")]
    NoSuchDeployment,
    /// The host did not fail in the deployment.
    #[error("{0} is not one of the failed hosts. Nothing was changed on any host.")]
    NotFailed(String),
    /// Another op holds a host.
    #[error("{host} is busy ({title}, requested by {by}). No host was rolled back.")]
    HostBusy {
        /// The host's name.
        host: String,
        /// The title of the op.
        title: String,
        /// Who requested it.
        by: String,
    },
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
            InsertRolloutError::HostBusy(first) => {
                Self::HostBusy { title: first.title(), host: first.host_name, by: first.requested_by }
            }
            InsertRolloutError::NotAsSeen { host, refusal } => {
                let why = refusal.map_or_else(|| NOT_REPORTED.to_owned(), |refusal| refusal.to_string());
                Self::NotAsSeen { host, why }
            }
            InsertRolloutError::Store(error) => error.into(),
        }
    }
}

/// How a roll-out goes through its hosts.
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    /// How many hosts to work on at once, from 1 to [`MOST_AT_ONCE`].
    pub parallel: u32,
    /// Whether a failure prevents further hosts from starting.
    pub stop_on_failure: bool,
    /// The number of hosts after which it pauses, if it is to pause automatically.
    pub pause_after: Option<u32>,
}

impl Pacing {
    fn checked(self) -> Result<Self, RolloutError> {
        match self {
            Self { pause_after: Some(0), .. } => Err(RolloutError::PauseAfter),
            Self { parallel: 1..=MOST_AT_ONCE, .. } => Ok(self),
            Self { .. } => Err(RolloutError::AtOnce),
        }
    }
}

/// Checks that the person typed how many hosts there are, if they are many.
///
/// # Errors
/// [`RolloutError::NotTyped`]
pub fn check_typed(hosts: usize, typed: Option<usize>) -> Result<(), RolloutError> {
    let is_confirmed = hosts <= UNTYPED || typed == Some(hosts);
    is_confirmed.then_some(()).ok_or(RolloutError::NotTyped(hosts))
}

impl Fleet {
    /// Returns a roll-out, or `None` if there is no such roll-out.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        self.store.rollout(id).await
    }

    /// Returns the newest roll-out.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn newest_rollout(&self) -> Result<Option<Rollout>, StoreError> {
        Ok(self.store.rollouts(None, 1).await?.into_iter().next())
    }

    /// Returns a page of roll-outs, newest first; those older than `before`, if given.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rollouts(&self, before: Option<RolloutId>) -> Result<Vec<Rollout>, StoreError> {
        self.store.rollouts(before, ROLLOUTS_PAGE).await
    }

    /// Resumes the roll-outs that were under way when the server ended, and records the results that the current deployment
    /// waits for.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn resume_rollouts(&self) -> Result<(), StoreError> {
        self.rollout_driver.begin_grace_period(self.clock.now());
        self.catch_up_deployment().await?;
        self.advance_rollouts_soon();
        Ok(())
    }

    /// Publishes a roll-out.
    async fn publish_rollout(&self, id: RolloutId) {
        self.publish(Update::Rollout(id)).await;
    }

    /// The pull request that is rolled out, in words, or `None` if it is not for one.
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
