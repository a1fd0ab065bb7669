//! The agent's life, from start to stop.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::config::{Config, EXPOSED, is_exposed};
use crate::connection;
use crate::lock::Lock;
use crate::storage;

/// Runs the agent until a signal stops it. Runners go on.
///
/// # Errors
/// If it cannot start: the state folder cannot be used, or another agent uses it.
pub(crate) fn run(config: &Arc<Config>) -> Result<()> {
    let state = &config.state_dir;
    storage::create_private_folder(state).with_context(|| format!("cannot make {}", state.display()))?;
    let Some(_only) = Lock::take(&state.join("agent.lock")).context("the state folder cannot be used")?
    else {
        anyhow::bail!("another agent uses {}", state.display());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(live(Arc::clone(config)));
    // A reading of the host that hangs must not keep a stopped agent alive.
    runtime.shutdown_background();
    done
}

async fn live(config: Arc<Config>) -> Result<()> {
    let agent = Agent::new(config)?;
    tracing::info!(
        host = %agent.config.name,
        platform = %agent.config.platform,
        version = env!("CARGO_PKG_VERSION"),
        "agent started"
    );
    if is_exposed(&agent.config.server) {
        tracing::warn!(server = %agent.config.server, "{EXPOSED}");
    }
    agent.resume()?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    connection::stay_connected(&agent, &stop).await
}

fn stop_on_signal(stop: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; runners are separate processes and go on");
        stop.cancel();
    });
    Ok(())
}
