//! Browsers on which people have logged in.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{StoreError, TokenHash};

/// Upper bound on the known devices of a person: those used last.
pub const DEVICES_KEPT: u32 = 20;

/// The devices that each person has logged in on.
#[async_trait]
pub trait DeviceStore: Send + Sync + 'static {
    /// Returns whether this person logged in on this device after `since`.
    async fn is_known_device(
        &self,
        device: &TokenHash,
        user: &str,
        since: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Records that a person logged in on a device, and forgets the person's oldest ones beyond [`DEVICES_KEPT`].
    async fn put_device(&self, device: &TokenHash, user: &str, at: DateTime<Utc>) -> Result<(), StoreError>;
}
