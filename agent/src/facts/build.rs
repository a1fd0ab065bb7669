//! What a build tells about itself: its commit, version, kernel, and what it would take to run it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backstay_model::comparison::BootPart;
use backstay_model::{Commit, Facts, Platform, Stream};

use super::behind;
use crate::command::{self, Bounds, CommandStatus, Invocation};
use crate::config::Config;

/// How long one build may take to tell its revision.
const REVISION_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest revision, in bytes: a SHA-256 commit with `-dirty`.
const REVISION_BYTES: usize = 80;
/// How long all builds together may take at one reading; the others tell at the next.
const REVISIONS_TIMEOUT: Duration = Duration::from_secs(20);

/// What does not change as long as a build is there.
#[derive(Debug, Clone, Default)]
struct Description {
    commit: Option<Commit>,
    version: Option<String>,
    kernel: Option<String>,
}

/// What is known of builds, by store path.
#[derive(Debug, Default)]
pub(super) struct Builds(Mutex<HashMap<String, Description>>);

impl Builds {
    /// Adds to each generation what its build tells.
    pub(super) fn describe(&self, config: &Config, facts: &mut Facts) {
        let deadline = Instant::now() + REVISIONS_TIMEOUT;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|path, _| facts.generations.iter().any(|g| g.store_path == *path));
        let booted = config.booted_system();
        let running = facts.running.clone().unwrap_or_default();
        for generation in facts.generations.iter_mut().filter(|g| g.present) {
            let build = Path::new(&generation.store_path);
            if !known.contains_key(&generation.store_path) {
                if Instant::now() > deadline {
                    continue;
                }
                let (told, is_whole) = description(config.platform, build);
                (generation.commit, generation.version, generation.kernel) =
                    (told.commit.clone(), told.version.clone(), told.kernel.clone());
                // What could not be read now, on a busy disk after a boot, is read again the next time.
                if is_whole {
                    known.insert(generation.store_path.clone(), told);
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

/// What a build tells, and whether all of it could be asked.
fn description(platform: Platform, build: &Path) -> (Description, bool) {
    let recorded = text(&build.join("configuration-revision")).map(Commit);
    match platform {
        Platform::Nixos => {
            let revision = recorded.map_or_else(|| nixos_revision(build), |commit| Ok(Some(commit)));
            let is_whole = revision.is_ok();
            let told = Description {
                commit: revision.unwrap_or_default(),
                version: text(&build.join("nixos-version")),
                kernel: kernel_version(build),
            };
            (told, is_whole)
        }
        Platform::Darwin => (darwin(build, recorded), true),
        // home-manager itself records no revision.
        Platform::HomeManager => {
            (Description { commit: recorded, version: text(&build.join("hm-version")), kernel: None }, true)
        }
    }
}

/// The revision of a NixOS build: only its own `nixos-version` knows, as `nixos-rebuild list-generations` asks it too.
///
/// # Errors
/// Where it did not answer in time, or not at all. One that answers that it has none says so by its status.
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
    let told: serde_json::Value = text(&build.join("darwin-version.json"))
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    let tell = |key: &str| told.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    Description {
        commit: recorded.or_else(|| tell("configurationRevision").map(Commit)),
        version: tell("darwinLabel").or_else(|| text(&build.join("darwin-version"))),
        kernel: None,
    }
}

/// The version of the kernel: its modules are in a folder of that name.
pub(crate) fn kernel_version(build: &Path) -> Option<String> {
    let modules = fs::read_dir(build.join("kernel-modules/lib/modules")).ok()?;
    let mut versions: Vec<_> =
        modules.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    versions.sort();
    versions.into_iter().next()
}

/// Whether running `build` fully takes a reboot of what was booted.
fn differs(booted: &Path, build: &Path) -> bool {
    booted.exists() && !boot_differences(booted, build).is_empty()
}

/// What `build` would be started with that was not booted.
pub(crate) fn boot_differences(booted: &Path, build: &Path) -> Vec<BootPart> {
    let is_other = |part: &BootPart| behind(&booted.join(part.link())) != behind(&build.join(part.link()));
    BootPart::ALL.into_iter().filter(is_other).collect()
}

/// The switch inhibitors that both builds have, and that differ.
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

/// The text of a small file, trimmed; nothing where there is none.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| backstay_model::wire::limits::cut(text, 4096))
}
