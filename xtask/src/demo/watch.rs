//! `cargo xtask dev`: builds again whenever a source file changes, and restarts what was built.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use super::supervisor::Supervisor;
use crate::build::{self, Built};
use crate::places::Places;

/// What the programs and the page are built from.
const SOURCES: [&str; 10] =
    ["agent", "app", "fleet", "frontend", "migrations", "model", "public", "server", "style", "Cargo.toml"];

/// How often the sources are read.
const READ_EVERY: Duration = Duration::from_millis(500);

/// The sources, and what was built of them last.
pub(super) struct Watch<'a> {
    places: &'a Places,
    built: &'a Built,
    sources: Fingerprint,
    agent: Option<SystemTime>,
    read_at: Instant,
}

/// How many files there are, and when the newest was written.
type Fingerprint = (usize, Option<SystemTime>);

impl<'a> Watch<'a> {
    /// Takes what is there now as built.
    pub(super) fn new(places: &'a Places, built: &'a Built) -> Self {
        let agent = written(&built.agent);
        Self { places, built, sources: fingerprint(&places.root), agent, read_at: Instant::now() }
    }

    /// Builds and restarts if anything has changed. A build that fails leaves everything running.
    pub(super) fn look(&mut self, supervisor: &mut Supervisor) -> Result<()> {
        if self.read_at.elapsed() < READ_EVERY {
            return Ok(());
        }
        self.read_at = Instant::now();
        let now = fingerprint(&self.places.root);
        if now == self.sources {
            return Ok(());
        }
        self.sources = now;
        let start = Instant::now();
        if let Err(error) = build::programs(self.places).and_then(|()| build::page(self.places)) {
            println!("{error:#}. What was built before goes on running.");
            return Ok(());
        }
        supervisor.restart(&self.built.server)?;
        let agent = written(&self.built.agent);
        if agent != self.agent {
            self.agent = agent;
            supervisor.restart(&self.built.agent)?;
        }
        println!("Restarted after {:.1} s. Reload the page.", start.elapsed().as_secs_f32());
        Ok(())
    }
}

fn fingerprint(root: &Path) -> Fingerprint {
    let mut folders: Vec<PathBuf> = SOURCES.iter().map(|source| root.join(source)).collect();
    let (mut files, mut newest) = (0, None);
    while let Some(path) = folders.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            folders.extend(entries.flatten().map(|entry| entry.path()));
        } else {
            files += 1;
            newest = newest.max(written(&path));
        }
    }
    (files, newest)
}

fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_added_or_removed_is_a_change() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("app/src");
        fs::create_dir_all(&folder).unwrap();
        let before = fingerprint(root.path());
        fs::write(folder.join("a.rs"), "").unwrap();
        let added = fingerprint(root.path());
        assert_ne!(before, added);
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(folder.join("a.rs")).unwrap().set_modified(later).unwrap();
        assert_ne!(added, fingerprint(root.path()));
        fs::remove_file(folder.join("a.rs")).unwrap();
        assert_eq!(before, fingerprint(root.path()));
    }

    #[test]
    fn the_sources_are_there() {
        let places = Places::find().unwrap();
        for source in SOURCES {
            assert!(places.root.join(source).exists(), "{source}");
        }
    }
}
