//! All background work of the backend, started in one place: no server can forget a part of it.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::desired::Repository;
use crate::fleet::Fleet;
use crate::store::{OpFilter, StoreError};

/// How often overdue ops are closed and interrupted work is resumed.
const TICK: Duration = Duration::from_secs(1);
/// How often expired sessions and join tokens are deleted.
const EXPIRY: Duration = Duration::from_hours(1);
/// How often the store learns when connected hosts were last heard from.
const LAST_SEEN: Duration = Duration::from_mins(1);
/// How often the server looks for refused log-ins to record.
const REFUSED_LOG_INS: Duration = Duration::from_secs(10);
/// The pause between two steps of the verification of the audit log: it takes less than half a core, and is done
/// with a million entries in a few minutes.
const VERIFICATION: Duration = Duration::from_millis(100);
/// How often what is old is removed.
const REMOVAL: Duration = Duration::from_hours(24);
/// The pause between two steps of a removal: the steps take less than a third of the database's only writer.
const REMOVAL_STEP: Duration = Duration::from_millis(50);
/// The pause once the whole log is verified, until new entries are looked for.
const VERIFIED: Duration = Duration::from_secs(10);

/// What the background work reads, and how often.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The configuration repository, if git reads it.
    pub repository: Option<Repository>,
    /// The time between two readings of the configuration repository, by git or at GitHub.
    pub poll: Duration,
}

impl Fleet {
    /// Goes on where the server ended, with identifiers and with roll-outs, and returns all background work. Run it until it
    /// ends, which is soon after `stop`.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn start_background(
        &self,
        schedule: Schedule,
        stop: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + 'static, StoreError> {
        self.continue_ids().await?;
        self.resume_rollouts().await?;
        let Schedule { repository, poll } = schedule;
        let fleet = self.clone();
        Ok(async move {
            let mut work = JoinSet::new();
            work.spawn(fleet.clone().tick_until(stop.clone()));
            work.spawn(fleet.clone().advance_rollouts_until(stop.clone()));
            work.spawn(fleet.clone().delete_expired_until(stop.clone()));
            work.spawn(fleet.clone().store_last_seen_until(stop.clone()));
            work.spawn(fleet.clone().report_refused_log_ins_until(stop.clone()));
            work.spawn(fleet.clone().verify_audit_until(stop.clone()));
            work.spawn(fleet.clone().remove_old_until(stop.clone()));
            work.spawn(fleet.clone().resume_reverts_until(stop.clone()));
            work.spawn(fleet.clone().follow_github_until(poll, stop.clone()));
            if let Some(repository) = repository {
                work.spawn(fleet.follow_repository_until(repository, poll, stop));
            }
            while let Some(ended) = work.join_next().await {
                if let Err(fault) = ended {
                    tracing::error!(%fault, "a part of the background work failed");
                }
            }
        })
    }

    /// Lets identifiers sort after the stored ones, which decide what is newest: the clock may have been ahead when those were
    /// made.
    async fn continue_ids(&self) -> Result<(), StoreError> {
        let newest = OpFilter { limit: 1, ..OpFilter::default() };
        self.store.ops(&newest).await?.iter().for_each(|op| op.id.go_on());
        self.store.deployments(None, 1).await?.iter().for_each(|deployment| deployment.id.go_on());
        self.store.rollouts(None, 1).await?.iter().for_each(|rollout| rollout.id.go_on());
        Ok(())
    }

    async fn tick_until(self, stop: CancellationToken) {
        let mut next = without_bursts(TICK);
        while stop.run_until_cancelled(next.tick()).await.is_some() {
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "overdue ops could not be closed; retrying");
            }
        }
    }

    async fn advance_rollouts_until(self, stop: CancellationToken) {
        stop.run_until_cancelled_owned(self.advance_rollouts()).await;
    }

    async fn delete_expired_until(self, stop: CancellationToken) {
        let mut next = without_bursts(EXPIRY);
        while stop.run_until_cancelled(next.tick()).await.is_some() {
            if let Err(error) = self.delete_expired().await {
                tracing::error!(%error, "expired sessions and join tokens could not be deleted; retrying later");
            }
        }
    }

    async fn store_last_seen_until(self, stop: CancellationToken) {
        let mut next = without_bursts(LAST_SEEN);
        loop {
            let stored = tokio::select! {
                () = stop.cancelled() => return,
                () = self.last_seen.someone_left() => self.store_left().await,
                _ = next.tick() => self.store_last_seen().await,
            };
            if let Err(error) = stored {
                tracing::error!(%error, "the times of the agents' last messages could not be stored; retrying");
            }
        }
    }

    async fn report_refused_log_ins_until(self, stop: CancellationToken) {
        let mut next = without_bursts(REFUSED_LOG_INS);
        loop {
            let is_last = stop.run_until_cancelled(next.tick()).await.is_none();
            if let Err(error) = self.accounts().report_refused(is_last).await {
                tracing::error!(%error, "refused log-ins could not be recorded in the audit log");
            }
            if is_last {
                return;
            }
        }
    }

    async fn verify_audit_until(self, stop: CancellationToken) {
        let mut pause = VERIFICATION;
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            pause = match self.audit_verifier.step().await {
                Ok(true) => VERIFICATION,
                Ok(false) => VERIFIED,
                Err(error) => {
                    tracing::error!(%error, "the audit log could not be verified; retrying");
                    VERIFIED
                }
            };
        }
    }

    async fn remove_old_until(self, stop: CancellationToken) {
        let mut next = without_bursts(REMOVAL);
        let mut last = None;
        while stop.run_until_cancelled(next.tick()).await.is_some() {
            let round = self.keep_small(&mut last, REMOVAL_STEP);
            if let Some(Err(error)) = stop.run_until_cancelled(round).await {
                tracing::error!(%error, "what is old could not be removed; retrying later");
            }
        }
    }

    async fn resume_reverts_until(self, stop: CancellationToken) {
        if let Some(Err(error)) = stop.run_until_cancelled(self.resume_reverts()).await {
            tracing::error!(%error, "interrupted reverts could not be resumed");
        }
    }

    async fn follow_github_until(self, every: Duration, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow_github(every)).await;
    }

    async fn follow_repository_until(self, repository: Repository, every: Duration, stop: CancellationToken) {
        let mut next = without_bursts(every);
        while stop.run_until_cancelled(next.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.read_desired(&repository)).await {
                tracing::error!(%error, "the hosts could not be compared with the branch");
            }
        }
    }
}

/// Ticks at once and then at each interval. A late tick delays the next ones.
fn without_bursts(every: Duration) -> Interval {
    let mut interval = interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
