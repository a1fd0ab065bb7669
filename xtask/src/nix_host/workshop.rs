//! What a host builds from its checkout: as with Nix, what comes out is decided by what is checked out.
//!
//! A host is told beforehand what its configuration comes to with each revision of nixpkgs. A build takes the revision
//! from the checkout's `flake.lock` and the commit from git, and adds a new store path that holds both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::Store;
use super::{Build, NixHost, Platform};
use crate::run;

/// The file in a host's folder that says what it can build.
const FILE: &str = "workshop.json";

/// What a host can build.
#[derive(Debug, Serialize, Deserialize)]
struct Workshop {
    name: String,
    platform: Platform,
    /// By the revision of nixpkgs.
    pins: BTreeMap<String, Build>,
}

/// Tells a host what it can build.
pub(super) fn open(host: &NixHost, pins: &BTreeMap<String, Build>) -> Result<()> {
    let workshop = Workshop { name: host.name.clone(), platform: host.platform, pins: pins.clone() };
    fs::write(host.folder.join(FILE), serde_json::to_string_pretty(&workshop)?)?;
    Ok(())
}

/// Builds what is checked out on the host in this folder, and tells its store path.
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
    let lock: Value = serde_json::from_str(&text).context("flake.lock is not as Nix writes it")?;
    let revision = lock.pointer("/nodes/nixpkgs/locked/rev").and_then(Value::as_str);
    Ok(revision.context("flake.lock pins no nixpkgs")?.to_owned())
}

fn commit(checkout: &Path) -> Result<String> {
    let said = run::read(Command::new("git").arg("-C").arg(checkout).args(["rev-parse", "HEAD"]))?;
    Ok(said.trim().to_owned())
}

/// `xtask host-build`, which a host's `nixos-rebuild` and `home-manager` call.
pub(crate) fn build_checkout(folder: &Path) -> Result<()> {
    println!("{}", build(folder)?.display());
    Ok(())
}
