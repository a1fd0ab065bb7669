//! The demo's four hosts, and the history of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use chrono::{DateTime, Utc};

use backstay_nix_host::{
    Activation, Build, CheckoutPlan, GenerationPlan, HostPlan, Pin, Pins, Platform, Upstream,
};

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

/// Minutes from a commit to the hosts' switch to it.
const SWITCHED_AFTER: u64 = 20;

/// One host, and the generations on which its tests were run.
pub(crate) struct HostStory {
    pub(crate) plan: HostPlan,
    pub(crate) tested: Vec<u32>,
}

/// A commit of the configuration.
struct Release {
    age_minutes: u64,
    message: &'static str,
    inputs: &'static Inputs,
}

/// The contents of a `flake.lock`, and what is built from it.
struct Inputs {
    pins: Pins,
    kernel: &'static str,
    openssh: &'static str,
    mesa: &'static str,
}

/// The locked inputs, oldest first.
const INPUTS: [Inputs; 6] = [
    Inputs {
        pins: Pins {
            nixpkgs: pin("3f0a8ac25fb674611b98089ca3a5dd6480175751", 41 * DAY),
            home_manager: pin("4aaaab8ff3f2ff5e31d4c3b8bba73ae1b1a9ff8d", 45 * DAY),
        },
        kernel: "6.12.40",
        openssh: "10.0p2",
        mesa: "25.1.7",
    },
    Inputs {
        pins: Pins {
            nixpkgs: pin("7df7ff7d8e00218376575f0acdcc5d66741351ee", 27 * DAY),
            home_manager: pin("4aaaab8ff3f2ff5e31d4c3b8bba73ae1b1a9ff8d", 45 * DAY),
        },
        kernel: "6.12.48",
        openssh: "10.0p2",
        mesa: "25.2.3",
    },
    Inputs {
        pins: Pins {
            nixpkgs: pin("c87b95e25065c028d31a94f06a62927d18763fdf", 13 * DAY),
            home_manager: pin("b959c67241cae17fc9e4ee7eaf13dfa8512477ea", 20 * DAY),
        },
        kernel: "6.12.54",
        openssh: "10.1p1",
        mesa: "25.2.5",
    },
    Inputs {
        pins: Pins {
            nixpkgs: pin("6a08e6bb4e46ff7fcbb53d409b253f6bad8a28ce", 7 * DAY),
            home_manager: pin("b959c67241cae17fc9e4ee7eaf13dfa8512477ea", 20 * DAY),
        },
        kernel: "6.12.58",
        openssh: "10.1p1",
        mesa: "25.2.6",
    },
    Inputs {
        pins: Pins {
            nixpkgs: pin("91c9a64ce2a84e648d0cf9671274bb9c2fb9ba60", 2 * DAY),
            home_manager: pin("b959c67241cae17fc9e4ee7eaf13dfa8512477ea", 20 * DAY),
        },
        kernel: "6.12.58",
        openssh: "10.2p1",
        mesa: "25.2.6",
    },
    Inputs {
        pins: Pins {
            nixpkgs: pin("5ae3b07d8d6527c42f17c876e404993199144b6a", DAY),
            home_manager: pin("43c2d6cbed6c3bba1c3f9b3dd3bbb1a50c2cf0f3", 3 * DAY),
        },
        kernel: "6.12.58",
        openssh: "10.2p1",
        mesa: "25.2.7",
    },
];

/// The inputs locked by pull request #42.
const UPDATE: Inputs = Inputs {
    pins: Pins {
        nixpkgs: pin("8f1c2d3b9a7e46f0c5d41a6be2907f3358cd6a14", 2 * HOUR),
        home_manager: pin("e0f91bb7d5c84a2396af10e3c27d5b8416f7a9d2", 8 * HOUR),
    },
    kernel: "6.12.58",
    openssh: "10.2p1",
    mesa: "25.3.0",
};

const fn pin(revision: &'static str, age_minutes: u64) -> Pin {
    Pin { revision, age_minutes }
}

/// The configuration's history, oldest first.
const HISTORY: [Release; 9] = [
    release(40 * DAY + HOUR, "Start the fleet", &INPUTS[0]),
    release(26 * DAY, "Update flake.lock", &INPUTS[1]),
    release(12 * DAY, "Update flake.lock", &INPUTS[2]),
    release(6 * DAY, "Update flake.lock", &INPUTS[3]),
    release(4 * DAY, "Use the new resolver", &INPUTS[3]),
    release(51 * HOUR, "Keep backups for 30 days", &INPUTS[3]),
    release(27 * HOUR, "Update flake.lock", &INPUTS[4]),
    release(3 * HOUR, "Merge pull request #41 from new-graphics-driver", &INPUTS[5]),
    release(HOUR, "Keep gpc0 on the old graphics driver", &INPUTS[5]),
];

