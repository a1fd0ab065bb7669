//! What a build reveals about itself: its commit, version and kernel, and whether it needs a reboot.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use backstay_model::comparison::BootPart;
use backstay_model::{Commit, Facts, Platform, Stream};

use super::behind;
use crate::command::{self, Bounds, CommandStatus, Invocation};
use crate::config::Config;

/// Time limit for one build to report its revision.
const REVISION_TIMEOUT: Duration = Duration::from_secs(5);
/// Upper bound on a revision in bytes: a SHA-256 commit with `-dirty`.
const REVISION_BYTES: usize = 80;
/// Time limit for all builds in one reading. The others report at the next.
const REVISIONS_TIMEOUT: Duration = Duration::from_secs(20);

/// The facts about a build that never change.
#[derive(Debug, Clone, Default)]
struct Description {
    commit: Option<Commit>,
    version: Option<String>,
    kernel: Option<String>,
}

/// Cached descriptions, by store path.
#[derive(Debug, Default)]
pub(super) struct Builds(Mutex<HashMap<String, Description>>);

impl Builds {
    /// Adds to each generation what its build reveals.
    pub(super) fn describe(&self, config: &Config, facts: &mut Facts) {
        let deadline = Instant::now() + REVISIONS_TIMEOUT;
        let mut known = self.0.lock();
        known.retain(|path, _| facts.generations.iter().any(|g| g.store_path == *path));
        let booted = config.booted_system();
        let running = facts.running.clone().unwrap_or_default();
        for generation in facts.generations.iter_mut().filter(|g| g.present) {
            let build = Path::new(&generation.store_path);
            if !known.contains_key(&generation.store_path) {
                if Instant::now() > deadline {
                    continue;
                }
                let (found, is_whole) = description(config.platform, build);
                (generation.commit, generation.version, generation.kernel) =
                    (found.commit.clone(), found.version.clone(), found.kernel.clone());
                // What could not be read now, for example on a disk that is busy after a boot, is read again
                // next time.
                if is_whole {
                    known.insert(generation.store_path.clone(), found);
                }
            } else if let Some(Description { commit, version, kernel }) =
                known.get(&generation.store_path).cloned()
            {
                (generation.commit, generation.version, generation.kernel) = (commit, version, kernel);
            }
            if config.platform == Platform::Nixos {
                generation.needs_reboot = booted.as_deref().is_some_and(|booted| differs(booted, build));
                generation.inhibitors = inhibitors(Path::new(&running), build);
            }
        }
    }
}

/// Describes a build. Returns whether the description is complete.
fn description(platform: Platform, build: &Path) -> (Description, bool) {
    let recorded = text(&build.join("configuration-revision")).map(Commit);
    match platform {
        Platform::Nixos => {
            let revision = recorded.map_or_else(|| nixos_revision(build), |commit| Ok(Some(commit)));
            let is_whole = revision.is_ok();
            let found = Description {
                commit: revision.unwrap_or_default(),
                version: text(&build.join("nixos-version")),
                kernel: kernel_version(build),
            };
            (found, is_whole)
        }
        Platform::Darwin => (darwin(build, recorded), true),
        // home-manager itself records no revision.
        Platform::HomeManager => {
            (Description { commit: recorded, version: text(&build.join("hm-version")), kernel: None }, true)
        }
    }
}

/// Returns the revision of a NixOS build. Only its own `nixos-version` knows it, which `nixos-rebuild
/// list-generations` asks too.
///
/// # Errors
/// If the program did not answer in time, or not at all. A build without a revision says so by its exit
/// status.
fn nixos_revision(build: &Path) -> Result<Option<Commit>, String> {
    let program = build.join("sw/bin/nixos-version");
    if !program.exists() {
        return Ok(None);
    }
    let ask = Invocation::new(&[command::path(program)], ["--configuration-revision"]);
    let mut answer = String::new();
    let bounds = Bounds { deadline: Instant::now() + REVISION_TIMEOUT, cancelled: &|| false };
    let status = ask.run(&std::env::temp_dir(), &bounds, |stream, line| {
        if stream == Stream::Stdout && answer.is_empty() {
            line.clone_into(&mut answer);
        }
    });
    if !matches!(status, CommandStatus::Exited(_)) {
        return Err(format!("{status:?}"));
    }
    let revision = answer.trim();
    let is_one = status.is_success() && !revision.is_empty() && !revision.contains(char::is_whitespace);
    Ok((is_one && revision.len() <= REVISION_BYTES).then(|| Commit(revision.to_owned())))
}

fn darwin(build: &Path, recorded: Option<Commit>) -> Description {
    let found: serde_json::Value = text(&build.join("darwin-version.json"))
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    let field = |key: &str| found.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    Description {
        commit: recorded.or_else(|| field("configurationRevision").map(Commit)),
        version: field("darwinLabel").or_else(|| text(&build.join("darwin-version"))),
        kernel: None,
    }
}

/// Returns the kernel's version, which is the name of the folder of its modules.
pub(crate) fn kernel_version(build: &Path) -> Option<String> {
    let modules = fs::read_dir(build.join("kernel-modules/lib/modules")).ok()?;
    let mut versions: Vec<_> =
        modules.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    versions.sort();
    versions.into_iter().next()
}

/// Whether `build` needs a reboot, given what was booted.
fn differs(booted: &Path, build: &Path) -> bool {
    booted.exists() && !boot_differences(booted, build).is_empty()
}

/// Returns the parts that `build` would boot with and that were not booted.
pub(crate) fn boot_differences(booted: &Path, build: &Path) -> Vec<BootPart> {
    let is_other = |part: &BootPart| behind(&booted.join(part.link())) != behind(&build.join(part.link()));
    BootPart::ALL.into_iter().filter(is_other).collect()
}

/// Returns the switch inhibitors that both builds have and that differ.
fn inhibitors(running: &Path, build: &Path) -> Vec<String> {
    let read = |build: &Path| -> Option<BTreeMap<String, serde_json::Value>> {
        serde_json::from_str(&fs::read_to_string(build.join("switch-inhibitors")).ok()?).ok()
    };
    let (Some(now), Some(then)) = (read(running), read(build)) else { return vec![] };
    then.into_iter()
        .filter(|(key, value)| now.get(key).is_some_and(|v| v != value))
        .map(|(key, _)| key)
        .collect()
}

/// Returns the text of a small file, trimmed, or `None` if there is none.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| backstay_model::wire::limits::cut(text, 4096))
}
