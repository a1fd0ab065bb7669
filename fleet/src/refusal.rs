//! How each refused request maps to the status of an answer: decided here for all of them.

use backstay_model::OpId;

use crate::accounts::{AccountError, LogInError, OwnPasswordError, SecondFactorError};
use crate::compare::CompareError;
use crate::deployments::DeployError;
use crate::ops::request::RequestError;
use crate::rollouts::RolloutError;
use crate::saved_views::SaveViewError;
use crate::store::StoreError;

/// The kind of a refusal.
#[derive(Debug)]
pub enum RefusalKind<'a> {
    /// The name or the password is wrong, or there were too many attempts.
    NotAuthenticated,
    /// The person's role is too low.
    NotAllowed,
    /// The request cannot be carried out as it is written.
    Invalid,
    /// The request does not fit the current state.
    Conflict,
    /// Another op holds the host.
    Busy(OpId),
    /// The database failed.
    Database(&'a StoreError),
}

/// A refused request. Its text can be shown to the person.
pub trait Refusal: std::error::Error {
    /// The kind of the refusal.
    fn kind(&self) -> RefusalKind<'_>;
}

impl Refusal for RequestError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::NotAllowed(_) => RefusalKind::NotAllowed,
            Self::HostBusy { op, .. } => RefusalKind::Busy(*op),
            Self::Store(error) => RefusalKind::Database(error),
            _ => RefusalKind::Conflict,
        }
    }
}

impl Refusal for RolloutError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::NotAllowed(_) => RefusalKind::NotAllowed,
            Self::Store(error) => RefusalKind::Database(error),
            _ => RefusalKind::Conflict,
        }
    }
}

impl Refusal for DeployError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::NotAllowed(_) => RefusalKind::NotAllowed,
            Self::Store(error) => RefusalKind::Database(error),
            _ => RefusalKind::Conflict,
        }
    }
}

impl Refusal for CompareError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::Store(error) => RefusalKind::Database(error),
            _ => RefusalKind::Conflict,
        }
    }
}

impl Refusal for SaveViewError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::Name => RefusalKind::Invalid,
            Self::Full => RefusalKind::Conflict,
            Self::Store(error) => RefusalKind::Database(error),
        }
    }
}

impl Refusal for AccountError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::NotAllowed(_) => RefusalKind::NotAllowed,
            Self::LastAdmin(_) | Self::InvitationGone | Self::SessionGone => RefusalKind::Conflict,
            Self::Store(error) => RefusalKind::Database(error),
            _ => RefusalKind::Invalid,
        }
    }
}

impl Refusal for LogInError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::Failed(AccountError::Store(error)) => RefusalKind::Database(error),
            _ => RefusalKind::NotAuthenticated,
        }
    }
}

impl Refusal for SecondFactorError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::Check(error) => error.kind(),
            Self::Account(error) => error.kind(),
            Self::Unavailable | Self::Changed | Self::None(_) => RefusalKind::Conflict,
        }
    }
}

impl Refusal for OwnPasswordError {
    fn kind(&self) -> RefusalKind<'_> {
        match self {
            Self::Check(error) => error.kind(),
            Self::Account(error) => error.kind(),
        }
    }
}
