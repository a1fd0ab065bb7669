//! Marks that people put on generations.

use async_trait::async_trait;
use backstay_model::{GenerationPin, GenerationRef, HostId};

use super::{NewAuditEntry, StoreError};

/// The pinned generations of each host.
#[async_trait]
pub trait PinStore: Send + Sync + 'static {
    /// Returns a host's pins, newest generation first.
    async fn pins(&self, host: HostId) -> Result<Vec<GenerationPin>, StoreError>;
    /// Records a pin with its audit entry, in place of an earlier one with its number. Forgets the host's pins of
    /// generations that have left the profile, so that pins stay as few as generations. Writes nothing if the
    /// host is not in the fleet.
    async fn put_pin(
        &self,
        host: HostId,
        pin: &GenerationPin,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError>;
    /// Forgets the pin of a generation. Writes the audit entry only if there was one.
    async fn delete_pin(
        &self,
        host: HostId,
        generation: &GenerationRef,
        audit: &NewAuditEntry,
    ) -> Result<(), StoreError>;
}
