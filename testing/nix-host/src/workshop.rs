//! What a host builds from its checkout: as with Nix, the checkout determines the build.
//!
//! A host knows in advance the build for each revision of nixpkgs. A build takes the revision from the
//! checkout's `flake.lock` and the commit from git, and adds a new store path with both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::read;
use crate::store::Store;
use crate::{Build, NixHost, Platform};

/// The file in a host's folder with its possible builds.
const FILE: &str = "workshop.json";

/// The possible builds of a host.
#[derive(Debug, Serialize, Deserialize)]
struct Workshop {
    name: String,
    platform: Platform,
    /// By the revision of nixpkgs.
    pins: BTreeMap<String, Build>,
}

/// Gives a host its possible builds.
pub(super) fn open(host: &NixHost, pins: &BTreeMap<String, Build>) -> Result<()> {
    let workshop = Workshop { name: host.name.clone(), platform: host.platform, pins: pins.clone() };
    fs::write(host.folder.join(FILE), serde_json::to_string_pretty(&workshop)?)?;
    Ok(())
}

/// Builds the checkout of the host in this folder, and returns the store path.
pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(folder.join(FILE)).context("this host cannot build anything new")?;
    let workshop: Workshop = serde_json::from_str(&text)?;
    let store = Store::open(folder)?;
    let folder = folder.canonicalize()?;
    let host = NixHost { name: workshop.name, platform: workshop.platform, folder, store };
    let revision = nixpkgs(&host.checkout())?;
    let Some(build) = workshop.pins.get(&revision) else {
        bail!("nixpkgs {revision} does not build on {}", host.name);
    };
    host.add(&Build { commit: Some(commit(&host.checkout())?), ..build.clone() })
}

/// The revision of nixpkgs that a checkout pins.
fn nixpkgs(checkout: &Path) -> Result<String> {
    let text = fs::read_to_string(checkout.join("flake.lock")).context("the checkout has no flake.lock")?;
    let lock: Value = serde_json::from_str(&text).context("flake.lock is malformed")?;
    let revision = lock.pointer("/nodes/nixpkgs/locked/rev").and_then(Value::as_str);
    Ok(revision.context("flake.lock pins no nixpkgs")?.to_owned())
}

fn commit(checkout: &Path) -> Result<String> {
    let said = read(Command::new("git").arg("-C").arg(checkout).args(["rev-parse", "HEAD"]))?;
    Ok(said.trim().to_owned())
}

/// Builds a host's checkout and prints the store path (`xtask host-build`, which the host's `nixos-rebuild`
/// and `home-manager` call).
pub fn build_checkout(folder: &Path) -> Result<()> {
    println!("{}", build(folder)?.display());
    Ok(())
}
