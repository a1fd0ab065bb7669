//! Tokens and limits.

use chrono::{DateTime, Utc};
use http::StatusCode;

use crate::stand_in::StandIn;
use crate::state::{Permission, Token};
use crate::web::Secondary;

impl StandIn {
    /// Accepts a token, or changes its permission.
    pub fn admit(&self, token: Token) {
        let tokens = &mut self.world.door().tokens;
        tokens.retain(|known| known.secret != token.secret);
        tokens.push(token);
    }

    /// Changes a token's permission.
    pub fn permit(&self, secret: &str, permission: Permission) {
        for token in self.world.door().tokens.iter_mut().filter(|token| token.secret == secret) {
            token.permission = permission;
        }
    }

    /// Revokes a token: requests with it get "Bad credentials".
    pub fn revoke(&self, secret: &str) {
        self.world.door().tokens.retain(|token| token.secret != secret);
    }

    /// Sets the rate limit: the number of requests until the reset, and how many of them are used.
    pub fn limit_rate(&self, limit: u64, used: u64, reset: DateTime<Utc>) {
        let limits = &mut self.world.door().limits;
        (limits.limit, limits.used, limits.reset) = (limit, used, Some(reset));
    }

    /// Number of requests counted against the limit since its reset.
    pub fn rate_used(&self) -> u64 {
        self.world.door().limits.used
    }

    /// Answers the next requests with the secondary limit: 403 or 429, and the seconds to wait.
    pub fn limit_secondarily(&self, requests: u32, status: StatusCode, retry_after: u64) {
        self.world.door().limits.secondary = Some(Secondary { requests, status, retry_after });
    }
}
