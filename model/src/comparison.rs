//! The changes between two generations of a host, as the host itself reports them.

use serde::{Deserialize, Serialize};

use crate::closure_diff::ClosureDiff;
use crate::{Commit, GenerationRef};

/// Upper bound on the commits that a comparison names; the rest are counted.
pub const COMMITS: usize = 50;
/// Upper bound on a commit's subject, in bytes.
pub const SUBJECT_BYTES: usize = 200;
/// Upper bound on the units that a comparison names; the rest are counted.
pub const UNITS: usize = 200;

/// The two generations of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The old generation.
    pub from: GenerationRef,
    /// The new generation.
    pub to: GenerationRef,
}

/// The changes between two generations. A part that the host cannot determine holds the reason, in a
/// sentence: the other parts are useful without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The packages added, removed or changed.
    pub packages: Result<ClosureDiff, String>,
    /// The commits between the two configurations.
    pub commits: Result<CommitsBetween, String>,
    /// Whether the new generation needs a reboot to run fully. Old agents do not report it.
    #[serde(default = "too_old")]
    pub reboot: Result<Reboot, String>,
    /// The units added, removed or changed. Old agents do not report them.
    #[serde(default = "too_old")]
    pub units: Result<UnitChanges, String>,
}

fn too_old<T>() -> Result<T, String> {
    Err("The host's agent is too old to report this. Update the agent.".to_owned())
}

impl Comparison {
    /// A comparison without any part, for the reason `why`.
    pub fn unknown(why: &str) -> Self {
        Self {
            packages: Err(why.to_owned()),
            commits: Err(why.to_owned()),
            reboot: Err(why.to_owned()),
            units: Err(why.to_owned()),
        }
    }

    /// Returns whether every part is present.
    pub fn is_whole(&self) -> bool {
        self.packages.is_ok() && self.commits.is_ok() && self.reboot.is_ok() && self.units.is_ok()
    }
}

/// The commits between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitsBetween {
    /// Commits only in the second, newest first.
    pub gained: Commits,
    /// Commits only in the first, newest first: a rollback undoes these.
    pub lost: Commits,
    /// Whether both hold the same files despite the commits between them.
    pub same_files: bool,
}

/// Some commits, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// The newest, at most [`COMMITS`].
    pub newest: Vec<CommitLine>,
    /// How many more there are.
    pub more: u32,
}

/// A commit in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLine {
    /// The commit.
    pub commit: Commit,
    /// The first line of its message.
    pub subject: String,
}

/// Whether a build needs a reboot to run fully. The kernel and what it boots with cannot be replaced while it
/// runs, so the build is compared with the *booted* one, not with the current generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// The booted build; `None` on platforms that do not boot by generation, where no reboot is ever needed.
    pub booted: Option<String>,
    /// The parts that differ from the booted build. If there are none, no reboot is needed.
    pub parts: Vec<BootPartChange>,
}

impl Reboot {
    /// Returns whether a reboot is needed.
    pub fn is_needed(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// One thing that a reboot would replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPartChange {
    /// The part.
    pub part: BootPart,
    /// The booted version, if known.
    pub booted: Option<String>,
    /// The version after a reboot, if known.
    pub next: Option<String>,
}

/// A part that a machine boots with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootPart {
    /// The kernel itself.
    Kernel,
    /// The file system that the kernel starts from, before the disks are mounted.
    Initrd,
    /// The modules that the kernel loads while it runs.
    KernelModules,
}

impl BootPart {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Initrd, Self::KernelModules];

    /// The name of its link in a NixOS build.
    pub fn link(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::KernelModules => "kernel-modules",
        }
    }

    /// The name as a page shows it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kernel => "Kernel",
            Self::Initrd => "Initrd",
            Self::KernelModules => "Kernel modules",
        }
    }
}

/// The units whose files differ between two builds. The activation decides which of them a switch restarts,
/// reloads or leaves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChanges {
    /// The service manager that runs them.
    pub manager: Manager,
    /// Units in both whose files differ.
    pub changed: Vec<String>,
    /// Units only in the second.
    pub added: Vec<String>,
    /// Units only in the first.
    pub removed: Vec<String>,
    /// How many more there are, beyond [`UNITS`].
    pub more: u32,
}

impl UnitChanges {
    /// How many differ.
    pub fn count(&self) -> usize {
        self.changed.len() + self.added.len() + self.removed.len() + self.more as usize
    }
}

/// A service manager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// systemd and its units.
    #[default]
    Systemd,
    /// launchd and its jobs.
    Launchd,
}

impl Manager {
    /// Its word for one of them, and for several.
    pub fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Self::Systemd => ("unit", "units"),
            Self::Launchd => ("launchd job", "launchd jobs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_agent_reports_only_what_it_knows() {
        let json = r#"{"packages":{"Err":"no"},"commits":{"Err":"no"}}"#;
        let comparison: Comparison = serde_json::from_str(json).unwrap();
        assert!(comparison.reboot.unwrap_err().contains("too old to report this"));
        assert!(comparison.units.is_err());
    }
}
