//! What pages show: plain data that server functions return.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::deployment::Deployment;
use crate::pull_request::PullRequests;
use crate::rollback::RollbackPlan;
use crate::rollout::Rollout;
use crate::test_history::TestHistory;
use crate::timeline::Timeline;
use crate::{Facts, HostView, Labels, OpId, OpKind, OpStatus, OpView, OutputLine, TestTimeout};

/// A page counts unread notices up to here.
pub const NOTICES_COUNTED: usize = 20;

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
    /// The number of the last event in the snapshot: a page follows the stream from there.
    pub last_event: u64,
    /// The numbers of the newest notices, oldest first: at most [`NOTICES_COUNTED`].
    pub newest_notices: Vec<u64>,
    /// The version of the server.
    pub server_version: String,
}

/// One host with everything that its own page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDetail {
    /// The row of the fleet page.
    pub host: HostView,
    /// The latest facts.
    pub facts: Option<Facts>,
    /// Its labels.
    pub labels: Labels,
    /// Its generations as rollback targets.
    pub plan: Option<RollbackPlan>,
    /// Its past.
    pub timeline: Timeline,
    /// The history of each of its tests.
    pub tests: Vec<TestHistory>,
    /// The time limit for each test, if set.
    pub test_timeout: Option<TestTimeout>,
    /// Its latest ops, newest first.
    pub ops: Vec<OpView>,
    /// The number of the last event that this includes.
    pub last_event: u64,
}

/// One op with the end of its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpDetail {
    /// The op.
    pub op: OpView,
    /// Its last lines, in order. Earlier ones are read on demand.
    pub lines: Vec<OutputLine>,
    /// The number of the last event that this includes.
    pub last_event: u64,
}

/// The part of a filter that both histories have: days, and words. To stay fast, it looks at the newest entries alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The first day, such as `2026-11-29`, in UTC.
    #[serde(default)]
    pub from: Option<String>,
    /// The last day.
    #[serde(default)]
    pub to: Option<String>,
    /// Text that an entry contains, whatever its case.
    #[serde(default)]
    pub text: Option<String>,
}

/// A filter for ops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpQuery {
    /// Only ops of the host with this name.
    pub host: Option<String>,
    /// Only ops of this kind.
    pub kind: Option<OpKind>,
    /// Only ops with one of these statuses; empty means any.
    pub statuses: Vec<OpStatus>,
    /// Only ops that this person requested.
    pub by: Option<String>,
    /// Only ops of these days and with this text.
    #[serde(default)]
    pub search: Search,
    /// Only entries older than this one.
    pub before: Option<OpId>,
}

/// A page of ops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpsPage {
    /// The ops, newest first.
    pub ops: Vec<OpView>,
    /// Whether there are older ones.
    pub more: bool,
    /// The number of the last event that this includes.
    pub last_event: u64,
}

/// Facts about the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its version.
    pub server_version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The GitHub repository that it watches, as `owner/name`.
    pub repository: Option<String>,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The actor: a person's name, an agent's host, or `auto-test`.
    pub actor: String,
    /// The action, such as `rollback.requested` or `login.refused`.
    pub action: String,
    /// The host concerned.
    pub host_name: Option<String>,
    /// The generation that the host left.
    pub from_gen: Option<u32>,
    /// The generation that the host was to reach.
    pub to_gen: Option<u32>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// The result, in a sentence.
    pub detail: String,
    /// The op concerned.
    pub op: Option<OpId>,
}

/// The kind of entries, in an address, that includes log-ins.
pub const EVERYTHING: &str = "everything";

/// A filter for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Only entries about the host with this name.
    pub host: Option<String>,
    /// Only entries of this person.
    pub actor: Option<String>,
    /// Only entries of this kind: the part of an action before the dot, such as `rollback`, or a whole
    /// action.
    pub action: Option<String>,
    /// No log-ins.
    #[serde(default)]
    pub without_log_ins: bool,
    /// Only entries of these days and with this text.
    #[serde(default)]
    pub search: Search,
    /// Only entries older than this one.
    pub before: Option<u64>,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether there are older ones.
    pub more: bool,
    /// How far the log is verified.
    pub chain: AuditChain,
}

/// How far the hash chain of the audit log is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChain {
    /// The number of the last verified entry; 0 for none.
    pub verified: u64,
    /// Whether every entry up to there was verified since, and newer ones are verified as they come.
    pub is_complete: bool,
    /// When the verification began at the first entry.
    pub since: DateTime<Utc>,
    /// The number of the first entry that was tampered with.
    pub broken_at: Option<u64>,
}
