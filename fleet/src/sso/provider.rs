//! The provider's metadata: its endpoints and keys. They are read at the first log-in, so the server starts without the provider.

use std::sync::Arc;

use backstay_model::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::IssuerUrl;
use openidconnect::core::CoreProviderMetadata;
use tokio::sync::Mutex;

use super::SsoError;
use super::http::Http;

/// How long the metadata counts.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How long a provider that did not answer is left alone: a crowd at the log-in page makes no crowd of requests.
const LEFT_ALONE: TimeDelta = TimeDelta::seconds(2);

/// The metadata of the provider, from memory or from the provider.
pub(super) struct Provider {
    issuer: IssuerUrl,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<CoreProviderMetadata>, DateTime<Utc>)>,
    failed_at: Option<DateTime<Utc>>,
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, clock, known: Mutex::default() }
    }

    /// Returns the metadata, with the keys.
    pub(super) async fn metadata(&self, http: &Http) -> Result<Arc<CoreProviderMetadata>, SsoError> {
        self.read(http, |_, age| age < FRESH).await
    }

    /// Returns the metadata with other keys than these, which lack the one that signed a token. If the metadata is younger than
    /// `at_least`, it is not read again.
    pub(super) async fn newer(
        &self,
        http: &Http,
        than: &Arc<CoreProviderMetadata>,
        at_least: TimeDelta,
    ) -> Result<Arc<CoreProviderMetadata>, SsoError> {
        self.read(http, |known, age| !Arc::ptr_eq(known, than) || age < at_least).await
    }

    /// Returns the metadata in memory if it is good enough, and otherwise reads it. One request at a time; callers that wait
    /// use its result.
    async fn read(
        &self,
        http: &Http,
        is_good: impl FnOnce(&Arc<CoreProviderMetadata>, TimeDelta) -> bool,
    ) -> Result<Arc<CoreProviderMetadata>, SsoError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((metadata, at)) = &known.metadata
            && is_good(metadata, now - *at)
        {
            return Ok(Arc::clone(metadata));
        }
        if known.failed_at.is_some_and(|at| at <= now && now < at + LEFT_ALONE) {
            return Err(SsoError::Unreachable);
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known { metadata: Some((Arc::clone(&metadata), now)), failed_at: None };
                Ok(metadata)
            }
            Err(error) => {
                let error = super::chain(&error);
                tracing::warn!(error, "the single sign-on provider's metadata cannot be read");
                known.failed_at = Some(self.clock.now());
                Err(SsoError::Unreachable)
            }
        }
    }
}
