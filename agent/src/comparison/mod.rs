//! What going from one generation to another changes: packages by Nix, commits by the checkout's git, and by the files
//! of the builds themselves whether a reboot is needed and which units differ.
//!
//! All of them only read, take no lock that an op needs, and may take a while: they run beside everything else.

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

/// How long Nix may take: it reads what each build refers to, from a database that may be cold.
const NIX: Duration = Duration::from_mins(2);
/// The most comparisons that are made at once; each holds two closures in memory.
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
    /// Of a connection on which nothing was asked yet.
    pub(crate) fn new(config: Arc<Config>, facts: Arc<FactsReader>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { config, facts, under_way: vec![], sender, receiver }
    }

    /// Begins a comparison, unless it is under way already.
    pub(crate) fn ask(&mut self, pair: Pair) {
        if self.under_way.contains(&pair) {
            return;
        }
        let sender = self.sender.clone();
        if self.under_way.len() >= AT_ONCE {
            let busy = "The host is busy with other comparisons. Ask again.";
            let _ = sender.send((pair, Comparison::unknown(busy)));
            return;
        }
        self.under_way.push(pair.clone());
        let (config, facts) = (Arc::clone(&self.config), Arc::clone(&self.facts));
        tokio::task::spawn_blocking(move || {
            let comparison = compare(&config, &facts.read(), &pair);
            // The connection may have ended meanwhile.
            drop(sender.send((pair, comparison)));
        });
    }

    /// What is to be told next.
    pub(crate) async fn next(&mut self) -> (Pair, Comparison) {
        // This end holds a sender, so the channel never closes.
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

/// The generation that is meant. Only what the profile has is ever handed to a program.
fn generation<'a>(facts: &'a Facts, meant: &GenerationRef) -> Result<&'a Generation, String> {
    facts
        .generation(meant.number)
        .filter(|generation| generation.reference() == *meant)
        .ok_or_else(|| format!("{meant} is not in the host's profile any more."))
}

fn packages(config: &Config, from: &Generation, to: &Generation) -> Result<ClosureDiff, String> {
    are_there([from, to], "packages")?;
    let words = ["--extra-experimental-features", "nix-command", "store", "diff-closures"];
    let builds = [from.store_path.as_str(), to.store_path.as_str()];
    command::read(&Invocation::new(&config.commands.nix, words.into_iter().chain(builds)), NIX)
        .map(|printed| ClosureDiff::parse(&printed))
        .map_err(|why| format!("Nix could not compare the packages: {why}."))
}

/// What of them is wanted can be told only while the builds are there.
fn are_there<const N: usize>(generations: [&Generation; N], what: &str) -> Result<(), String> {
    match generations.into_iter().find(|generation| !Path::new(&generation.store_path).exists()) {
        None => Ok(()),
        Some(gone) => {
            Err(format!("Gen {} is garbage-collected: its {what} are not known any more.", gone.number))
        }
    }
}
