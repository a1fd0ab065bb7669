//! The page benchmark: builds the release, and has `testing/bench/page/run.mjs` drive a browser.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Options, table};
use crate::build::{self, Release};
use crate::places::Places;
use crate::run;
use crate::setup::CHROMIUM;

pub(super) fn measure(places: &Places, options: &Options) -> Result<()> {
    let release = Release::find(places)?;
    if !options.no_build {
        build::release_page(places)?;
        build::release_for_bench(places)?;
    }
    let figures = drive_browser(places, options, &release)?;
    let folder = release.site.with_file_name("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join("page.json");
    fs::write(&file, serde_json::to_string_pretty(&figures)?)?;
    println!("\n{}\nAll figures are in {}", table::of(&figures)?, file.display());
    Ok(())
}

fn drive_browser(places: &Places, options: &Options, release: &Release) -> Result<Value> {
    let plan = json!({
        "fleets": options.fleets,
        "loads": options.loads,
        "rate": options.rate,
        "seconds": options.seconds,
    });
    let mut node = places.command("node")?;
    node.arg("testing/bench/page/run.mjs")
        .env("BACKSTAY_CHROMIUM", places.any_program(CHROMIUM)?.context("Chromium is not on PATH")?)
        .env("BACKSTAY_SERVER", &release.server)
        .env("BACKSTAY_SITE", &release.site)
        .env("BACKSTAY_CROWD", &release.crowd)
        .env("BACKSTAY_EMPTY_PAGE", &release.empty_page)
        .env("BACKSTAY_EMPTY_SITE", &release.empty_site)
        .env("BACKSTAY_BENCH_PLAN", plan.to_string())
        .stderr(Stdio::inherit());
    let said = run::read(&mut node).context("the page was not measured")?;
    serde_json::from_str(&said).context("the measurements are not JSON")
}
