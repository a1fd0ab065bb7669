//! The units that differ between two builds, according to their files alone. `dry-activate` would reveal
//! more, but takes the lock that a rollback needs a moment later.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use backstay_model::comparison::{Manager, UNITS, UnitChanges};
use backstay_model::{Generation, Platform};

use super::are_there;

/// Kinds of units. Sockets and timers count because they start services.
const KINDS: [&str; 10] =
    ["service", "socket", "timer", "path", "mount", "automount", "swap", "target", "slice", "scope"];
/// Upper bound on a unit's name (systemd's own limit), in bytes.
const NAME_BYTES: usize = 255;
/// Upper bound on a file that is compared by content; larger files differ unless they are the same file.
const FILE_BYTES: u64 = 1024 * 1024;
/// Upper bound on the entries of a folder that are read.
const ENTRIES: usize = 20_000;

/// The parts of a unit: its file and its drop-ins, by name.
type Parts = BTreeMap<String, PathBuf>;

pub(super) fn between(platform: Platform, from: &Generation, to: &Generation) -> Result<UnitChanges, String> {
    are_there([from, to], "units")?;
    let units = |generation: &Generation| units_of(platform, Path::new(&generation.store_path));
    let ((manager, old), (_, new)) = (units(from), units(to));
    Ok(compare(manager, &old, &new))
}

fn compare(manager: Manager, old: &BTreeMap<String, Parts>, new: &BTreeMap<String, Parts>) -> UnitChanges {
    let mut changes = UnitChanges { manager, ..UnitChanges::default() };
    for (name, parts) in old {
        match new.get(name) {
            None => changes.removed.push(name.clone()),
            Some(others) if !are_same(parts, others) => changes.changed.push(name.clone()),
            Some(_) => {}
        }
    }
    changes.added.extend(new.keys().filter(|name| !old.contains_key(*name)).cloned());
    bound(&mut changes);
    changes
}

/// Keeps the names within the limit. Changed units matter more than added or removed ones.
fn bound(changes: &mut UnitChanges) {
    let mut room = UNITS;
    for names in [&mut changes.changed, &mut changes.removed, &mut changes.added] {
        let kept = names.len().min(room);
        let more = u32::try_from(names.len() - kept).unwrap_or(u32::MAX);
        changes.more = changes.more.saturating_add(more);
        names.truncate(kept);
        room -= kept;
    }
}

/// Returns the units of a build, wherever its platform puts them.
fn units_of(platform: Platform, build: &Path) -> (Manager, BTreeMap<String, Parts>) {
    let mut units = BTreeMap::new();
    match platform {
        Platform::Nixos => systemd(&build.join("etc/systemd/system"), &mut units),
        Platform::Darwin => {
            launchd(&build.join("Library/LaunchDaemons"), &mut units);
            launchd(&build.join("user/Library/LaunchAgents"), &mut units);
        }
        Platform::HomeManager => {
            let agents = build.join("LaunchAgents");
            if agents.is_dir() {
                launchd(&agents, &mut units);
                return (Manager::Launchd, units);
            }
            systemd(&build.join("home-files/.config/systemd/user"), &mut units);
        }
    }
    let manager = if platform == Platform::Darwin { Manager::Launchd } else { Manager::Systemd };
    (manager, units)
}

fn launchd(folder: &Path, units: &mut BTreeMap<String, Parts>) {
    for (name, path) in entries(folder) {
        if kind_of(&name) == Some("plist") {
            units.entry(name).or_default().insert(String::new(), path);
        }
    }
}

/// Collects units, and their drop-ins in `UNIT.d`. A link to a neighbour is an alias.
fn systemd(folder: &Path, units: &mut BTreeMap<String, Parts>) {
    for (name, path) in entries(folder) {
        if let Some(unit) = name.strip_suffix(".d").filter(|unit| is_unit(unit)) {
            let parts = units.entry(unit.to_owned()).or_default();
            parts.extend(entries(&path).into_iter().filter(|(name, _)| kind_of(name) == Some("conf")));
        } else if is_unit(&name) && !is_alias(&path) {
            units.entry(name).or_default().insert(String::new(), path);
        }
    }
}