const fn release(age_minutes: u64, message: &'static str, inputs: &'static Inputs) -> Release {
    Release { age_minutes, message, inputs }
}

/// Indices into [`HISTORY`].
const HEAD: usize = HISTORY.len() - 1;
const BROKE_GPC0: usize = HEAD - 1;
const YESTERDAY: usize = HEAD - 2;

/// The upstream with its history.
pub(crate) struct Configuration {
    upstream: PathBuf,
    commits: Vec<String>,
    update: String,
}

impl Configuration {
    /// Commits the whole history to an upstream in a folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let upstream = Upstream::create(folder)?;
        let commits = HISTORY.iter().map(|release| {
            upstream.commit(release.message, &release.inputs.pins, Duration::from_mins(release.age_minutes))
        });
        let commits = commits.collect::<Result<_>>()?;
        let update = upstream.lock_file(&UPDATE.pins)?;
        Ok(Self { upstream: upstream.url().to_path_buf(), commits, update })
    }

    /// The URL to clone it from.
    pub(crate) fn url(&self) -> &Path {
        &self.upstream
    }

    /// The lock file of pull request #42.
    pub(crate) fn update(&self) -> &str {
        &self.update
    }

    /// The hosts of the demo.
    pub(crate) fn hosts(&self) -> Vec<HostStory> {
        vec![self.gpc0(), self.hsb0(), self.csb0(), self.imac0()]
    }

    /// A workstation that this morning's update broke. A repair is on the branch; the host has not pulled it.
    fn gpc0(&self) -> HostStory {
        let mut collected = self.generation(4);
        collected.collected = true;
        let broken = fails(
            self.generation(BROKE_GPC0),
            &[
                "x11-display: cannot open display :0",
                "gpu-driver: no device /dev/nvidia0",
                "dns: no answer from 127.0.0.53",
                "time-sync: the clock is not synchronised",
                "backup-timer: backup.timer is not active",
            ],
        );
        let ready = vec![broken.build.clone()];
        let generations = vec![
            self.generation(0),
            self.generation(1),
            fails(self.generation(2), &["disk-space: / is 96 % full"]),
            self.generation(3),
            collected,
            self.generation(5),
            self.generation(YESTERDAY),
            broken,
        ];
        let tests = "x11-display network-online gpu-driver dns sshd backup-timer disk-space time-sync";
        let mut plan = host("gpc0", Platform::Nixos, 41, generations, tests, &[]);
        plan.booted = Some(46);
        plan.ready = ready;
        plan.checkout = Some(self.checkout(BROKE_GPC0));
        HostStory { plan, tested: vec![41, 43, 44, 46, 47, 48] }
    }

    /// A server that works, with a broken generation in its past; the open pull request breaks it.
    fn hsb0(&self) -> HostStory {
        let mut stumbles = self.generation(3);
        stumbles.build.activation.exit = 4;
        stumbles.build.activation.failed_units =
            vec!["home-assistant.service".into(), "mosquitto.service".into()];
        let generations = vec![
            self.generation(2),
            stumbles,
            self.generation(5),
            self.generation(YESTERDAY),
            self.generation(HEAD),
        ];
        let tests = "gpu network-online dns sshd home-assistant mosquitto backup-timer disk-space";
        let broken = ["gpu: cannot open /dev/dri/renderD128"];
        let mut plan = host("hsb0", Platform::Nixos, 19, generations, tests, &broken);
        plan.checkout = Some(self.checkout(HEAD));
        HostStory { plan, tested: vec![19, 21, 22, 23] }
    }

    /// A server that has not pulled yet.
    fn csb0(&self) -> HostStory {
        let generations = vec![self.generation(3), self.generation(5), self.generation(YESTERDAY)];
        let tests = "network-online dns sshd nginx certificates backup-timer disk-space time-sync";
        let mut plan = host("csb0", Platform::Nixos, 30, generations, tests, &[]);
        plan.checkout = Some(self.checkout(YESTERDAY));
        HostStory { plan, tested: vec![30, 31, 32] }
    }

    /// A home that works; the open pull request breaks it.
    fn imac0(&self) -> HostStory {
        let generations = vec![self.generation(3), self.generation(YESTERDAY), self.generation(HEAD)];
        let tests = "x11 editor shell-prompt gpg-agent ssh-agent direnv fonts mail-sync";
        let broken = ["x11: cannot open display :0"];
        let mut plan = host("imac0", Platform::HomeManager, 10, generations, tests, &broken);
        plan.checkout = Some(self.checkout(HEAD));
        let past = plan.generations.iter_mut().map(|generation| &mut generation.build);
        for build in past.chain(plan.pins.values_mut()) {
            build.specialisations = words(&["dark", "light"]);
        }
        HostStory { plan, tested: vec![10, 11, 12] }
    }

    fn checkout(&self, release: usize) -> CheckoutPlan {
        CheckoutPlan { upstream: self.upstream.clone(), commit: self.commits[release].clone() }
    }

    fn generation(&self, release: usize) -> GenerationPlan {
        let Release { age_minutes, inputs, .. } = &HISTORY[release];
        let build = Build { commit: Some(self.commits[release].clone()), ..inputs.build() };
        GenerationPlan { build, age_minutes: age_minutes - SWITCHED_AFTER, collected: false }
    }
}

