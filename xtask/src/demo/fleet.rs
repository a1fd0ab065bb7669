//! The demo's four hosts: what each of them has lived through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::nix_host::{Activation, Build, CheckoutPlan, GenerationPlan, HostPlan, Platform, Upstream};

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

/// How long after a commit the hosts were switched to it, in minutes.
const SWITCHED_AFTER: u64 = 20;

/// One host, and which of its generations its tests were run on.
pub(crate) struct HostStory {
    pub(crate) plan: HostPlan,
    pub(crate) tested: Vec<u32>,
}

/// A commit of the configuration, and what is built from it.
struct Release {
    age_minutes: u64,
    message: &'static str,
    nixpkgs: &'static str,
    kernel: &'static str,
    openssh: &'static str,
}

/// The configuration's history, oldest first.
const HISTORY: [Release; 8] = [
    release(
        40 * DAY + HOUR,
        "Start the fleet",
        "3f0a8ac25fb674611b98089ca3a5dd6480175751",
        "6.12.40",
        "10.0p2",
    ),
    release(26 * DAY, "Update flake.lock", "7df7ff7d8e00218376575f0acdcc5d66741351ee", "6.12.48", "10.0p2"),
    release(12 * DAY, "Update flake.lock", "c87b95e25065c028d31a94f06a62927d18763fdf", "6.12.54", "10.1p1"),
    release(6 * DAY, "Update flake.lock", "6a08e6bb4e46ff7fcbb53d409b253f6bad8a28ce", "6.12.58", "10.1p1"),
    release(4 * DAY, "Use the new resolver", "6a08e6bb4e46ff7fcbb53d409b253f6bad8a28ce", "6.12.58", "10.1p1"),
    release(
        51 * HOUR,
        "Keep backups for 30 days",
        "6a08e6bb4e46ff7fcbb53d409b253f6bad8a28ce",
        "6.12.58",
        "10.1p1",
    ),
    release(27 * HOUR, "Update flake.lock", "91c9a64ce2a84e648d0cf9671274bb9c2fb9ba60", "6.12.58", "10.2p1"),
    release(
        3 * HOUR,
        "Merge pull request #42 from update-flake-lock",
        "5ae3b07d8d6527c42f17c876e404993199144b6a",
        "6.12.58",
        "10.2p1",
    ),
];

const fn release(
    age_minutes: u64,
    message: &'static str,
    nixpkgs: &'static str,
    kernel: &'static str,
    openssh: &'static str,
) -> Release {
    Release { age_minutes, message, nixpkgs, kernel, openssh }
}

/// Places in [`HISTORY`].
const HEAD: usize = HISTORY.len() - 1;
const BEFORE_HEAD: usize = HEAD - 1;

/// The upstream with its history.
pub(crate) struct Configuration {
    upstream: PathBuf,
    commits: Vec<String>,
}

