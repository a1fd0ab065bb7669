//! The server benchmark: builds the release, and runs `testing/bench/server/run.mjs`.

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Options;
use crate::build::{self, Release};
use crate::places::Places;

pub(super) fn measure(places: &Places, options: &Options) -> Result<()> {
    let release = Release::find(places)?;
    if !options.no_build {
        build::release_page(places)?;
        build::release_for_bench(places)?;
    }
    let plan = json!({ "idle": options.idle, "rollouts": options.rollouts });
    let status = places
        .command("node")?
        .arg("testing/bench/server/run.mjs")
        .env("BACKSTAY_SERVER", &release.server)
        .env("BACKSTAY_SITE", &release.site)
        .env("BACKSTAY_CROWD", &release.crowd)
        .env("BACKSTAY_BARE_SOCKET", &release.bare_socket)
        .env("BACKSTAY_BENCH_PLAN", plan.to_string())
        .status()
        .context("node does not start")?;
    if !status.success() {
        bail!("the server was not measured: {status}");
    }
    Ok(())
}
