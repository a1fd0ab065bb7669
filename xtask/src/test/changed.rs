//! What a change can break: the crates that it touches, and those that depend on them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::places::Places;
use crate::run;

/// Files outside of a crate that its code or its tests read.
const READ_BY: [(&str, &str); 8] = [
    ("migrations/", "backstay-fleet"),
    ("docs/", "xtask"),
    ("docs/reference/", "backstay-model"),
    ("style/", "backstay-app"),
    ("testing/bench/budget.toml", "xtask"),
    ("nix/", "backstay-agent"),
    ("nix/", "backstay-server"),
    ("flake.nix", "backstay-agent"),
];

/// Files that every crate is built with.
const READ_BY_ALL: [&str; 5] = ["Cargo.toml", "Cargo.lock", "clippy.toml", ".cargo/", "rust-toolchain"];

/// Which crates' tests to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Crates {
    All,
    /// These, and all that depend on them.
    DependingOn(BTreeSet<String>),
}

/// What differs from where this branch left the main one.
pub(super) struct Change {
    pub(super) files: Vec<String>,
    pub(super) crates: Crates,
}

impl Change {
    /// Compares with the main branch, or with the last commit if that is what is checked out.
    pub(super) fn find(places: &Places) -> Result<Self> {
        let git = |words: &[&str]| -> Result<String> { run::read(places.command("git")?.args(words)) };
        let base = git(&["merge-base", "HEAD", "main"]).unwrap_or_else(|_| "HEAD".to_owned());
        let mut files = lines(&git(&["diff", "--name-only", base.trim()])?);
        files.extend(lines(&git(&["ls-files", "--others", "--exclude-standard"])?));
        let crates = crates(&files, &packages(places)?);
        Ok(Self { files, crates })
    }

    /// True if any file's name ends so.
    pub(super) fn has(&self, ends: &[&str]) -> bool {
        self.files.iter().any(|file| ends.iter().any(|end| file.ends_with(end)))
    }

    /// True if any file is in one of these folders.
    pub(super) fn touches(&self, folders: &[&str]) -> bool {
        self.files.iter().any(|file| folders.iter().any(|folder| file.starts_with(folder)))
    }
}

impl Crates {
    /// Returns the filter that nextest takes, or `None` if there is nothing to run.
    pub(super) fn filter(&self) -> Option<String> {
        match self {
            Self::All => Some("all()".to_owned()),
            Self::DependingOn(names) if names.is_empty() => None,
            Self::DependingOn(names) => {
                let each: Vec<String> = names.iter().map(|name| format!("rdeps(={name})")).collect();
                Some(each.join(" + "))
            }
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The crates of this workspace: name, and folder below the root.
fn packages(places: &Places) -> Result<Vec<(String, String)>> {
    let metadata = places.metadata()?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let package = |package: &serde_json::Value| {
        let name = package["name"].as_str()?.to_owned();
        let folder =
            Path::new(package["manifest_path"].as_str()?).parent()?.strip_prefix(&places.root).ok()?;
        Some((name, format!("{}/", folder.display())))
    };
    packages
        .iter()
        .map(|found| package(found).context("cargo metadata names a package without a folder"))
        .collect()
}

fn crates(files: &[String], packages: &[(String, String)]) -> Crates {
    if files.iter().any(|file| READ_BY_ALL.iter().any(|all| file.starts_with(all))) {
        return Crates::All;
    }
    let of_folder = |file: &String| {
        let holding = packages.iter().filter(|(_, folder)| file.starts_with(folder.as_str()));
        holding.max_by_key(|(_, folder)| folder.len()).map(|(name, _)| name.clone())
    };
    let reading = |file: &String| -> Vec<String> {
        let readers = READ_BY.iter().filter(|(path, _)| file.starts_with(path));
        readers.map(|(_, name)| (*name).to_owned()).collect()
    };
    let of_file = |file: &String| of_folder(file).map_or_else(|| reading(file), |name| vec![name]);
    Crates::DependingOn(files.iter().flat_map(of_file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(files: &[&str]) -> Option<String> {
        let packages =
            [("backstay-model", "model/"), ("backstay-crowd", "testing/bench/crowd/"), ("xtask", "xtask/")];
        let packages = packages.map(|(name, folder)| (name.to_owned(), folder.to_owned()));
        crates(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>(), &packages).filter()
    }

    #[test]
    fn a_crate_is_tested_with_all_that_depend_on_it() {
        let files = ["model/src/op.rs", "model/Cargo.toml", "testing/bench/crowd/src/main.rs"];
        assert_eq!(filter(&files).as_deref(), Some("rdeps(=backstay-crowd) + rdeps(=backstay-model)"));
    }

    #[test]
    fn what_every_crate_is_built_with_runs_all() {
        assert_eq!(filter(&["Cargo.lock"]).as_deref(), Some("all()"));
    }

    #[test]
    fn a_file_of_no_crate_runs_the_tests_that_read_it() {
        assert_eq!(filter(&["migrations/sqlite/0099_new.sql"]).as_deref(), Some("rdeps(=backstay-fleet)"));
        let both = "rdeps(=backstay-agent) + rdeps(=backstay-server)";
        assert_eq!(filter(&["nix/modules/server.nix"]).as_deref(), Some(both));
        assert_eq!(filter(&["LICENSE-MIT"]), None);
    }
}
