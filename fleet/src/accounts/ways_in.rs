//! How people may log in: with a password, through a provider, or both.

use std::sync::Arc;

use backstay_model::Role;

use crate::sso::Sso;

/// Who may log in with a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Passwords {
    /// Everybody who has one.
    #[default]
    Everybody,
    /// Administrators, for the night in which the provider is away. Each such log-in is loud.
    Administrators,
    /// Nobody.
    Never,
}

impl Passwords {
    /// Returns whether somebody with this role may.
    pub(super) fn admit(self, role: Role) -> bool {
        match self {
            Self::Everybody => true,
            Self::Administrators => role == Role::Admin,
            Self::Never => false,
        }
    }
}

/// How people may log in.
#[derive(Debug, Clone, Default)]
pub struct WaysIn {
    /// Who may log in with a password.
    pub passwords: Passwords,
    /// The provider, if there is one.
    pub sso: Option<Arc<Sso>>,
}

impl WaysIn {
    /// Returns whether somebody with this role, who does or does not come through the provider, could log in.
    pub(super) fn admit(&self, role: Role, is_external: bool) -> bool {
        if is_external { self.sso.is_some() } else { self.passwords.admit(role) }
    }
}
