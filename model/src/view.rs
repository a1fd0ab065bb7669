//! What pages show, beyond a single host: plain data that server functions return.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::deployment::Deployment;
use crate::pull_request::PullRequests;
use crate::rollback::RollbackPlan;
use crate::rollout::Rollout;
use crate::test_history::TestHistory;
use crate::timeline::Timeline;
use crate::{Facts, HostView, Labels, OpId, OpKind, OpStatus, OpView, OutputLine, TestTimeout};

/// Every host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSnapshot {
    /// The hosts, by name.
    pub hosts: Vec<HostView>,
    /// The open pull requests that update the fleet.
    pub pull_requests: PullRequests,
    /// The newest deployment.
    pub deployment: Option<Deployment>,
    /// The newest roll-out.
    pub rollout: Option<Rollout>,
    /// The number of the last event that the snapshot holds: a page follows the stream from there.
    pub last_event: u64,
    /// The number of the newest notice; 0 where there is none.
    pub newest_notice: u64,
    /// The version of the server.
    pub server_version: String,
}

/// One host with all that its own page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDetail {
    /// The row of the fleet page.
    pub host: HostView,
    /// The latest facts.
    pub facts: Option<Facts>,
    /// What people say of it.
    pub labels: Labels,
    /// Its generations as rollback targets.
    pub plan: Option<RollbackPlan>,
    /// How it fared over time.
    pub timeline: Timeline,
    /// What each of its tests has said.
    pub tests: Vec<TestHistory>,
    /// How long each of them may take, where that is set.
    pub test_timeout: Option<TestTimeout>,
    /// Its latest ops, newest first.
    pub ops: Vec<OpView>,
    /// The number of the last event that this holds.
    pub last_event: u64,
}

/// One op with the end of its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpDetail {
    /// The op.
    pub op: OpView,
    /// Its last lines, in order. Those before the first of them are read on demand.
    pub lines: Vec<OutputLine>,
    /// The number of the last event that this holds.
    pub last_event: u64,
}

/// Which ops a history shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpQuery {
    /// Of the host with this name alone.
    pub host: Option<String>,
    /// Of this kind alone.
    pub kind: Option<OpKind>,
    /// In one of these statuses; in any, where there is none.
    pub statuses: Vec<OpStatus>,
    /// Asked for by this person alone.
    pub by: Option<String>,
    /// Only those older than this one.
    pub before: Option<OpId>,
}

/// A page of a history of ops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpsPage {
    /// The ops, newest first.
    pub ops: Vec<OpView>,
    /// Whether there are older ones.
    pub more: bool,
    /// The number of the last event that this holds.
    pub last_event: u64,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its version.
    pub server_version: String,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// The repository at GitHub that it watches, as `owner/name`.
    pub repository: Option<String>,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, counted from 1 without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it: a person's name, an agent's host, or `auto-test`.
    pub actor: String,
    /// What was done, such as `rollback.requested` or `login.refused`.
    pub action: String,
    /// The host that it was done to.
    pub host_name: Option<String>,
    /// The generation that the host left.
    pub from_gen: Option<u32>,
    /// The generation that it was to reach.
    pub to_gen: Option<u32>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// What became of it, in a sentence.
    pub detail: String,
    /// The op that it belongs to.
    pub op: Option<OpId>,
}

/// Which entries of the audit log are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// About the host with this name alone.
    pub host: Option<String>,
    /// Of what this person did alone.
    pub actor: Option<String>,
    /// Of this kind alone: what stands before the dot of an action, such as `rollback`, or a whole action.
    pub action: Option<String>,
    /// Only those older than this one.
    pub before: Option<u64>,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether the chain of hashes holds; if not, the number of the first entry that was tampered with.
    pub broken_at: Option<u64>,
}
