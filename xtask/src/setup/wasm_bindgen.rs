//! The command-line tool of wasm-bindgen, in exactly the version of the library in `Cargo.lock`.

use anyhow::Result;

use super::Step;
use crate::places::Places;
use crate::run::Log;

pub(super) struct WasmBindgen {
    version: String,
}

impl WasmBindgen {
    pub(super) fn locked(places: &Places) -> Result<Self> {
        Ok(Self { version: places.locked_version("wasm-bindgen")? })
    }
}

impl Step for WasmBindgen {
    fn name(&self) -> &'static str {
        "wasm-bindgen"
    }

    fn takes(&self) -> &'static str {
        "2 minutes"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        Ok(places.tool("wasm-bindgen-cli", &self.version).join("bin/wasm-bindgen").is_file())
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        let mut cargo = places.cargo()?;
        cargo
            .args(["install", "wasm-bindgen-cli", "--version", &format!("={}", self.version), "--root"])
            .arg(places.tool("wasm-bindgen-cli", &self.version))
            .env_remove("CARGO_TARGET_DIR");
        log.run(&mut cargo)
    }

    fn by_hand(&self) -> String {
        format!(
            "cargo install wasm-bindgen-cli --version ={0} --root ~/.cache/backstay/tools/wasm-bindgen-cli-{0}",
            self.version
        )
    }
}
