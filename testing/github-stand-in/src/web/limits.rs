//! Rate limits.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// Length of a window of the primary limit.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// The primary limit, in requests an hour.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: Option<DateTime<Utc>>,
    pub(crate) secondary: Option<Secondary>,
}

/// The secondary limit, against too many requests at once.
#[derive(Debug, Clone)]
pub(crate) struct Secondary {
    /// How many more requests it affects.
    pub(crate) requests: u32,
    pub(crate) status: StatusCode,
    pub(crate) retry_after: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { limit: 5000, used: 0, reset: None, secondary: None }
    }
}

impl Limits {
    /// Starts a new window if the old one is over.
    pub(crate) fn turn(&mut self, now: DateTime<Utc>) {
        if self.reset.is_none_or(|reset| reset <= now) {
            self.reset = Some(now + WINDOW);
            self.used = 0;
        }
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.used >= self.limit
    }

    /// Returns the secondary limit's answer, if it affects this request.
    pub(crate) fn take_secondary(&mut self) -> Option<Secondary> {
        let secondary = self.secondary.as_mut()?;
        secondary.requests = secondary.requests.checked_sub(1)?;
        Some(secondary.clone())
    }

    fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    fn reset(&self) -> i64 {
        self.reset.map_or(0, |reset| reset.timestamp())
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(self.remaining()));
        headers.insert("x-ratelimit-used", HeaderValue::from(self.used.min(self.limit)));
        headers.insert("x-ratelimit-reset", HeaderValue::from(self.reset()));
        headers.insert("x-ratelimit-resource", HeaderValue::from_static("core"));
    }

    /// `GET /rate_limit`
    pub(crate) fn overview(&self) -> Value {
        let core = json!({
            "limit": self.limit,
            "used": self.used.min(self.limit),
            "remaining": self.remaining(),
            "reset": self.reset(),
        });
        let untouched =
            |limit: u64| json!({ "limit": limit, "used": 0, "remaining": limit, "reset": self.reset() });
        json!({
            "resources": { "core": core, "search": untouched(30), "graphql": untouched(5000) },
            "rate": core,
        })
    }
}
