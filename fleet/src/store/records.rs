//! What goes into the store and comes out of it: records, what is to be recorded, and why something is not.

use backstay_model::Outcome;
use backstay_model::deployment::PullRequestRef;
use backstay_model::rollback::Refusal;
use backstay_model::rollout::Rollout;
use backstay_model::{
    Commit, DeploymentId, Facts, Generation, HostId, Labels, OpAction, OpId, OpKind, OpStatus, OpView,
    Platform, Role, TestTimeout,
};
use chrono::{DateTime, Utc};

/// SHA-256 of a secret, in lower-case hexadecimal: all that the store ever holds of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(pub String);

/// What can go wrong with the database itself. What a person can do something about has its own type.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it was asked.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to this version.
    #[error("the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version does not understand.
    #[error("the database holds what this version does not understand: {0}")]
    Corrupt(String),
}

/// What became of lines that were to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The number up to which there is no gap.
    pub through: u64,
    /// The numbers of those that were not stored before.
    pub new: Vec<u64>,
}

/// A host as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRecord {
    /// Its identifier.
    pub id: HostId,
    /// Its name, unique whatever the case of its letters.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// Whether tests run by themselves after a switch or rollback.
    pub auto_test: bool,
    /// How long each of its tests may take, where that is set.
    pub test_timeout: Option<TestTimeout>,
    /// What people say of it.
    pub labels: Labels,
    /// The version of its agent; none before it first connected.
    pub agent_version: Option<String>,
    /// The protocol version of its agent; none before it first connected.
    pub agent_protocol: Option<u32>,
    /// When its agent was last heard of.
    pub last_seen: Option<DateTime<Utc>>,
    /// The latest facts.
    pub facts: Option<Facts>,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
}

/// A host that is to be enrolled.
#[derive(Debug, Clone)]
pub struct NewHost {
    /// Its identifier.
    pub id: HostId,
    /// The name that its agent gave.
    pub name: String,
    /// What kind of system it is.
    pub platform: Platform,
    /// The hash of the token that its agent will show from now on.
    pub token: TokenHash,
    /// Whether tests run by themselves after a switch or rollback.
    pub auto_test: bool,
    /// When.
    pub at: DateTime<Utc>,
}

impl NewHost {
    /// What the audit log says of the enrolment.
    pub fn audit_entry(&self) -> NewAuditEntry {
        NewAuditEntry {
            at: self.at,
            actor: self.name.clone(),
            action: "host.enrolled".to_owned(),
            host_name: Some(self.name.clone()),
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: format!("Joined the fleet as a {} host.", self.platform.title()),
            op: None,
        }
    }
}

/// A join token: the right to enrol one host, once, for a while.
#[derive(Debug, Clone)]
pub struct NewJoinToken {
    /// The hash of the token.
    pub token: TokenHash,
    /// The only name that may be enrolled with it, where it was made for one.
    pub host_name: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
}

impl NewJoinToken {
    /// The audit entry for the token.
    pub fn audit_entry(&self) -> NewAuditEntry {
        let whom = self.host_name.as_deref().unwrap_or("any host");
        NewAuditEntry {
            at: self.created_at,
            actor: self.made_by.clone(),
            action: "join-token.created".to_owned(),
            host_name: self.host_name.clone(),
            from_gen: None,
            to_gen: None,
            reason: None,
            detail: format!("For {whom}, until {}.", self.expires_at.format("%F %R UTC")),
            op: None,
        }
    }
}

/// Why a host is not enrolled. A stranger hears only that the token is not valid.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is no such token, or it has expired, was used, or is for a host of another name.
    #[error("the join token is not valid: it is unknown, used, expired, or made for another host")]
    InvalidToken,
    /// There is a host of that name.
    #[error("there is a host named {0} already: remove it first, or give this one another name")]
    NameTaken(String),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An op that is to be recorded.
#[derive(Debug, Clone)]
pub struct NewOp {
    /// Its identifier.
    pub id: OpId,
    /// The host that it is for.
    pub host: HostId,
    /// What to do.
    pub action: OpAction,
    /// [`OpStatus::Queued`], or [`OpStatus::Blocked`] for the record of a refusal.
    pub status: OpStatus,
    /// Who asked.
    pub requested_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when the server waits for it; none for a blocked op.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that it tries again.
    pub retry_of: Option<OpId>,
    /// If the host's tests hold the host: stop them, and begin this op as soon as they have ended.
    pub stop_tests: bool,
    /// For a blocked op, why.
    pub message: Option<String>,
}

impl NewOp {
    /// The message of tests that this op takes back before they were sent.
    pub fn tests_taken_back(&self) -> String {
        format!(
            "Cancelled by {} before the tests reached the host, for a rollback. No test ran.",
            self.requested_by
        )
    }

