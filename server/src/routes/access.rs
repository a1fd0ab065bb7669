//! Who may use a route.

use backstay_model::Action;

/// Who may use a route. Each request carries that of its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Anybody,
    /// Who presents the secret that the route itself checks: an agent's token, a signature, an invitation, an answer of the
    /// single sign-on provider. The way to that provider is one, too.
    Own,
    /// People who are logged in and may do this.
    Person(Action),
}
