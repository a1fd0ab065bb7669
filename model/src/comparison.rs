//! What going from one generation of a host to another changes, as the host itself can tell.

use serde::{Deserialize, Serialize};

use crate::closure_diff::ClosureDiff;
use crate::{Commit, GenerationRef};

/// The most commits that a comparison names; those beyond are counted.
pub const COMMITS: usize = 50;
/// The longest subject that is kept, in bytes.
pub const SUBJECT_BYTES: usize = 200;
/// The most units that a comparison names; those beyond are counted.
pub const UNITS: usize = 200;

/// Which two generations are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Where one comes from.
    pub from: GenerationRef,
    /// Where one goes.
    pub to: GenerationRef,
}

/// What going from one generation to another changes. Each part that cannot be told says why, in a sentence: the others
/// are worth having without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The packages that come, go or change.
    pub packages: Result<ClosureDiff, String>,
    /// The commits between the two configurations.
    pub commits: Result<CommitsBetween, String>,
    /// Whether what is gone to runs fully only after a reboot. Agents of before this was asked do not say.
    #[serde(default = "not_told")]
    pub reboot: Result<Reboot, String>,
    /// The units that come, go or change. Agents of before this was asked do not say.
    #[serde(default = "not_told")]
    pub units: Result<UnitChanges, String>,
}

fn not_told<T>() -> Result<T, String> {
    Err("The host's agent is too old to report this. Update the agent.".to_owned())
}

impl Comparison {
    /// Where nothing can be told, and why.
    pub fn unknown(why: &str) -> Self {
        Self {
            packages: Err(why.to_owned()),
            commits: Err(why.to_owned()),
            reboot: Err(why.to_owned()),
            units: Err(why.to_owned()),
        }
    }

    /// Whether each part was told.
    pub fn is_whole(&self) -> bool {
        self.packages.is_ok() && self.commits.is_ok() && self.reboot.is_ok() && self.units.is_ok()
    }
}

/// The commits that lie between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitsBetween {
    /// Those that the second has and the first has not, newest first.
    pub gained: Commits,
    /// Those that the first has and the second has not, newest first: what a rollback takes back.
    pub lost: Commits,
    /// Whether both hold the same files, whatever lies between them.
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

/// A commit in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLine {
    /// The commit.
    pub commit: Commit,
    /// The first line of its message.
    pub subject: String,
}

/// Whether a build runs fully only after a reboot: what the kernel is started with cannot be replaced while it runs, so
/// the build is held against what was *booted*, not against what one comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// The build that was booted; none where a platform does not boot by generation, and then no reboot is ever needed.
    pub booted: Option<String>,
    /// What differs from the booted build. No reboot is needed where nothing does.
    pub parts: Vec<BootPartChange>,
}

impl Reboot {
    /// Whether it takes one.
    pub fn is_needed(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// One thing that a reboot would replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPartChange {
    /// Which.
    pub part: BootPart,
    /// The version that is booted, where it is known.
    pub booted: Option<String>,
    /// The version that would be, where it is known.
    pub next: Option<String>,
}

/// What a machine is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootPart {
    /// The kernel itself.
    Kernel,
    /// What the kernel starts from, before the disks are there.
    Initrd,
    /// What the kernel loads while it runs.
    KernelModules,
}

impl BootPart {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Initrd, Self::KernelModules];

    /// The link in a NixOS build that leads to it.
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

/// The units that differ between two builds, by what their files say. Whether a switch restarts, reloads or leaves alone
/// a unit that differs is for the activation to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChanges {
    /// What they are: units of systemd, or jobs of launchd.
    pub manager: Manager,
    /// Those that both have, and that say something else.
    pub changed: Vec<String>,
    /// Those that only the second has.
    pub added: Vec<String>,
    /// Those that only the first has.
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

/// What runs services.
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
    /// What it calls one of them, and several.
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
    fn an_agent_of_before_says_only_what_it_knew() {
        let told = r#"{"packages":{"Err":"no"},"commits":{"Err":"no"}}"#;
        let comparison: Comparison = serde_json::from_str(told).unwrap();
        assert!(comparison.reboot.unwrap_err().contains("too old to report this"));
        assert!(comparison.units.is_err());
    }
}