impl Configuration {
    /// Commits the whole history to an upstream in a folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let upstream = Upstream::create(folder)?;
        let commits = HISTORY.iter().map(|release| {
            upstream.commit(release.message, release.nixpkgs, Duration::from_mins(release.age_minutes))
        });
        let commits = commits.collect::<Result<_>>()?;
        Ok(Self { upstream: upstream.url().to_path_buf(), commits })
    }

    /// Where it is cloned from.
    pub(crate) fn url(&self) -> &Path {
        &self.upstream
    }

    /// The hosts of the demo.
    pub(crate) fn hosts(&self) -> Vec<HostStory> {
        vec![self.gpc0(), self.hsb0(), self.csb0(), self.imac0()]
    }

    /// A workstation that this morning's update broke.
    fn gpc0(&self) -> HostStory {
        let mut collected = self.generation(4);
        collected.collected = true;
        let generations = vec![
            self.generation(0),
            self.generation(1),
            fails(self.generation(2), &["disk-space: / is 96 % full"]),
            self.generation(3),
            collected,
            self.generation(5),
            self.generation(BEFORE_HEAD),
            fails(
                self.generation(HEAD),
                &[
                    "x11-display: cannot open display :0",
                    "gpu-driver: no device /dev/nvidia0",
                    "dns: no answer from 127.0.0.53",
                    "time-sync: the clock is not synchronised",
                    "backup-timer: backup.timer is not active",
                ],
            ),
        ];
        let tests = "x11-display network-online gpu-driver dns sshd backup-timer disk-space time-sync";
        HostStory {
            plan: HostPlan { booted: Some(46), ..self.host("gpc0", Platform::Nixos, 41, generations, tests) },
            tested: vec![41, 43, 44, 46, 47, 48],
        }
    }

    /// A server that is fine, with a past that is not.
    fn hsb0(&self) -> HostStory {
        let mut stumbles = self.generation(3);
        stumbles.build.activation.exit = 4;
        stumbles.build.activation.failed_units =
            vec!["home-assistant.service".into(), "mosquitto.service".into()];
        let generations = vec![
            self.generation(2),
            stumbles,
            self.generation(5),
            self.generation(BEFORE_HEAD),
            self.generation(HEAD),
        ];
        let tests = "network-online dns sshd home-assistant mosquitto backup-timer disk-space time-sync";
        HostStory {
            plan: self.host("hsb0", Platform::Nixos, 19, generations, tests),
            tested: vec![19, 21, 22, 23],
        }
    }

    /// A server that has not pulled yet.
    fn csb0(&self) -> HostStory {
        let generations = vec![self.generation(3), self.generation(5), self.generation(BEFORE_HEAD)];
        let tests = "network-online dns sshd nginx certificates backup-timer disk-space time-sync";
        let mut plan = self.host("csb0", Platform::Nixos, 30, generations, tests);
        plan.checkout = Some(self.checkout(BEFORE_HEAD));
        HostStory { plan, tested: vec![30, 31, 32] }
    }

    /// A home that the update broke as well.
    fn imac0(&self) -> HostStory {
        let failing = ["editor: vim: cannot load libsodium", "shell-prompt: starship is not on PATH"];
        let generations =
            vec![self.generation(3), self.generation(BEFORE_HEAD), fails(self.generation(HEAD), &failing)];
        let tests = "editor shell-prompt git gpg-agent ssh-agent direnv fonts mail-sync";
        HostStory {
            plan: self.host("imac0", Platform::HomeManager, 10, generations, tests),
            tested: vec![10, 11, 12],
        }
    }

    fn host(
        &self,
        name: &str,
        platform: Platform,
        first: u32,
        generations: Vec<GenerationPlan>,
        tests: &str,
    ) -> HostPlan {
        // What a switch finds built: what the host runs now, and what pulling brings.
        let mut ready = vec![self.build(HEAD)];
        if let Some(last) = generations.last() {
            ready.push(last.build.clone());
        }
        HostPlan {
            name: name.to_owned(),
            platform,
            first,
            generations,
            running: None,
            booted: None,
            ready,
            tests: tests.split(' ').map(str::to_owned).collect(),
            checkout: Some(self.checkout(HEAD)),
        }
    }

    fn checkout(&self, release: usize) -> CheckoutPlan {
        CheckoutPlan { upstream: self.upstream.clone(), commit: self.commits[release].clone() }
    }

    fn generation(&self, release: usize) -> GenerationPlan {
        let age_minutes = HISTORY[release].age_minutes - SWITCHED_AFTER;
        GenerationPlan { build: self.build(release), age_minutes, collected: false }
    }

    fn build(&self, release: usize) -> Build {
        let Release { age_minutes, nixpkgs, kernel, openssh, .. } = HISTORY[release];
        let day =
            DateTime::<Utc>::from(SystemTime::now() - Duration::from_mins(age_minutes)).format("%Y%m%d");
        Build {
            label: format!("25.11.{day}.{}", &nixpkgs[..7]),
            commit: Some(self.commits[release].clone()),
            kernel: kernel.to_owned(),
            packages: BTreeMap::from([("openssh".to_owned(), openssh.to_owned())]),
            // Slow enough to watch.
            activation: Activation { pace: 150, ..Activation::default() },
            ..Build::default()
        }
    }
}

fn fails(mut generation: GenerationPlan, tests: &[&str]) -> GenerationPlan {
    generation.build.failing_tests = tests.iter().map(|&test| test.to_owned()).collect();
    generation
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn configuration() -> Configuration {
        let commits = (0..HISTORY.len()).map(|number| format!("{number:040}")).collect();
        Configuration { upstream: "upstream".into(), commits }
    }

    #[test]
    fn history_goes_forward() {
        assert!(HISTORY.is_sorted_by(|one, next| one.age_minutes > next.age_minutes));
        for host in configuration().hosts() {
            let ages: Vec<u64> =
                host.plan.generations.iter().map(|generation| generation.age_minutes).collect();
            assert!(ages.is_sorted_by(|one, next| one > next), "{}: {ages:?}", host.plan.name);
        }
    }

    #[test]
    fn tests_that_fail_are_tests_that_the_host_has() {
        for HostStory { plan, tested } in configuration().hosts() {
            let names: BTreeSet<&str> = plan.tests.iter().map(String::as_str).collect();
            assert_eq!(names.len(), 8, "{}", plan.name);
            for (number, generation) in (plan.first..).zip(&plan.generations) {
                for failing in &generation.build.failing_tests {
                    assert!(names.contains(failing.split(':').next().unwrap()), "{}: {failing}", plan.name);
                }
                assert!(!(generation.collected && tested.contains(&number)), "{} {number}", plan.name);
            }
            assert!(tested.contains(&(plan.first + u32::try_from(plan.generations.len()).unwrap() - 1)));
        }
    }

    #[test]
    fn the_broken_workstation_is_as_the_words_say() {
        let HostStory { plan, .. } = configuration().gpc0();
        let generation = |number: u32| &plan.generations[usize::try_from(number - plan.first).unwrap()];
        assert_eq!(generation(48).build.failing_tests.len(), 5);
        assert!(generation(47).build.failing_tests.is_empty() && generation(47).age_minutes > 24 * HOUR);
        assert!(generation(45).collected);
        assert!(generation(41).age_minutes > 30 * DAY);
    }
}
