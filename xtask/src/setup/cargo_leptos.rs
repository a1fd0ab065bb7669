//! cargo-leptos, which builds the page.

use anyhow::Result;

use super::Step;
use crate::places::{CARGO_LEPTOS_VERSION, Places};
use crate::run::Log;

pub(super) struct CargoLeptos;

impl Step for CargoLeptos {
    fn name(&self) -> &'static str {
        "cargo-leptos"
    }

    fn takes(&self) -> &'static str {
        "5 minutes"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        Ok(places.tool("cargo-leptos", CARGO_LEPTOS_VERSION).join("bin/cargo-leptos").is_file())
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        let mut cargo = places.cargo()?;
        // It runs a few times a day and mostly waits: a quick compile is worth more than a fast program.
        cargo
            .args(["install", "cargo-leptos", "--locked", "--features", "no_downloads"])
            .args(["--version", CARGO_LEPTOS_VERSION, "--root"])
            .arg(places.tool("cargo-leptos", CARGO_LEPTOS_VERSION))
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
            .env_remove("CARGO_TARGET_DIR");
        log.run(&mut cargo)
    }

    fn by_hand(&self) -> String {
        format!(
            "cargo install cargo-leptos --version {CARGO_LEPTOS_VERSION} --locked --features no_downloads \
             --root ~/.cache/backstay/tools/cargo-leptos-{CARGO_LEPTOS_VERSION}"
        )
    }
}
