//! The difference between two generations: packages by Nix, commits by the checkout's git, and the need for a
//! reboot and the units by the files of the builds.
//!
//! All of these only read, take no lock that an op needs, and may take a while: they run beside everything
//! else.

mod commits;
mod reboot;
mod units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backstay_model::closure_diff::ClosureDiff;
use backstay_model::comparison::{Comparison, Pair};
use backstay_model::{Facts, Generation, GenerationRef};
use tokio::sync::mpsc;

use crate::command::{self, Invocation};
use crate::config::Config;
use crate::facts::FactsReader;

/// Time limit for Nix, which reads the references of each build from a database that may not be cached.
const NIX: Duration = Duration::from_mins(2);
/// Upper bound on simultaneous comparisons; each holds two closures in memory.
const AT_ONCE: usize = 2;

/// The comparisons of one connection.
pub(crate) struct Comparisons {
    config: Arc<Config>,
    facts: Arc<FactsReader>,
    under_way: Vec<Pair>,
    sender: mpsc::UnboundedSender<(Pair, Comparison)>,
    receiver: mpsc::UnboundedReceiver<(Pair, Comparison)>,
}

impl Comparisons {
    /// The comparisons of a new connection.
    pub(crate) fn new(config: Arc<Config>, facts: Arc<FactsReader>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { config, facts, under_way: vec![], sender, receiver }
    }

    /// Starts a comparison, unless it is already running.
    pub(crate) fn ask(&mut self, pair: Pair) {
        if self.under_way.contains(&pair) {
            return;
        }
        let sender = self.sender.clone();
        if self.under_way.len() >= AT_ONCE {
            let busy = "The host is busy with other comparisons. Try again.";
            let _ = sender.send((pair, Comparison::unknown(busy)));
            return;
        }
        self.under_way.push(pair.clone());
        let (config, facts) = (Arc::clone(&self.config), Arc::clone(&self.facts));
        tokio::task::spawn_blocking(move || {
            let comparison = compare(&config, &facts.read(), &pair);
            // The connection may have ended since.
            drop(sender.send((pair, comparison)));
        });
    }

    /// Returns the next finished comparison.
    pub(crate) async fn next(&mut self) -> (Pair, Comparison) {
        // This value holds a sender, so the channel never closes.
        let Some((pair, comparison)) = self.receiver.recv().await else { std::future::pending().await };
        self.under_way.retain(|other| *other != pair);
        (pair, comparison)
    }
}

/// Compares two generations of a host.
fn compare(config: &Config, facts: &Facts, pair: &Pair) -> Comparison {
    match (generation(facts, &pair.from), generation(facts, &pair.to)) {
        (Ok(from), Ok(to)) => Comparison {
            packages: packages(config, from, to),
            commits: commits::between(config, from, to),
            reboot: reboot::to_run(config, facts, to),
            units: units::between(config.platform, from, to),
        },
        (Err(why), _) | (_, Err(why)) => Comparison::unknown(&why),
    }
}

/// Returns the requested generation. Only what the profile lists is ever passed to a program.
fn generation<'a>(facts: &'a Facts, meant: &GenerationRef) -> Result<&'a Generation, String> {
    facts
        .generation(meant.number)
        .filter(|generation| generation.reference() == *meant)
        .ok_or_else(|| format!("{meant} is no longer in the host's profile."))
}

fn packages(config: &Config, from: &Generation, to: &Generation) -> Result<ClosureDiff, String> {
    are_there([from, to], "packages")?;
    let words = ["--extra-experimental-features", "nix-command", "store", "diff-closures"];
    let builds = [from.store_path.as_str(), to.store_path.as_str()];
    command::read(&Invocation::new(&config.commands.nix, words.into_iter().chain(builds)), NIX)
        .map(|printed| ClosureDiff::parse(&printed))
        .map_err(|why| format!("Nix could not compare the packages: {why}."))
}

/// Checks that the builds exist: nothing can be compared without them.
fn are_there<const N: usize>(generations: [&Generation; N], what: &str) -> Result<(), String> {
    match generations.into_iter().find(|generation| !Path::new(&generation.store_path).exists()) {
        None => Ok(()),
        Some(gone) => Err(format!("Gen {} was garbage-collected, so its {what} are unknown.", gone.number)),
    }
}
