//! Requests to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether the demo should stop: Ctrl-C, SIGTERM, or a closed terminal.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on these signals no longer end this program on their own.
    pub(crate) fn on_signals() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails if the demo should stop: work in progress need not be finished.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_asked() {
            bail!("stopped before it was ready");
        }
        Ok(())
    }
}
