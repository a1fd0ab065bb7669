//! Second factors: the sealed seeds of people's codes, and their recovery codes.

use async_trait::async_trait;

use super::{NewAuditEntry, StoreError, TokenHash};

/// The second factor of each person.
#[async_trait]
pub trait SecondFactorStore: Send + Sync + 'static {
    /// Returns a person's second factor, also one that is not confirmed.
    async fn second_factor(&self, user: &str) -> Result<Option<SecondFactor>, StoreError>;
    /// Records a seed that is not confirmed; it replaces an earlier one that is not. Returns false, and changes nothing, if the
    /// person is unknown or has a confirmed one.
    async fn put_second_factor(&self, user: &str, sealed_seed: &str) -> Result<bool, StoreError>;
    /// Confirms the seed with the step of its first code, and records the recovery codes. Returns false, and changes nothing, if
    /// that is not the person's unconfirmed seed any more.
    async fn confirm_second_factor(
        &self,
        user: &str,
        sealed_seed: &str,
        step: u64,
        recovery_codes: &[TokenHash],
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Uses the code of this step up. Returns false if it, or a later one, was used before.
    async fn use_step(&self, user: &str, step: u64) -> Result<bool, StoreError>;
    /// Uses a recovery code up. Returns false if the person has no such code.
    async fn use_recovery_code(
        &self,
        user: &str,
        code: &TokenHash,
        audit: &NewAuditEntry,
    ) -> Result<bool, StoreError>;
    /// Removes a person's second factor. Returns false if there is none that is confirmed.
    async fn remove_second_factor(&self, user: &str, audit: &NewAuditEntry) -> Result<bool, StoreError>;
    /// Returns every sealed seed, with its person.
    async fn sealed_seeds(&self) -> Result<Vec<(String, String)>, StoreError>;
    /// Replaces a sealed seed, if it is still this one.
    async fn reseal(&self, user: &str, old: &str, new: &str) -> Result<(), StoreError>;
}

/// A second factor as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The sealed seed.
    pub sealed_seed: String,
    /// Whether the person has entered a code of it.
    pub is_confirmed: bool,
    /// The number of recovery codes that are left.
    pub recovery_codes: u64,
}
