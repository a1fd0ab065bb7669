//! Reads the repository at GitHub periodically, and after hints.

use std::time::Duration;

use crate::fleet::Fleet;

/// Minimum time between two readings.
const SHORTEST: Duration = Duration::from_millis(500);
/// Time until the next reading while GitHub computes an answer.
const EARLY: Duration = Duration::from_secs(2);

impl Fleet {
    /// Reads the repository at GitHub at this interval and soon after each hint, and resumes interrupted reverts. Never returns,
    /// unless no repository is configured.
    pub async fn follow_github(&self, every: Duration) {
        if self.github.is_none() {
            return;
        }
        loop {
            if let Err(error) = self.read_github().await {
                tracing::error!(%error, "the reading of GitHub could not be recorded");
            }
            if let Err(error) = self.resume_reverts_soon().await {
                tracing::error!(%error, "interrupted reverts could not be resumed");
            }
            tokio::time::sleep(SHORTEST).await;
            let pause = if self.watch.memory.lock().await.wants_early() { EARLY.min(every) } else { every };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.watch.wanted.notified() => {}
            }
        }
    }

    /// Reports that something may have changed at GitHub: [`Fleet::follow_github`] reads it soon. Any number of simultaneous hints cause
    /// one reading.
    pub fn hint_from_github(&self) {
        self.watch.wanted.notify_one();
    }
}
