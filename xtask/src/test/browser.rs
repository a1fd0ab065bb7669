//! The tests in a real browser, against the real server and agents.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::counts::Counts;
use super::times::Times;
use crate::build::{self, Built};
use crate::places::Places;
use crate::setup::{CHROMIUM, FIREFOX};

const CONFIGURATION: &str = "end2end/playwright.config.ts";

pub(super) fn tests(places: &Places, times: &Times) -> Result<Counts> {
    build::programs(places)?;
    build::page(places)?;
    let built = Built::find(places)?;
    let report = built.site.with_file_name("playwright-report.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut playwright = playwright(places, &built)?;
    let status = playwright
        .args(["test", "--config", CONFIGURATION, "--reporter", "list,json"])
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report)
        .status()
        .context("cannot run Playwright")?;
    let said = fs::read_to_string(&report).context("Playwright left no report")?;
    times.hear_playwright(&said)?;
    let counts = Counts::of_playwright(&said)?;
    if !status.success() && counts.failed == 0 {
        bail!("Playwright ended with {status}");
    }
    Ok(counts)
}

/// Playwright, with the paths of everything that its tests start.
fn playwright(places: &Places, built: &Built) -> Result<Command> {
    let chromium = places.any_program(CHROMIUM)?.context("Chromium is not on PATH")?;
    let mut command = places.command("playwright")?;
    command
        .env("BACKSTAY_CHROMIUM", chromium)
        .env("BACKSTAY_SERVER", &built.server)
        .env("BACKSTAY_AGENT", &built.agent)
        .env("BACKSTAY_SITE", &built.site)
        .env("BACKSTAY_GITHUB_STAND_IN", &built.github)
        .env("BACKSTAY_CROWD", &built.crowd)
        // For `host`, which makes hosts for the agents.
        .env("BACKSTAY_XTASK", &built.xtask);
    if let Some(firefox) = places.any_program(FIREFOX)? {
        command.env("BACKSTAY_FIREFOX", firefox);
    } else {
        println!("Firefox is not on PATH. Left out: the tests that also run in Firefox.");
    }
    Ok(command)
}
