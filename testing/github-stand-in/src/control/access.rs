//! Tokens and limits.

use chrono::{DateTime, Utc};
use http::StatusCode;

use crate::stand_in::StandIn;
use crate::state::{Permission, Token};
use crate::web::Secondary;

impl StandIn {
    /// Lets a token in, or changes what it may do.
    pub fn admit(&self, token: Token) {
        let tokens = &mut self.world.door().tokens;
        tokens.retain(|known| known.secret != token.secret);
        tokens.push(token);
    }

    /// Changes how far a token goes.
    pub fn permit(&self, secret: &str, permission: Permission) {
        for token in self.world.door().tokens.iter_mut().filter(|token| token.secret == secret) {
            token.permission = permission;
        }
    }

    /// Forgets a token: its bearer has bad credentials.
    pub fn revoke(&self, secret: &str) {
        self.world.door().tokens.retain(|token| token.secret != secret);
    }

    /// Allows so many requests until then, of which so many are used.
    pub fn limit_rate(&self, limit: u64, used: u64, reset: DateTime<Utc>) {
        let limits = &mut self.world.door().limits;
        (limits.limit, limits.used, limits.reset) = (limit, used, Some(reset));
    }

    /// How many requests have been counted against the limit since it was reset.
    pub fn rate_used(&self) -> u64 {
        self.world.door().limits.used
    }

    /// Meets the next requests with the secondary limit: 403 or 429, to be tried again after so many seconds.
    pub fn limit_secondarily(&self, requests: u32, status: StatusCode, retry_after: u64) {
        self.world.door().limits.secondary = Some(Secondary { requests, status, retry_after });
    }
}
