//! Which action of the table each server function is: the check of a function derives from here, and the tests call every function
//! that is listed.

use backstay_model::Action;
use server_fn::ServerFn;

/// A server function for people who are logged in.
pub(crate) trait Guarded: ServerFn {
    /// What it may do, depending on its arguments. A person who may do none of these things anywhere is refused first.
    const ACTIONS: &'static [Action];
}

macro_rules! guarded {
    ($($function:ident: $($action:ident)|+;)*) => {
        $(impl Guarded for super::$function {
            const ACTIONS: &'static [Action] = &[$(Action::$action),+];
        })*

        /// The path of each server function for people who are logged in, and what it may do.
        pub const GUARDED: &[(&str, &[Action])] = &[$((super::$function::PATH, super::$function::ACTIONS)),*];
    };
}

guarded! {
    StartPage: ReadFleet;
    LoadHost: ReadFleet;
    LoadPlan: ReadFleet;
    LoadOp: ReadFleet;
    LoadOps: ReadFleet;
    LoadOutputAfter: ReadFleet;
    LoadOutputBefore: ReadFleet;
    LoadNotices: ReadFleet;
    LoadAbout: ReadFleet;
    LoadDeployments: ReadFleet;
    LoadDeployment: ReadFleet;
    LoadRevertEffects: ReadFleet;
    LoadRollout: ReadFleet;
    LoadRolloutCommits: ReadFleet;
    LoadPlannedRollbacks: ReadFleet;
    LoadPlannedRollbacksOf: ReadFleet;
    CompareGenerations: ReadFleet;
    // The page of all people checks its person again.
    LoadWritten: ReadFleet | ReadPeople;
    Audit: ReadLog;
    LogOut: OwnAccount;
    SetView: OwnAccount;
    SaveView: OwnAccount;
    ForgetView: OwnAccount;
    ChangePassword: OwnAccount;
    EndSession: OwnAccount;
    EndOtherSessions: OwnAccount;
    BeginSecondFactor: OwnAccount;
    ConfirmSecondFactor: OwnAccount;
    RemoveSecondFactor: OwnAccount;
    ConfirmPerson: OwnAccount;
    RequestRollback: RollBack;
    CancelOp: Cancel;
    RequestOp: RunTests | Switch | Refresh;
    RetryOp: RunTests | Switch | Refresh;
    SetLabels: SetUpHost | Tag;
    SetAutoTest: SetUpHost;
    SetTestTimeout: SetUpHost;
    PinGeneration: SetUpHost;
    UnpinGeneration: SetUpHost;
    RollBackHosts: RollBackMany;
    StartRollout: RollOut;
    SteerRollout: HoldRollout | RollOut;
    MergePullRequest: Merge;
    RevertPullRequest: Revert;
    ContinueAnyway: Continue;
    RemoveHost: RemoveHost;
    MakeJoinToken: JoinToken;
    InvitePerson: ManagePeople;
    RevokeInvitation: ManagePeople;
    SetRole: ManagePeople;
    GrantRole: ManagePeople;
    RevokeGrant: ManagePeople;
    ResetSecondFactor: ManagePeople;
    DisablePerson: ManagePeople;
    EnablePerson: ManagePeople;
    DeletePerson: ManagePeople;
}

/// The path of each server function for people who are not logged in yet.
pub const OPEN: &[&str] = &[super::LogIn::PATH, super::AcceptInvitation::PATH];
