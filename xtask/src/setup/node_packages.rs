//! The Node packages of the root `package.json`: what makes the page's files small, the browser tests' Playwright and axe,
//! the OpenID Connect provider of the tests, and GitHub's own description of its API, which the stand-in for GitHub is checked
//! against.

use std::fs;

use anyhow::{Context, Result};

use super::Step;
use crate::places::Places;
use crate::run::Log;

pub(super) struct NodePackages;

/// A copy of the lock file that `node_modules` was installed from.
const INSTALLED: &str = "node_modules/.backstay-installed";

impl Step for NodePackages {
    fn name(&self) -> &'static str {
        "Node packages"
    }

    fn is_for_demo(&self) -> bool {
        true
    }

    fn takes(&self) -> &'static str {
        "20 seconds"
    }

    fn is_there(&self, places: &Places) -> Result<bool> {
        let wanted =
            fs::read(places.root.join("package-lock.json")).context("package-lock.json is missing")?;
        Ok(fs::read(places.root.join(INSTALLED)).is_ok_and(|installed| installed == wanted))
    }

    fn install(&self, places: &Places, log: &Log) -> Result<()> {
        log.run(places.command("npm")?.arg("ci").env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
        fs::copy(places.root.join("package-lock.json"), places.root.join(INSTALLED))?;
        Ok(())
    }

    fn by_hand(&self) -> String {
        "install Node.js 20 or newer with npm (on Debian: apt-get install nodejs npm), then `cargo xtask setup` again"
            .to_owned()
    }
}
