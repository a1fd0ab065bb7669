//! `cargo xtask setup`: installs whatever is missing.

mod apt;
mod debian_packages;
mod node_packages;
mod wasm_target;

pub(crate) use self::debian_packages::{CHROMIUM, FIREFOX};

use std::fs::{self, File};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::places::Places;
use crate::run::Log;

/// What a machine is set up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building, and looking at it.
    Demo,
    /// That, and all tests.
    Everything,
}

/// A requirement of this machine.
trait Step {
    /// Its name, for people.
    fn name(&self) -> &str;
    /// How long the installation usually takes.
    fn takes(&self) -> &'static str;
    /// Returns whether it is installed. Quick, and offline.
    fn is_there(&self, places: &Places) -> Result<bool>;
    /// Installs it.
    fn install(&self, places: &Places, log: &Log) -> Result<()>;
    /// What a person can do if the installation failed.
    fn by_hand(&self) -> String;
    /// Returns whether the demo needs it, and not only the tests.
    fn is_for_demo(&self) -> bool {
        false
    }
    /// The parts that are skipped without it, or `None` if nothing works without it.
    fn without_it(&self) -> Option<&'static str> {
        None
    }
}

fn steps(purpose: Purpose) -> Vec<Box<dyn Step>> {
    let mut steps: Vec<Box<dyn Step>> = vec![
        Box::new(wasm_target::WasmTarget),
        Box::new(node_packages::NodePackages),
        Box::new(debian_packages::chromium()),
        Box::new(debian_packages::firefox()),
        Box::new(debian_packages::nix()),
        Box::new(debian_packages::faketime()),
        Box::new(debian_packages::oathtool()),
        Box::new(debian_packages::postgres()),
    ];
    for package in debian_packages::systemd() {
        steps.push(Box::new(package));
    }
    steps.retain(|step| purpose == Purpose::Everything || step.is_for_demo());
    steps
}

/// Installs what is missing for a purpose.
pub(crate) fn run(places: &Places, purpose: Purpose) -> Result<()> {
    fs::create_dir_all(&places.cache).with_context(|| format!("cannot create {}", places.cache.display()))?;
    let lock = File::create(places.cache.join("setup.lock"))?;
    lock.lock().context("cannot wait for another `cargo xtask setup`")?;
    let mut failed = Vec::new();
    for step in steps(purpose) {
        if let Err(error) = ensure(step.as_ref(), places) {
            println!("  failed: {error:#}\n  By hand: {}", step.by_hand());
            match step.without_it() {
                Some(left_out) => println!("  Without it, {left_out}."),
                None => failed.push(step.name().to_owned()),
            }
        }
    }
    if failed.is_empty() {
        println!("Set up: everything is there.");
        return Ok(());
    }
    bail!("Not set up: {}. Everything else is installed.", failed.join(", "));
}

fn ensure(step: &dyn Step, places: &Places) -> Result<()> {
    if step.is_there(places)? {
        return Ok(());
    }
    println!("Installing {} (usually {}) ...", step.name(), step.takes());
    let start = Instant::now();
    let log = Log::start(&places.logs(), &file_name(step.name()))?;
    step.install(places, &log)?;
    if !step.is_there(places)? {
        bail!("the installation succeeded, but {} is still missing", step.name());
    }
    println!("  done in {} s", start.elapsed().as_secs());
    Ok(())
}

fn file_name(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}