fn is_unit(name: &str) -> bool {
    kind_of(name).is_some_and(|kind| KINDS.contains(&kind)) && name.len() <= NAME_BYTES
}

/// Returns the part after the last dot of a file's name.
fn kind_of(name: &str) -> Option<&str> {
    Path::new(name).extension().and_then(OsStr::to_str)
}

fn is_alias(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target.parent() == Some(Path::new("")))
}

/// Returns the entries of a folder by name, or none if there is no such folder, as in a build without units.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(listed) = fs::read_dir(folder) else { return vec![] };
    let named = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    listed.flatten().take(ENTRIES).filter_map(named).collect()
}

fn are_same(some: &Parts, others: &Parts) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|((name, path), (other_name, other_path))| {
            name == other_name && says_the_same(path, other_path)
        })
}

/// Whether two files are the same or have the same content: a new build of systemd includes most units
/// unchanged.
fn says_the_same(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (one.canonicalize(), other.canonicalize()) else { return false };
    one == other || content(&one).zip(content(&other)).is_some_and(|(one, other)| one == other)
}

/// Returns the content of a file of ordinary size. A masked unit is a link to a device, which is not read.
fn content(path: &Path) -> Option<Vec<u8>> {
    let found = path.metadata().ok()?;
    if found.is_file() && found.len() <= FILE_BYTES { fs::read(path).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A build with these unit files; a content that begins with `->` is a link.
    fn build(files: &[(&str, &str)]) -> tempfile::TempDir {
        let build = tempfile::tempdir().unwrap();
        let folder = build.path().join("etc/systemd/system");
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("->") {
                Some(target) => symlink(target, path).unwrap(),
                None => fs::write(path, content).unwrap(),
            }
        }
        build
    }

    fn compared(old: &[(&str, &str)], new: &[(&str, &str)]) -> UnitChanges {
        let (old, new) = (build(old), build(new));
        let units = |build: &tempfile::TempDir| units_of(Platform::Nixos, build.path()).1;
        compare(Manager::Systemd, &units(&old), &units(&new))
    }

    #[test]
    fn what_changes_comes_and_goes() {
        let changes = compared(
            &[("nginx.service", "ExecStart=/1"), ("sshd.service", "same"), ("cups.socket", "x")],
            &[("nginx.service", "ExecStart=/2"), ("sshd.service", "same"), ("backup.timer", "x")],
        );
        assert_eq!(changes.changed, ["nginx.service"]);
        assert_eq!(
            (changes.added.as_slice(), changes.removed.as_slice()),
            (&["backup.timer".to_owned()][..], &["cups.socket".to_owned()][..])
        );
        assert_eq!((changes.count(), changes.more), (3, 0));
    }

    #[test]
    fn what_is_added_to_a_unit_changes_it() {
        let plain = [("getty@.service", "a")];
        let with = [("getty@.service", "a"), ("getty@.service.d/overrides.conf", "b")];
        assert_eq!(compared(&plain, &with).changed, ["getty@.service"]);
        let other = [("getty@.service", "a"), ("getty@.service.d/overrides.conf", "c")];
        assert_eq!(compared(&with, &other).changed, ["getty@.service"]);
        assert_eq!(compared(&with, &with).count(), 0);
    }

    #[test]
    fn a_masked_unit_differs_from_one_that_is_not() {
        let (masked, there) = ([("x.service", "->/dev/null")], [("x.service", "a")]);
        assert_eq!(compared(&there, &masked).changed, ["x.service"]);
        assert_eq!(compared(&masked, &masked).count(), 0);
    }

    #[test]
    fn what_is_not_a_unit_is_skipped() {
        let changes = compared(
            &[],
            &[
                ("a.service", "a"),
                ("dbus-a.service", "->a.service"),
                ("multi-user.target.wants/a.service", "->../a.service"),
                ("README", "x"),
                ("a.service.d/notes.txt", "x"),
            ],
        );
        assert_eq!(changes.added, ["a.service"]);
    }

    #[test]
    fn names_are_bounded() {
        let names: Vec<_> = (0..300).map(|i| format!("u{i:03}.service")).collect();
        let new: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let changes = compared(&[], &new);
        assert_eq!((changes.added.len(), changes.more, changes.count()), (UNITS, 100, 300));
    }
}