/// A host that builds its checkout, and that the open pull request breaks in this way.
fn host(
    name: &str,
    platform: Platform,
    first: u32,
    generations: Vec<GenerationPlan>,
    tests: &str,
    broken: &[&str],
) -> HostPlan {
    let mut update = UPDATE.build();
    update.failing_tests = words(broken);
    let mut pins: BTreeMap<_, _> =
        INPUTS.iter().map(|inputs| (inputs.pins.nixpkgs.revision.to_owned(), inputs.build())).collect();
    pins.insert(UPDATE.pins.nixpkgs.revision.to_owned(), update);
    HostPlan {
        name: name.to_owned(),
        platform,
        first,
        generations,
        running: None,
        booted: None,
        ready: vec![],
        pins,
        tests: tests.split(' ').map(str::to_owned).collect(),
        checkout: None,
    }
}

impl Inputs {
    /// The build of these inputs, without its commit. A unit names the build of its program, so it differs if
    /// that does.
    fn units(&self) -> BTreeMap<String, String> {
        let runs = |unit: &str, program: &str| (unit.to_owned(), format!("[Service]\nExecStart={program}\n"));
        BTreeMap::from([
            runs("sshd.service", &format!("openssh-{}/bin/sshd -D", self.openssh)),
            runs("display-manager.service", &format!("mesa-{}/bin/display-manager", self.mesa)),
            runs("backup.service", "restic-0.18.1/bin/restic backup"),
            ("backup.timer".to_owned(), "[Timer]\nOnCalendar=daily\n".to_owned()),
        ])
    }

    fn build(&self) -> Build {
        let Pin { revision, age_minutes } = self.pins.nixpkgs;
        let age = Duration::from_mins(age_minutes);
        let day = DateTime::<Utc>::from(SystemTime::now() - age).format("%Y%m%d");
        let packages = [("openssh", self.openssh), ("mesa", self.mesa)];
        Build {
            label: format!("25.11.{day}.{}", &revision[..7]),
            kernel: self.kernel.to_owned(),
            packages: packages.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
            units: self.units(),
            // Slow enough to watch.
            activation: Activation { pace: 150, ..Activation::default() },
            ..Build::default()
        }
    }
}

fn fails(mut generation: GenerationPlan, tests: &[&str]) -> GenerationPlan {
    generation.build.failing_tests = words(tests);
    generation
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn configuration() -> Configuration {
        let commits = (0..HISTORY.len()).map(|number| format!("{number:040}")).collect();
        Configuration { upstream: "upstream".into(), commits, update: String::new() }
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
                assert!(names.is_superset(&failing(&generation.build)), "{} {number}", plan.name);
                assert!(!(generation.collected && tested.contains(&number)), "{} {number}", plan.name);
            }
            assert!(plan.pins.values().all(|build| names.is_superset(&failing(build))), "{}", plan.name);
            assert!(tested.contains(&(plan.first + u32::try_from(plan.generations.len()).unwrap() - 1)));
        }
    }

    fn failing(build: &Build) -> BTreeSet<&str> {
        build.failing_tests.iter().filter_map(|test| test.split(':').next()).collect()
    }

    #[test]
    fn the_open_pull_request_breaks_two_hosts_and_nothing_before_it_does() {
        for HostStory { plan, .. } in configuration().hosts() {
            let broken: Vec<_> =
                plan.pins.iter().filter(|(_, build)| !build.failing_tests.is_empty()).collect();
            let wanted = matches!(plan.name.as_str(), "hsb0" | "imac0");
            let found: Vec<_> = broken.iter().map(|(revision, _)| revision.as_str()).collect();
            assert_eq!(
                found,
                if wanted { vec![UPDATE.pins.nixpkgs.revision] } else { vec![] },
                "{}",
                plan.name
            );
        }
    }

    #[test]
    fn a_host_builds_its_last_generation_again() {
        for HostStory { plan, .. } in configuration().hosts() {
            let last = &plan.generations.last().unwrap().build;
            let commit = last.commit.clone();
            let of_pin = |build: &Build| Build { commit: commit.clone(), ..build.clone() };
            let again = plan.ready.iter().any(|build| build == last)
                || plan.pins.values().any(|build| of_pin(build) == *last);
            assert!(again, "{}", plan.name);
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
