//! Reads again and again.

use std::time::Duration;

use crate::fleet::Fleet;

/// The shortest time between two readings, however many want one.
const SHORTEST: Duration = Duration::from_millis(500);
/// When the next reading comes where GitHub is finding something out.
const EARLY: Duration = Duration::from_secs(2);

impl Fleet {
    /// Reads the repository at GitHub this often, and soon after each hint, for as long as it is polled, and takes up
    /// reverts that were interrupted. Ends at once if no repository is configured.
    pub async fn follow_github(&self, every: Duration) {
        if self.github.is_none() {
            return;
        }
        loop {
            if let Err(error) = self.read_github().await {
                tracing::error!(%error, "what was read from GitHub could not be taken in");
            }
            if let Err(error) = self.resume_reverts_soon().await {
                tracing::error!(%error, "the reverts that were interrupted could not be taken up");
            }
            tokio::time::sleep(SHORTEST).await;
            let pause = if self.watch.memory.lock().await.wants_early() { EARLY.min(every) } else { every };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.watch.wanted.notified() => {}
            }
        }
    }

    /// A hint that something has changed at GitHub: whoever [follows](Self::follow_github) reads it soon. Any number of
    /// hints at once come to one reading.
    pub fn hint_from_github(&self) {
        self.watch.wanted.notify_one();
    }
}
