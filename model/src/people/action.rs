//! The table of actions: all that a person can do, who may, and where. The server functions and the routes derive their checks from
//! it; pages only hide what it refuses.

use super::Role;
use crate::OpKind;

/// Something that a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read hosts, ops and their output, deployments, roll-outs and notices.
    ReadFleet,
    /// Read the audit log.
    ReadLog,
    /// Download the audit log or an op's output.
    Export,
    /// Change one's own password, view and sessions.
    OwnAccount,
    /// Roll a host back.
    RollBack,
    /// Cancel an op.
    Cancel,
    /// Run a host's tests.
    RunTests,
    /// Roll several hosts back at once.
    RollBackMany,
    /// Pause or stop a roll-out.
    HoldRollout,
    /// Pull, switch, or both.
    Switch,
    /// Have a host report again.
    Refresh,
    /// Set a host's notes, its tests and its pins.
    SetUpHost,
    /// Set a host's tags. They decide whose grants cover it.
    Tag,
    /// Start or resume a roll-out.
    RollOut,
    /// Merge a pull request.
    Merge,
    /// Revert a pull request.
    Revert,
    /// Continue a deployment although a host failed.
    Continue,
    /// Remove a host.
    RemoveHost,
    /// Create a token with which a host joins.
    JoinToken,
    /// See who can log in, and the open invitations.
    ReadPeople,
    /// Invite, change, disable and delete people.
    ManagePeople,
}

/// Where an action takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// On one host: the role on that host counts.
    Host,
    /// On the whole fleet, or on nothing of it: only the role on the whole fleet counts.
    Fleet,
}

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The lowest role that may.
    pub role: Role,
    /// Where the person needs it.
    pub extent: Extent,
    /// Whether a person proves again who they are, if the last proof is old.
    pub proof: bool,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 21] = [
        Self::ReadFleet,
        Self::ReadLog,
        Self::Export,
        Self::OwnAccount,
        Self::RollBack,
        Self::Cancel,
        Self::RunTests,
        Self::RollBackMany,
        Self::HoldRollout,
        Self::Switch,
        Self::Refresh,
        Self::SetUpHost,
        Self::Tag,
        Self::RollOut,
        Self::Merge,
        Self::Revert,
        Self::Continue,
        Self::RemoveHost,
        Self::JoinToken,
        Self::ReadPeople,
        Self::ManagePeople,
    ];

    /// Who may do this. This is the table: nothing else decides.
    pub const fn rule(self) -> Rule {
        use Extent::{Fleet, Host};
        use Role::{Admin, Operator, Responder, Viewer};

        let (role, extent) = match self {
            Self::ReadFleet | Self::ReadLog | Self::Export | Self::OwnAccount => (Viewer, Fleet),
            Self::RollBack | Self::Cancel | Self::RunTests => (Responder, Host),
            Self::RollBackMany | Self::HoldRollout => (Responder, Fleet),
            Self::Switch | Self::Refresh | Self::SetUpHost => (Operator, Host),
            Self::Tag | Self::RollOut | Self::Merge | Self::Revert | Self::Continue => (Operator, Fleet),
            Self::RemoveHost | Self::JoinToken | Self::ReadPeople | Self::ManagePeople => (Admin, Fleet),
        };
        let proof = matches!(
            self,
            Self::Merge
                | Self::Revert
                | Self::RollBackMany
                | Self::RemoveHost
                | Self::JoinToken
                | Self::ManagePeople
        );
        Rule { role, extent, proof }
    }

    /// What the person does, after “to”.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ReadFleet => "look at the fleet",
            Self::ReadLog => "read the audit log",
            Self::Export => "download the audit log",
            Self::OwnAccount => "change their own account",
            Self::RollBack => "roll a host back",
            Self::Cancel => "cancel an op",
            Self::RunTests => "run a host's tests",
            Self::RollBackMany => "roll several hosts back",
            Self::HoldRollout => "pause or stop a roll-out",
            Self::Switch => "pull or switch a host",
            Self::Refresh => "refresh a host",
            Self::SetUpHost => "change a host's settings",
            Self::Tag => "change a host's tags",
            Self::RollOut => "start or resume a roll-out",
            Self::Merge => "merge a pull request",
            Self::Revert => "revert a pull request",
            Self::Continue => "continue a deployment",
            Self::RemoveHost => "remove a host",
            Self::JoinToken => "create a join token",
            Self::ReadPeople => "see who can log in",
            Self::ManagePeople => "change people",
        }
    }

    /// What requesting an op of this kind is.
    pub const fn request(kind: OpKind) -> Self {
        match kind {
            OpKind::Rollback => Self::RollBack,
            OpKind::Switch | OpKind::Pull | OpKind::PullSwitch => Self::Switch,
            OpKind::Test => Self::RunTests,
            OpKind::Refresh => Self::Refresh,
        }
    }
}
