//! The standard library for `wasm32-unknown-unknown`: from rustup, or compiled from Debian's sources.
//!
//! A machine may have rustc from rustup and yet be unable to reach rustup. Debian packages the sources of the
//! standard library. With those of exactly our compiler's version, cargo builds the library once, and the
//! result goes where rustc looks for it. From then on an ordinary wasm build needs no flag.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Step;
use super::apt::Suite;
use crate::places::Places;
use crate::run::{self, Log};

pub(super) struct WasmTarget;

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's suites with new compilers, and the name of the sources in each.
const SOURCES: &[(&str, &str)] = &[
    ("trixie-backports", "rust-src"),
    ("unstable", "rust-src"),
    ("bookworm-security", "rust-web-src"),
    ("trixie-security", "rust-web-src"),
];

impl Step for WasmTarget {
    fn name(&self) -> &'static str {
        TARGET
    }

    fn is_for_demo(&self) -> bool {
        true
    }

    fn takes(&self) -> &'static str {
        "1 minute"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        let rustc = Rustc::ask(places)?;
        let has_core = fs::read_dir(rustc.libraries()).is_ok_and(|files| {
            files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
        });
        // Our copy outlives an update of the compiler, which then rejects it.
        let built_by = fs::read_to_string(rustc.built_by());
        Ok(has_core && built_by.map_or(true, |built_by| built_by == rustc.identity))
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        let rustc = Rustc::ask(places)?;
        if places.program("rustup")?.is_some() {
            // Without a limit, a network that drops packets would block everything.
            let mut rustup = places.command("timeout")?;
            if log.run(rustup.args(["180", "rustup", "target", "add", TARGET])).is_ok() {
                return Ok(());
            }
        }
        println!("  rustup could not; building it from Debian's sources of {}", rustc.version);
        from_debian(places, &rustc, log)
    }

    fn by_hand(&self) -> String {
        format!("rustup target add {TARGET}, or use a compiler that has it (on Nix: rust-overlay or fenix)")
    }
}

/// The compiler of this repository.
struct Rustc {
    /// Such as `1.95.0`.
    version: String,
    /// The whole output of `rustc -vV`.
    identity: String,
    sysroot: PathBuf,
}

impl Rustc {
    fn ask(places: &Places) -> Result<Self> {
        let identity = run::read(places.command("rustc")?.arg("-vV"))?;
        let version = identity.split_whitespace().nth(1).context("rustc prints no version")?.to_owned();
        let sysroot = run::read(places.command("rustc")?.args(["--print", "sysroot"]))?;
        Ok(Self { version, identity, sysroot: PathBuf::from(sysroot.trim()) })
    }

    fn libraries(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib")
    }

    fn built_by(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET).join("backstay-built-by")
    }
}

fn from_debian(places: &Places, rustc: &Rustc, log: &Log) -> Result<()> {
    if places.program("apt-get")?.is_none() {
        bail!("this is not Debian either, which packages the sources of the standard library");
    }
    let unpacked = tempfile::tempdir()?;
    fetch_sources(rustc, unpacked.path(), log)?;
    let library = unpacked.path().join(format!("usr/src/rustc-{}/library", rustc.version));
    if !library.is_dir() {
        bail!("Debian's package has no {}", library.display());
    }
    place_sources(rustc, &library, log)?;
    let project = tempfile::tempdir()?;
    write_empty_library(project.path())?;
    let mut build = cargo_build(places, project.path())?;
    build.args(["-Z", "build-std=std,panic_abort,panic_unwind"]).env("RUSTC_BOOTSTRAP", "1");
    log.run(&mut build)?;
    place_libraries(rustc, &project.path().join("target").join(TARGET).join("release/deps"))?;
    check(places, log)
}

fn fetch_sources(rustc: &Rustc, into: &Path, log: &Log) -> Result<()> {
    for (suite_name, package) in SOURCES {
        let Ok(suite) = Suite::open(suite_name, log) else { continue };
        if let Some(version) = suite.version(package, &rustc.version)? {
            return suite.unpack(package, &version, into, log);
        }
    }
    let suites: Vec<&str> = SOURCES.iter().map(|(suite, _)| *suite).collect();
    bail!("Debian has no sources of rustc {} in {}", rustc.version, suites.join(", "))
}

fn place_sources(rustc: &Rustc, library: &Path, log: &Log) -> Result<()> {
    let place = rustc.sysroot.join("lib/rustlib/src/rust");
    fs::create_dir_all(&place).with_context(|| format!("cannot write to {}", place.display()))?;
    let place = place.join("library");
    if place.exists() {
        // Left by an older compiler; files of two versions would mix.
        fs::remove_dir_all(&place)?;
    }
    log.run(Command::new("cp").arg("-R").arg(library).arg(place))
}

fn place_libraries(rustc: &Rustc, built: &Path) -> Result<()> {
    let place = rustc.libraries();
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    for file in fs::read_dir(built)? {
        let file = file?.path();
        if let Some(name) = file.file_name().filter(|_| file.extension().is_some_and(|end| end == "rlib")) {
            fs::copy(&file, place.join(name))?;
        }
    }
    fs::write(rustc.built_by(), &rustc.identity)?;
    Ok(())
}

/// Builds an empty library without any flag, as a user would.
fn check(places: &Places, log: &Log) -> Result<()> {
    let project = tempfile::tempdir()?;
    write_empty_library(project.path())?;
    log.run(&mut cargo_build(places, project.path())?)
}

fn write_empty_library(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "pub fn greeting() -> String { format!(\"{}\", 1.5) }\n")?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                    [lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    Ok(())
}

fn cargo_build(places: &Places, project: &Path) -> Result<Command> {
    let mut cargo = places.cargo()?;
    cargo.current_dir(project).args(["build", "--release", "--target", TARGET]);
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    Ok(cargo)
}
