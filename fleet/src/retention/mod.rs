//! Retention: what grows is removed once it is old, in the background, a little at a time.

use std::time::Duration;

use backstay_model::view::AuditQuery;
use backstay_model::{OpId, OutputLine, Stream};
use chrono::{DateTime, TimeDelta, Utc};

use crate::fleet::Fleet;
use crate::store::{DiskUse, Removal, StoreError};

/// Number of output lines that one transaction removes: it holds the only writer for some milliseconds.
const LINES: u32 = 1_000;
/// Number of rows of other kinds that one transaction removes.
const ROWS: u32 = 100;
/// Number of roll-outs, deployments or hosts that one transaction removes: each may have a row for every host.
const LARGE_ROWS: u32 = 5;
/// Number of bytes that one transaction gives back to the file system.
const BYTES: u32 = 1 << 20;

/// The longest step of the clock between two rounds that is believed at once. Machines start with wrong clocks, and what was
/// removed is gone.
const CLOCK_STEP: TimeDelta = TimeDelta::days(30);

/// How long the server keeps what grows. `None` is for ever. The audit log stays in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The output of an op, after its end.
    pub output: Option<TimeDelta>,
    /// Ops with their rollbacks, test runs, roll-outs, deployments, and hosts that left the fleet.
    pub history: Option<TimeDelta>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { output: Some(TimeDelta::days(90)), history: Some(TimeDelta::days(365)) }
    }
}

impl Retention {
    /// The time before which output goes: never later than its op.
    fn output_before(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let age = self.output.into_iter().chain(self.history).min()?;
        now.checked_sub_signed(age)
    }

    fn history_before(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        now.checked_sub_signed(self.history?)
    }
}

/// When the space was measured, and what it was.
pub type Measured = (DateTime<Utc>, DiskUse);

/// The space that the database takes, and what it keeps for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// How long what is kept.
    pub retention: Retention,
    /// The space, and when it was measured; `None` until the first measurement is done.
    pub measured: Option<Measured>,
}

impl Fleet {
    /// The space that the database takes, as last measured.
    pub fn storage(&self) -> Storage {
        Storage { retention: self.retention, measured: self.disk_use.read().clone() }
    }

    /// One round: removes all that is old if the clock can be believed, and measures the space that is left. `last` is the
    /// time of the round before. Pauses after each step, so that other writers get their turn.
    ///
    /// # Errors
    /// [`StoreError`]. What was removed stays so, and the next round goes on from there.
    pub(crate) async fn keep_small(
        &self,
        last: &mut Option<DateTime<Utc>>,
        pause: Duration,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.is_believable(now, *last).await? {
            self.remove_old(now, pause).await?;
        }
        *last = Some(now);
        let space = self.store.disk_use().await?;
        *self.disk_use.write() = Some((now, space));
        Ok(())
    }

    /// Returns whether the clock is at most [`CLOCK_STEP`] ahead of the last round or, at the first one, of the newest entry of
    /// the audit log. A clock that is not believed is believed at the next round if it still says the same.
    async fn is_believable(
        &self,
        now: DateTime<Utc>,
        last: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let before = match last {
            Some(last) => Some(last),
            None => self.store.audit(&AuditQuery::default(), 1).await?.first().map(|entry| entry.at),
        };
        let ahead = before.map(|before| now - before).filter(|step| *step > CLOCK_STEP);
        if let Some(step) = ahead {
            tracing::warn!(
                days = step.num_days(),
                "the clock is far ahead of the last record; nothing old is removed for a day"
            );
        }
        Ok(ahead.is_none())
    }

    async fn remove_old(&self, now: DateTime<Utc>, pause: Duration) -> Result<(), StoreError> {
        if let Some(before) = self.retention.output_before(now) {
            while self.store.remove_output(before, now, LINES).await? {
                tokio::time::sleep(pause).await;
            }
        }
        if let Some(before) = self.retention.history_before(now) {
            self.remove_history(before, pause).await?;
        }
        log(&self.store.report_removals(now).await?);
        while self.store.give_back(BYTES).await? {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    async fn remove_history(&self, before: DateTime<Utc>, pause: Duration) -> Result<(), StoreError> {
        for host in self.store.hosts_with_history().await? {
            while self.store.remove_ops(host, before, ROWS).await? {
                tokio::time::sleep(pause).await;
            }
            while self.store.remove_test_runs(host, before, ROWS).await? {
                tokio::time::sleep(pause).await;
            }
        }
        while self.store.remove_rollouts(before, LARGE_ROWS).await? {
            tokio::time::sleep(pause).await;
        }
        while self.store.remove_deployments(before, LARGE_ROWS).await? {
            tokio::time::sleep(pause).await;
        }
        while self.store.remove_hosts(before, LARGE_ROWS).await? {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// The one line that stands for the output of an op if that was removed.
    pub(crate) async fn removed_output(&self, op: OpId) -> Result<Vec<OutputLine>, StoreError> {
        let removed = self.store.output_removed(op).await?;
        let line = |(ended, at): (DateTime<Utc>, DateTime<Utc>)| {
            let (day, days) = (at.format("%Y-%m-%d"), (at - ended).num_days());
            let text = format!("The output of this op was removed on {day}, after {days} days.");
            OutputLine { seq: 1, stream: Stream::Agent, at, text }
        };
        Ok(removed.map(line).into_iter().collect())
    }
}

fn log(removals: &[Removal]) {
    for removal in removals {
        tracing::info!(kind = removal.kind.as_str(), count = removal.count, "removed because of its age");
    }
}

#[cfg(test)]
mod tests;
