//! The shutdown: on a signal, the server accepts no more connections, closes the long ones, and waits a little.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long connections may take to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells long-lived tasks when to end, and waits for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifecycle {
    /// Cancelled when the server shuts down. Event streams and agents' sockets listen to it, because axum does not end them.
    pub(crate) stop: CancellationToken,
    /// The tasks that the shutdown waits for: background work, agents' connections, and answers under way.
    pub(crate) tasks: TaskTracker,
}

impl Lifecycle {
    /// Shuts the server down on SIGTERM or SIGINT.
    pub(crate) fn stop_on_signal(&self) -> std::io::Result<()> {
        let stop = self.stop.clone();
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tracing::info!("stopping");
            stop.cancel();
        });
        Ok(())
    }

    /// Waits until all tasks have ended, or until the time limit.
    pub(crate) async fn drained(&self) {
        self.tasks.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "tasks did not end in time");
        }
    }
}