    /// The audit entry for `tests`, which this op stops.
    pub fn stop_entry(&self, tests: &OpView) -> NewAuditEntry {
        let (what, detail) = if tests.status == OpStatus::Queued {
            ("cancelled", self.tests_taken_back())
        } else {
            ("cancel-requested", "The tests are to stop, so that the rollback can begin.".to_owned())
        };
        NewAuditEntry {
            at: self.created_at,
            actor: self.requested_by.clone(),
            action: format!("{}.{what}", tests.action.kind()),
            host_name: Some(tests.host_name.clone()),
            from_gen: None,
            to_gen: None,
            reason: self.reason.clone(),
            detail,
            op: Some(tests.id),
        }
    }
}

/// Why an op is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum InsertOpError {
    /// Another op holds the host.
    #[error("another op holds the host: {}", .0.title())]
    HostBusy(Box<OpView>),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A step in an op's life. Fields that are none leave what is stored.
#[derive(Debug, Clone)]
pub struct OpStep {
    /// The status to go to.
    pub to: OpStatus,
    /// The only status to come from, where not every one from which [`OpStatus::to`] may lead there will do.
    pub only_from: Option<OpStatus>,
    /// When the agent began, by the host's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended on the host.
    pub outcome: Option<Outcome>,
    /// The exit code of the command that decided.
    pub exit_code: Option<i32>,
    /// The names of the tests that failed; none leaves what is stored.
    pub failed_tests: Vec<String>,
    /// What became of it, in a sentence.
    pub message: Option<String>,
    /// The audit entry that goes with the step.
    pub audit: Option<NewAuditEntry>,
    /// The row in `rollbacks` that goes with the step; it takes the place of an earlier one of the same op. A step that closes the
    /// op without one removes the earlier one: a lost rollback was found never to have moved its host.
    pub rollback: Option<RollbackRecord>,
    /// Until when the server waits from here on. A closed op is not waited for.
    pub due_at: Option<DateTime<Utc>>,
    /// The op that follows on this one, with its audit entry: recorded with the step or, where another op holds the
    /// host, not at all.
    pub then: Option<Box<(NewOp, NewAuditEntry)>>,
}

impl OpStep {
    /// A step to `to`, with nothing else to tell.
    pub fn to(to: OpStatus) -> Self {
        Self {
            to,
            only_from: None,
            started_at: None,
            finished_at: None,
            outcome: None,
            exit_code: None,
            failed_tests: vec![],
            message: None,
            audit: None,
            rollback: None,
            due_at: None,
            then: None,
        }
    }
}

/// A deployment that is to be recorded.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// Its identifier.
    pub id: DeploymentId,
    /// What was merged.
    pub pull_request: PullRequestRef,
    /// What it became on the branch.
    pub commit: Commit,
    /// Who merged it.
    pub merged_by: String,
    /// When.
    pub merged_at: DateTime<Utc>,
}

/// A rollback that took place or was tried on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRecord {
    /// The op that did it.
    pub op: OpId,
    /// The host.
    pub host: HostId,
    /// The generation it was on.
    pub from_gen: u32,
    /// The generation it was to reach.
    pub to_gen: u32,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// Who.
    pub initiated_by: String,
    /// When it ended.
    pub rolled_back_at: DateTime<Utc>,
    /// Whether the host reached it.
    pub success: bool,
}

/// An audit entry that is to be appended; its number and hash come from the log.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// What was done, such as `rollback.requested`.
    pub action: String,
    /// The host that it was done to.
    pub host_name: Option<String>,
    /// The generation that the host left.
    pub from_gen: Option<u32>,
    /// The generation that it was to reach.
    pub to_gen: Option<u32>,
    /// Why.
    pub reason: Option<String>,
    /// What became of it.
    pub detail: String,
    /// The op that it belongs to.
    pub op: Option<OpId>,
}

/// Which ops are asked for.
#[derive(Debug, Clone, Default)]
pub struct OpFilter {
    /// Of this host alone.
    pub host: Option<HostId>,
    /// Of this kind alone.
    pub kind: Option<OpKind>,
    /// In one of these statuses; in any, where there is none.
    pub statuses: Vec<OpStatus>,
    /// Asked for by this person alone.
    pub by: Option<String>,
    /// Only those older than this one.
    pub before: Option<OpId>,
    /// At most so many.
    pub limit: u32,
}

/// How many commits that were reverted are known of: the newest. What is older has long left every profile.
pub const REVERTED_COMMITS: u32 = 1_000;

/// A generation as history remembers it, also after it has left the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationRecord {
    /// The generation as last reported.
    pub generation: Generation,
    /// Whether the profile still lists it.
    pub in_profile: bool,
}

/// A person as stored.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// The name.
    pub name: String,
    /// The password's argon2id hash, in PHC string format.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
}

/// Why a roll-out is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum InsertRolloutError {
    /// Another op holds a host that was to be begun with it.
    #[error("another op holds {}: {}", .0.host_name, .0.title())]
    HostBusy(Box<OpView>),
    /// A host that was to be rolled back with it is not as the person saw it.
    #[error("{host} is not as it was seen")]
    NotAsSeen {
        /// The host's name.
        host: String,
        /// What is different; none where the host has left the fleet or not reported its generations.
        refusal: Option<Refusal>,
    },
    /// Another one goes on.
    #[error("another roll-out goes on")]
    Another(Box<Rollout>),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}
