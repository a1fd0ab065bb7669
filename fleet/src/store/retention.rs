//! Retention: what the store removes once it is old, and how much space the rest takes.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use backstay_model::{HostId, OpId};
use chrono::{DateTime, Utc};

use super::{NewAuditEntry, StoreError};

/// Number of a host's newest ops that stay whatever their age, of the rollbacks before them, and of the tests before them. A
/// host's past is read from these ops and no others, so removing older ones changes nothing that people see of it.
pub const OPS_OF_PAST: u32 = 200;
/// Number of a host's newest test runs that stay whatever their age. A host's past is read from these and no others.
pub const RUNS_OF_PAST: u32 = 200;
/// Number of the newest deployments, and of the newest roll-outs, that stay whatever their age.
pub const MERGES_OF_PAST: u32 = 50;

/// Removes what is old, a little at a time: each method is one short transaction, which counts what it removed. It returns
/// whether there may be more to remove.
///
/// The audit log is never removed: each of its hashes covers the entry before.
#[async_trait]
pub trait RetentionStore: Send + Sync + 'static {
    /// Removes the output of ops that ended before `before`, about `lines` lines of it, and records `now` in each op that has
    /// none left.
    async fn remove_output(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        lines: u32,
    ) -> Result<bool, StoreError>;
    /// Returns when an op ended and when its output was removed, or `None` if nothing was removed.
    async fn output_removed(&self, op: OpId) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, StoreError>;
    /// Returns every host with a history, also of those that were removed from the fleet.
    async fn hosts_with_history(&self) -> Result<Vec<HostId>, StoreError>;
    /// Removes at most `limit` ops of a host, with their rollbacks. An op stays if, and only if, one of these holds:
    ///
    /// * it ended after `before`, or it has not ended: it is open or lost;
    /// * it has output;
    /// * it is one of the host's [newest](OPS_OF_PAST), or its last one that changed the system;
    /// * it belongs to an open roll-out, or a deployment that is kept names it;
    /// * another op retries it or stopped it.
    ///
    /// Of a host that left the fleet before `before`, lost ops, the newest and the last one go too.
    async fn remove_ops(&self, host: HostId, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError>;
    /// Removes at most `limit` test runs of a host. A run stays if, and only if, one of these holds:
    ///
    /// * it ended after `before`;
    /// * it is one of the host's [newest](RUNS_OF_PAST);
    /// * it is the latest of its build, and the build is in the host's profile.
    async fn remove_test_runs(
        &self,
        host: HostId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<bool, StoreError>;
    /// Removes at most `limit` roll-outs. One stays if it was requested after `before`, is open, is one of the
    /// [newest](MERGES_OF_PAST), or has an op left.
    async fn remove_rollouts(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError>;
    /// Removes at most `limit` deployments. Only one that a later merge superseded can go: last known working depends on
    /// reverted ones. It stays if it was merged after `before`, is one of the [newest](MERGES_OF_PAST), or has a roll-out left.
    async fn remove_deployments(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError>;
    /// Removes at most `limit` hosts that left the fleet before `before` and have no op left.
    async fn remove_hosts(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError>;
    /// Writes one audit entry about all removals since the last one, and returns them. Writes nothing if there were none.
    async fn report_removals(&self, now: DateTime<Utc>) -> Result<Vec<Removal>, StoreError>;
    /// Gives free space back to the file system, at most `bytes` of it, if so much is free that the database would not use it
    /// soon.
    async fn give_back(&self, bytes: u32) -> Result<bool, StoreError>;
    /// Rewrites the whole database without free space. Nobody else can write until it ends.
    async fn compact(&self) -> Result<(), StoreError>;
    /// Measures the space on disk. Reads the whole database: never call it in a request.
    async fn disk_use(&self) -> Result<DiskUse, StoreError>;
}

/// A number of removed things of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The kind.
    pub kind: Removed,
    /// The number.
    pub count: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removed {
    /// Lines of output.
    Lines,
    /// Ops.
    Ops,
    /// Test runs.
    TestRuns,
    /// Roll-outs.
    Rollouts,
    /// Deployments.
    Deployments,
    /// Hosts that had left the fleet.
    Hosts,
}

impl Removed {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Lines, Self::Ops, Self::TestRuns, Self::Rollouts, Self::Deployments, Self::Hosts];

    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Ops => "ops",
            Self::TestRuns => "test-runs",
            Self::Rollouts => "rollouts",
            Self::Deployments => "deployments",
            Self::Hosts => "hosts",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Lines => "lines of output",
            Self::Ops => "ops",
            Self::TestRuns => "test runs",
            Self::Rollouts => "roll-outs",
            Self::Deployments => "deployments",
            Self::Hosts => "removed hosts",
        }
    }
}

impl FromStr for Removed {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| format!("unknown: {name}"))
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.words(), self.count)
    }
}

/// The audit entry about these removals.
pub(super) fn removals_entry(now: DateTime<Utc>, removals: &[Removal]) -> NewAuditEntry {
    let counts: Vec<_> = removals.iter().map(ToString::to_string).collect();
    let detail = format!("Removed because of their age: {}.", counts.join(", "));
    NewAuditEntry::new(now, crate::ops::SERVER, "retention.removed", detail)
}

/// The space that a database takes on disk, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// All of it.
    pub total: u64,
    /// The part that is free for new rows.
    pub free: u64,
    /// The lines of output.
    pub output: u64,
    /// Ops and rollbacks.
    pub ops: u64,
    /// Test runs.
    pub test_runs: u64,
    /// Deployments and roll-outs.
    pub deployments: u64,
    /// Hosts with their facts, generations and pins.
    pub hosts: u64,
    /// The audit log.
    pub audit: u64,
    /// The number of entries in the audit log.
    pub audit_entries: u64,
}

impl DiskUse {
    /// Adds the space of a table or of one of its indexes.
    pub(super) fn add(&mut self, table: &str, bytes: u64) {
        let kind = match table {
            "op_output" => &mut self.output,
            "ops" | "rollbacks" => &mut self.ops,
            "test_runs" => &mut self.test_runs,
            "deployments" | "deployment_hosts" | "revert_candidates" | "rollouts" | "rollout_hosts" => {
                &mut self.deployments
            }
            "hosts" | "host_seen" | "generations" | "pins" => &mut self.hosts,
            "audit_log" | "audit_head" | "audit_checkpoint" => &mut self.audit,
            _ => return,
        };
        *kind += bytes;
    }

    /// People, sessions and what else is small.
    pub fn rest(&self) -> u64 {
        let known =
            [self.free, self.output, self.ops, self.test_runs, self.deployments, self.hosts, self.audit];
        self.total.saturating_sub(known.iter().sum())
    }
}
