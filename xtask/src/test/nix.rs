//! The flake: its files parse, its modules evaluate, and their reference is complete.
//!
//! nixpkgs cannot be had from a package registry, so the modules are evaluated with as much of its library as they
//! use (`nix/tests/lib.nix`). If `BACKSTAY_NIXPKGS` names a checkout, they are evaluated with its library too, and as
//! parts of a whole NixOS.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::counts::Counts;
use crate::places::Places;
use crate::run;

/// Names a checkout of nixpkgs, or of nixpkgs.lib.
const NIXPKGS: &str = "BACKSTAY_NIXPKGS";

/// The reference of the modules' options.
const REFERENCE: &str = "docs/nix-options.md";

/// The packages.
const PACKAGES: &str = "nix/packages.nix";

/// The units as NixOS writes them.
const GOLDEN: &str = "nix/tests/golden";

/// Runs all checks, and counts them.
pub(super) fn tests(places: &Places) -> Result<Counts> {
    let mut checks = Checks { places, counts: Counts::default() };
    for file in run::read(places.command("git")?.args(FILES))?.lines() {
        checks.check(&format!("{file} parses"), checks.parse(file));
    }
    let made = evaluate_modules(places, "import ./nix/tests/lib.nix")?;
    checks.check("the reference has every option", complete(places, &made));
    checks.check("the packages know the locked wasm-bindgen", has_hash(places));
    match env::var(NIXPKGS) {
        Ok(nixpkgs) => {
            let nixpkgs = fs::canonicalize(&nixpkgs).with_context(|| format!("{NIXPKGS} names {nixpkgs}"))?;
            checks.with_nixpkgs(&nixpkgs, &made);
        }
        Err(_) => {
            println!("Left out, because {NIXPKGS} names no checkout: the modules with nixpkgs and in NixOS");
        }
    }
    Ok(checks.counts)
}

/// Lists the files written in Nix.
const FILES: [&str; 6] = ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.nix"];

struct Checks<'a> {
    places: &'a Places,
    counts: Counts,
}

impl Checks<'_> {
    fn check(&mut self, name: &str, result: Result<()>) {
        match result {
            Ok(()) => {
                println!("ok      {name}");
                self.counts.passed += 1;
            }
            Err(error) => {
                println!("FAILED  {name}: {error:#}");
                self.counts.failed += 1;
            }
        }
    }

    fn parse(&self, file: &str) -> Result<()> {
        run::read(self.places.command("nix-instantiate")?.arg("--parse").arg(file)).map(drop)
    }

    fn with_nixpkgs(&mut self, nixpkgs: &Path, made: &Value) {
        let library = format!("import {}/lib", nixpkgs.display());
        let same = evaluate_modules(self.places, &library).and_then(|real| {
            ensure!(&real == made, "the results differ from those with nix/tests/lib.nix");
            Ok(())
        });
        self.check("the modules evaluate with nixpkgs' library, to the same", same);
        let reference = options(self.places, &library).and_then(|text| self.compare(REFERENCE, &text));
        self.check("the reference is the modules' own", reference);
        if !nixpkgs.join("nixos").is_dir() {
            println!("Left out, because {NIXPKGS} has no NixOS: the modules in NixOS");
            return;
        }
        match nixos(self.places, nixpkgs) {
            Ok(made) => self.nixos(&made),
            Err(error) => self.check("the modules evaluate in NixOS", Err(error)),
        }
    }

    fn nixos(&mut self, made: &Value) {
        for (name, unit) in made["units"].as_object().into_iter().flatten() {
            let same = self.compare(&format!("{GOLDEN}/{name}"), unit.as_str().unwrap_or_default());
            self.check(&format!("NixOS writes {name}"), same);
        }
        for (name, holds) in made["holds"].as_object().into_iter().flatten() {
            self.check(name, if *holds == true { Ok(()) } else { Err(anyhow!("it does not hold")) });
        }
    }

    /// Compares a file with what it should be, and keeps the latter if they differ.
    fn compare(&self, file: &str, text: &str) -> Result<()> {
        if fs::read_to_string(self.places.root.join(file)).is_ok_and(|known| known == text) {
            return Ok(());
        }
        let new = self.places.target()?.join("nix").join(file);
        let folder = new.parent().context("a file without a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&new, text)?;
        bail!("{file} has another text. If the new one is right, copy it from {}", new.display())
    }
}

/// Returns what the modules make of the settings in `nix/tests`.
fn evaluate_modules(places: &Places, library: &str) -> Result<Value> {
    evaluate(places.command("nix-instantiate")?.args(["--arg", "lib", library, "nix/tests"]))
}

fn options(places: &Places, library: &str) -> Result<String> {
    let made =
        evaluate(places.command("nix-instantiate")?.args(["--arg", "lib", library, "nix/options.nix"]))?;
    made.as_str().map(str::to_owned).context("nix/options.nix makes no text")
}

fn nixos(places: &Places, nixpkgs: &Path) -> Result<Value> {
    let mut nix = places.command("nix-instantiate")?;
    nix.args(["--arg", "nixpkgs"]).arg(nixpkgs).arg("nix/tests/nixos.nix");
    evaluate(&mut nix)
}

fn evaluate(nix: &mut Command) -> Result<Value> {
    let json = run::read(nix.args(["--eval", "--strict", "--json"]))?;
    serde_json::from_str(&json).context("nix-instantiate wrote no JSON")
}

/// Checks that the packages have the hash of the tool that the page of this `Cargo.lock` needs.
fn has_hash(places: &Places) -> Result<()> {
    let text =
        fs::read_to_string(places.root.join(PACKAGES)).with_context(|| format!("cannot read {PACKAGES}"))?;
    let version = places.locked_version("wasm-bindgen")?;
    ensure!(
        text.contains(&format!("\"{version}\" = \"sha256-")),
        "{PACKAGES} has no hash of wasm-bindgen-cli {version}: unpack the crate, and add what `nix hash path` says of it"
    );
    Ok(())
}

/// Checks that the reference names every key of the modules' settings.
fn complete(places: &Places, made: &Value) -> Result<()> {
    let text = fs::read_to_string(places.root.join(REFERENCE))
        .with_context(|| format!("cannot read {REFERENCE}"))?;
    let missing: Vec<String> = ["agent", "server"]
        .into_iter()
        .flat_map(|service| keys(&format!("backstay-{service}.settings"), &made["keys"][service]))
        .filter(|key| !FIXED.iter().any(|fixed| key.ends_with(fixed)) && !text.contains(&format!("`{key}`")))
        .collect();
    ensure!(missing.is_empty(), "{REFERENCE} lacks {}", missing.join(", "));
    Ok(())
}

/// Keys that the modules write and that are no part of `settings`.
const FIXED: [&str; 2] = [".settings.join_token_file", ".settings.platform"];

/// The full names of the keys without keys of their own.
fn keys(name: &str, tree: &Value) -> Vec<String> {
    match tree.as_object().filter(|keys| !keys.is_empty()) {
        Some(children) => {
            children.iter().flat_map(|(key, tree)| keys(&format!("{name}.{key}"), tree)).collect()
        }
        None => vec![name.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_tree_are_its_leaves() {
        let tree = serde_json::json!({ "a": {}, "b": { "c": {}, "d": {} } });
        assert_eq!(keys("settings", &tree), ["settings.a", "settings.b.c", "settings.b.d"]);
    }
}
