//! The end of the server: asked politely, it stops taking connections and closes the long ones, then waits a little.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long agents' connections may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells everything that lasts when to end, and knows when it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifecycle {
    /// Cancelled when the server is to end. Event streams and agents' sockets listen to it: neither would end by
    /// itself, and axum does not end them.
    pub(crate) stop: CancellationToken,
    /// What the end waits for: the agents' connections, and answers that are being made.
    pub(crate) tasks: TaskTracker,
}

impl Lifecycle {
    /// Ends the server at SIGTERM or SIGINT.
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

    /// Waits until everything that lasts has ended, or patience has.
    pub(crate) async fn drained(&self) {
        self.tasks.close();
        if tokio::time::timeout(PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "connections did not end in time");
        }
    }
}
