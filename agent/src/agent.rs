//! The agent as a whole: what it has on its host, and its life from start to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use backstay_protocol::message::Outcome;
use backstay_protocol::{Clock, OpId, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::connection::{self, HostToken};
use crate::facts::FactsReader;
use crate::journal::{Entry, Journal, Standing, ended_without_runner};
use crate::lock::Lock;
use crate::runners::Runners;
use crate::storage;

/// What the agent has on its host.
pub(crate) struct Agent {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) facts: Arc<FactsReader>,
    pub(crate) runners: Runners,
    pub(crate) token: HostToken,
    /// Up to which line the server has stored an op's output. Only saves saying it all again after a reconnect.
    stored: Mutex<HashMap<OpId, u64>>,
}

impl Agent {
    fn new(config: Arc<Config>) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            journal: Journal::open(&config.state_dir).context("the journal cannot be opened")?,
            facts: Arc::new(FactsReader::new(Arc::clone(&config), Arc::clone(&clock))),
            runners: Runners::new(&config, Arc::clone(&clock))?,
            token: HostToken::load_or_create(&config.state_dir).context("the host's token")?,
            stored: Mutex::default(),
            config,
            clock,
        })
    }

    /// Takes up what an earlier agent left: an op that was accepted and never begun is begun, or, where its time is
    /// over, called off.
    fn take_up(&self) -> Result<()> {
        for entry in self.journal.entries()? {
            if self.standing(&entry)? == Standing::NotBegun {
                self.runners.start(entry);
            }
        }
        Ok(())
    }

    /// How far an op is. Where nobody else will say how it ended, this does.
    pub(crate) fn standing(&self, entry: &Entry) -> std::io::Result<Standing> {
        let now = self.clock.now();
        match entry.standing(now)? {
            Standing::NotBegun if entry.is_overdue(now) => {
                let message = "It was not begun before its time ran out. Nothing was changed. Ask again if it is \
                               still wanted.";
                self.runners.call_off(entry, Outcome::TimedOut, message)?;
                entry.standing(now)
            }
            Standing::Died => {
                let message = "The runner was killed before it could say how the op ended. Its output up to there is \
                               kept; what the host is now was read afterwards.";
                entry.end(&ended_without_runner(entry, now, Outcome::Failed, message))?;
                entry.standing(now)
            }
            other => Ok(other),
        }
    }

    /// Up to which line the server has stored each op's output.
    pub(crate) fn stored(&self) -> MutexGuard<'_, HashMap<OpId, u64>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the agent until it is told to stop by a signal. Runners go on.
///
/// # Errors
/// Where it cannot start: the state folder cannot be used, or another agent uses it.
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
    agent.take_up()?;
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
        tracing::info!("stopping; an op under way goes on by itself");
        stop.cancel();
    });
    Ok(())
}
