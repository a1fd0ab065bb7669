//! Being told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether somebody has asked the demo to stop: Ctrl-C, SIGTERM, or a terminal that was closed.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on these signals no longer end this program by themselves.
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

    /// An error where somebody has asked: whatever is being done need not be finished.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_asked() {
            bail!("stopped before it was ready");
        }
        Ok(())
    }
}
