//! Advances the roll-outs, one task at a time.

use std::pin::Pin;

use crate::fleet::Fleet;

impl Fleet {
    /// Advances all roll-outs as far as possible, even if the caller drops the future. If another task is advancing them, that task
    /// looks once more.
    ///
    /// Errors are logged and retried at the next look: they are not the fault of the caller, whose op merely ended.
    pub(crate) fn advance_rollouts(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let fleet = self.clone();
        Box::pin(async move {
            if let Err(fault) = tokio::spawn(async move { fleet.drive_rollouts().await }).await {
                tracing::error!(%fault, "advancing the roll-outs was interrupted");
            }
        })
    }

    async fn drive_rollouts(&self) {
        let advance = || async {
            if let Err(error) = self.advance_all().await {
                tracing::error!(%error, "a roll-out cannot advance now; retrying later");
            }
        };
        self.rollout_driver.drive(advance).await;
    }
}
