//! Builds a page's files: WebAssembly, its JavaScript, the style sheet and the assets.
//!
//! What belongs to a page is read from where cargo-leptos reads it, and the steps are its steps. They are here because on a
//! new machine compiling cargo-leptos takes half of the time that compiling Backstay takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Built;
use crate::places::Places;
use crate::run::{self, shown};

/// How to build a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// With the checks of a debug build, quick to compile, and small enough to load at once.
    Development,
    /// Small, and compressed for every browser.
    Release,
}

impl Mode {
    fn folder(self) -> &'static str {
        match self {
            Self::Development => "debug",
            Self::Release => "wasm-release",
        }
    }

    /// The words of cargo that choose a profile.
    ///
    /// Development changes the everyday profile, in place of one of its own, so that macros and build scripts, which run on
    /// this machine, are those that the server's build has compiled.
    fn profile(self) -> &'static [&'static str] {
        match self {
            Self::Development => &[
                "--config=profile.dev.opt-level=1",
                "--config=profile.dev.debug=false",
                "--config=profile.dev.strip=true",
            ],
            Self::Release => &["--profile=wasm-release"],
        }
    }
}

/// A page, as `workspace.metadata.leptos` in `Cargo.toml` describes it. The keys are those of cargo-leptos 0.3.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Page {
    name: String,
    lib_package: String,
    #[serde(default)]
    lib_features: Vec<String>,
    output_name: String,
    site_pkg_dir: String,
    style_file: String,
    assets_dir: Option<String>,
    browserquery: String,
}

impl Page {
    fn find(places: &Places, name: &str) -> Result<Self> {
        let metadata = places.metadata()?;
        let pages = Vec::<Self>::deserialize(&metadata["metadata"]["leptos"])
            .context("Cargo.toml's workspace.metadata.leptos describes no pages")?;
        pages
            .into_iter()
            .find(|page| page.name == name)
            .with_context(|| format!("Cargo.toml has no page {name}"))
    }
}

/// Builds the page of this name into a folder, which it replaces.
pub(super) fn build(places: &Places, name: &str, mode: Mode, site: &Path) -> Result<()> {
    let page = Page::find(places, name)?;
    let folder = glue(places, &page, mode)?;
    let mut node = places.command("node")?;
    node.arg("frontend/files.mjs")
        .args(["--name", &page.output_name, "--pkg", &page.site_pkg_dir])
        .args(["--style", &page.style_file, "--browsers", &page.browserquery])
        .arg("--made")
        .arg(&folder)
        .arg("--site")
        .arg(site);
    if let Some(assets) = &page.assets_dir {
        node.args(["--assets", assets]);
    }
    if mode == Mode::Release {
        node.arg("--release");
    }
    succeed(&mut node)
}

/// Compiles the page, and ties it to the browser. Returns the folder with its JavaScript and WebAssembly.
fn glue(places: &Places, page: &Page, mode: Mode) -> Result<PathBuf> {
    let features = page.lib_features.join(",");
    let words = ["build", "--lib", "--package", &page.lib_package, "--target", "wasm32-unknown-unknown"];
    super::run(
        places,
        &[&words[..], &["--no-default-features", "--features", &features], mode.profile()].concat(),
        &[],
    )?;
    // Among all programs, because a narrower selection would compile its dependencies once more.
    super::run(places, &["build", "--bin", "backstay-bindgen"], &[])?;

    let target = places.target()?;
    let library = page.lib_package.replace('-', "_");
    let compiled = target.join("wasm32-unknown-unknown").join(mode.folder()).join(format!("{library}.wasm"));
    let bindgen = Built::find(places)?.bindgen;
    let folder = target.join("page").join(format!("{}-{}", page.name, mode.folder()));
    let wasm = folder.join(format!("{}.wasm", page.output_name));
    if is_newer(&wasm, &[&compiled, &bindgen]) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let unfinished = folder.with_extension("unfinished");
    // It warns that a stripped page does not say which features it uses; wasm-opt learns them below. Failures are errors.
    run::read(Command::new(bindgen).arg(&compiled).arg(&unfinished).arg(&page.output_name))?;
    if mode == Mode::Release {
        let wasm = unfinished.join(format!("{}.wasm", page.output_name));
        // What today's rustc may use, and every browser of the last years knows.
        let may_use = ["--enable-bulk-memory", "--enable-nontrapping-float-to-int"];
        succeed(places.command("wasm-opt")?.arg("-Oz").args(may_use).arg(&wasm).arg("-o").arg(&wasm))?;
    }
    fs::rename(&unfinished, &folder).with_context(|| format!("cannot write {}", folder.display()))?;
    Ok(folder)
}

/// Returns whether a file is at least as new as each of those that it is made from.
fn is_newer(file: &Path, sources: &[&Path]) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let Some(made) = written(file) else { return false };
    sources.iter().all(|source| written(source).is_some_and(|source: SystemTime| source <= made))
}

fn succeed(command: &mut Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_again_if_a_source_is_newer_or_missing() {
        let folder = tempfile::tempdir().unwrap();
        let [made, source, later] = ["made", "source", "later"].map(|name| folder.path().join(name));
        let write = |path: &Path, at: u64| {
            let file = fs::File::create(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at)).unwrap();
        };
        write(&source, 1);
        assert!(!is_newer(&made, &[&source]), "it is not there");
        write(&made, 2);
        assert!(is_newer(&made, &[&source]));
        assert!(!is_newer(&made, &[&source, &later]), "a source is missing");
        write(&later, 3);
        assert!(!is_newer(&made, &[&source, &later]));
    }

    #[test]
    fn both_pages_are_described() {
        let places = Places::find().unwrap();
        for name in ["backstay", "empty-page"] {
            assert_eq!(Page::find(&places, name).unwrap().name, name);
        }
        assert!(Page::find(&places, "none").is_err());
    }
}
