//! Compares two generations of a host: asks the host on demand.

use std::time::Duration;

use backstay_model::comparison::{Comparison, Pair};
use backstay_model::wire::message::ServerMessage;
use backstay_model::{GenerationRef, HostId};

use crate::fleet::Fleet;
use crate::store::StoreError;

/// How long a host may take to answer. Longer than the limits of the programs that the host runs for it.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(150);

/// Why two generations cannot be compared. Each text can be shown to the person.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// There is no such host.
    #[error("There is no host named {0}.")]
    NoSuchHost(String),
    /// The host is not connected.
    #[error("{0} is not connected, so it cannot be asked what would change. Try again when it is online.")]
    Offline(String),
    /// The host did not answer.
    #[error("{0} did not answer in time what would change. Try again.")]
    Silent(String),
    /// The host has not answered yet.
    #[error("{0} is still comparing the two. Reload in a moment.")]
    Pending(String),
    /// See [`StoreError`].
    #[error("The database failed. The server's log says why.")]
    Store(#[from] StoreError),
}

impl Fleet {
    /// Returns what changes between two generations of a host. Asking changes nothing on the host. The answer
    /// takes the time that the host needs.
    ///
    /// # Errors
    /// [`CompareError`]
    pub async fn compare(
        &self,
        host_name: &str,
        from: GenerationRef,
        to: GenerationRef,
    ) -> Result<Comparison, CompareError> {
        let host = self.store.host_by_name(host_name).await?;
        let host = host.ok_or_else(|| CompareError::NoSuchHost(host_name.to_owned()))?;
        let pair = Pair { from, to };
        let booted = host.facts.as_ref().and_then(|facts| facts.booted.as_deref());
        if let Some(cached) = self.comparisons.recall(host.id, &pair, booted) {
            return Ok(cached);
        }
        // Subscribe before asking, so that no answer is missed.
        let mut answer = self.comparisons.subscribe(host.id, &pair);
        if !self.hub.is_ready(host.id)
            || !self.hub.send(host.id, ServerMessage::Compare { pair: pair.clone() })
        {
            return Err(CompareError::Offline(host.name));
        }
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, answer.wait_for(Option::is_some)).await;
        answered.ok().and_then(|answer| answer.ok()?.clone()).ok_or(CompareError::Silent(host.name))
    }

    /// Like [`Fleet::compare`], but returns after `patience` at the latest. The host's answer is still awaited, and cached for
    /// the next one who asks.
    ///
    /// # Errors
    /// [`CompareError`]; [`CompareError::Pending`] if there is no answer yet.
    pub async fn compare_within(
        &self,
        patience: Duration,
        host_name: &str,
        from: GenerationRef,
        to: GenerationRef,
    ) -> Result<Comparison, CompareError> {
        let (fleet, name) = (self.clone(), host_name.to_owned());
        let task = tokio::spawn(async move { fleet.compare(&name, from, to).await });
        let pending = || CompareError::Pending(host_name.to_owned());
        match tokio::time::timeout(patience, task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(pending()),
        }
    }

    /// The address of the configuration repository for people, if one is configured.
    pub fn repository_address(&self) -> Option<String> {
        self.github.as_ref().map(|github| github.address_for_people())
    }

    /// Accepts a host's answer.
    pub(crate) fn compared(&self, host: HostId, pair: Pair, comparison: Comparison) {
        self.comparisons.receive(host, pair, comparison);
    }
}
