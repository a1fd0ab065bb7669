use std::os::unix::fs::{PermissionsExt as _, symlink};

use backstay_model::wire::message::{AgentMessage, Message as _};
use backstay_model::{SystemClock, TestRun, sample};

use super::*;

/// A host made of files, without Nix.
struct Host {
    folder: tempfile::TempDir,
    config: Config,
}

impl Host {
    fn new(platform: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path).display().to_string();
        let text = format!(
            "server = \"http://localhost\"\nname = \"gpc0\"\nplatform = \"{platform}\"\nstate_dir = \"{}\"\n\
             [profile]\npath = \"{}\"\nrunning_system = \"{}\"\nbooted_system = \"{}\"\n\
             [checkout]\npath = \"{}\"\n[tests]\ndir = \"{}\"\n",
            at("state"),
            at("profiles/system"),
            at("running"),
            at("booted"),
            at("checkout"),
            at("tests"),
        );
        fs::create_dir_all(folder.path().join("profiles")).unwrap();
        fs::create_dir_all(folder.path().join("store")).unwrap();
        Self { config: toml::from_str(&text).unwrap(), folder }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn build(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let build = self.at("store").join(name);
        fs::create_dir_all(&build).unwrap();
        for (path, content) in files {
            let path = build.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        build
    }

    fn link(&self, from: &str, to: &Path) {
        let from = self.at(from);
        let _ = fs::remove_file(&from);
        symlink(to, from).unwrap();
    }

    fn generation(&self, number: u32, build: &Path) {
        self.link(&format!("profiles/system-{number}-link"), build);
    }

    fn current(&self, number: u32) {
        self.link("profiles/system", Path::new(&format!("system-{number}-link")));
    }

    fn reader(&self) -> FactsReader {
        FactsReader::new(Arc::new(self.config.clone()), Arc::new(SystemClock))
    }

    fn read(&self) -> Facts {
        self.reader().read()
    }
}

fn nixos() -> Host {
    let host = Host::new("nixos");
    let version = "#!/bin/sh\n[ \"$1\" = --configuration-revision ] && echo d0cafe1\n";
    let old = host.build(
        "old",
        &[
            ("nixos-version", "25.05"),
            ("kernel", "k1"),
            ("initrd", "i"),
            ("switch-inhibitors", r#"{"a":"1","b":"1"}"#),
        ],
    );
    let new = host.build(
        "new",
        &[
            ("nixos-version", "25.11\n"),
            ("sw/bin/nixos-version", version),
            ("kernel-modules/lib/modules/6.18.17/x", ""),
            ("switch-inhibitors", r#"{"a":"2","b":"1","c":"1"}"#),
        ],
    );
    host.generation(47, &old);
    host.generation(48, &new);
    host.current(48);
    host.link("running", &new);
    host.link("booted", &new);
    host
}

#[test]
fn a_nixos_host_is_read_from_its_files() {
    let host = nixos();
    let facts = host.read();
    let [new, old] = facts.generations.as_slice() else { panic!("{facts:?}") };
    assert_eq!(new.commit.as_ref().unwrap().0, "d0cafe1");
    assert_eq!((new.version.as_deref(), new.kernel.as_deref()), (Some("25.11"), Some("6.18.17")));
    assert!(new.current && new.booted && new.present && !new.needs_reboot);
    assert_eq!((old.commit.as_ref(), old.kernel.as_deref()), (None, None));
    assert!(!old.current && !old.booted && old.needs_reboot);
    assert_eq!(old.inhibitors, ["a"]);
    assert_eq!(facts.running, Some(new.store_path.clone()));
    assert_eq!(facts.booted, facts.running);
    assert!(facts.problems.is_empty(), "{:?}", facts.problems);
}

#[test]
fn a_garbage_collected_build_is_not_present() {
    let host = nixos();
    fs::remove_dir_all(host.at("store/old")).unwrap();
    let facts = host.read();
    assert!(!facts.generations[1].present);
    assert!(!facts.generations[1].needs_reboot);
}

#[test]
fn darwin_records_its_revision_in_a_file() {
    let host = Host::new("darwin");
    let json = r#"{"darwinLabel":"26.05.56c666e","configurationRevision":"d0cafe1-dirty"}"#;
    let build = host.build("darwin", &[("darwin-version.json", json)]);
    host.generation(3, &build);
    host.current(3);
    let generation = &host.read().generations[0];
    assert_eq!(generation.version.as_deref(), Some("26.05.56c666e"));
    assert_eq!(generation.commit.as_ref().unwrap().0, "d0cafe1-dirty");
}

#[test]
fn home_manager_runs_what_its_last_activation_ended_with() {
    let host = Host::new("home-manager");
    let old = host.build("old", &[]);
    let new = host.build("new", &[("gen-version", "1\n"), ("hm-version", "25.11\n")]);
    host.generation(1, &old);
    host.generation(2, &new);
    host.current(2);
    let running = || host.read().running.unwrap();
    assert_eq!(Path::new(&running()), new);
    host.link("running", &old);
    assert_eq!(Path::new(&running()), old);
    // A generation without gen-version does not touch the link, so its profile decides.
    host.link("running", &new);
    host.current(1);
    assert_eq!(Path::new(&running()), old);
    assert_eq!(host.read().generations[0].version.as_deref(), Some("25.11"));
}

#[test]
fn a_host_with_nothing_is_still_read() {
    let facts = Host::new("nixos").read();
    assert!(facts.generations.is_empty() && facts.checkout.is_none());
    assert!(facts.problems[0].contains("has no generations"), "{:?}", facts.problems);
}

#[test]
fn the_fingerprint_follows_the_host() {
    let host = nixos();
    let reader = host.reader();
    let mut seen = vec![reader.fingerprint()];
    let mut changed = |what: &str| {
        let now = reader.fingerprint();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    host.current(47);
    changed("the profile");
    host.link("running", &host.at("store/old"));
    changed("what runs");
    fs::create_dir_all(host.at("tests")).unwrap();
    fs::write(host.at("tests/10"), "").unwrap();
    changed("a test");
    fs::create_dir_all(host.at("checkout/.git/refs/heads")).unwrap();
    fs::write(host.at("checkout/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    changed("a checkout");
    fs::write(host.at("checkout/.git/refs/heads/main"), "d0cafe1\n").unwrap();
    changed("its commit");
    fs::rename(host.at("store/new"), host.at("store/gone")).unwrap();
    changed("a build");
    assert_eq!(reader.fingerprint(), reader.fingerprint());
}

/// A run of tests that all failed, each with as much output as is kept.
fn failed_run(number: u32, tests: usize) -> TestRun {
    let mut run = sample::test_run(number, 0, tests);
    run.results.iter_mut().for_each(|result| result.tail = vec!["x".repeat(240); 12]);
    run
}

#[test]
fn the_oldest_test_runs_go_first_when_there_is_too_much() {
    let host = nixos();
    let mut facts = host.read();
    facts.test_runs = (0..20).rev().map(|number| failed_run(number, 40)).collect();
    fit::fit(&mut facts);
    assert!(serde_json::to_vec(&facts).unwrap().len() <= fit::FACTS_BYTES);
    let kept: Vec<_> = facts.test_runs.iter().map(|run| run.generation.number).collect();
    assert!(kept.len() > 1 && kept[0] == 19 && kept.is_sorted_by(|a, b| a > b), "{kept:?}");
    assert_eq!(facts.generations.len(), 2);
    let message = AgentMessage::Facts { facts: Box::new(facts) };
    assert_eq!(
        AgentMessage::decode(&message.encode().unwrap()).unwrap(),
        message,
        "the server accepts it unchanged"
    );
}

#[test]
fn what_passed_outlives_the_output_of_what_failed() {
    let host = nixos();
    let mut facts = host.read();
    facts.test_runs = [50, 49, 48].map(|number| failed_run(number, 100)).into();
    facts.test_runs.push(sample::test_run(47, 100, 100));
    fit::fit(&mut facts);
    assert!(serde_json::to_vec(&facts).unwrap().len() <= fit::FACTS_BYTES);
    let kept: Vec<_> =
        facts.test_runs.iter().map(|run| (run.generation.number, run.summary().passed)).collect();
    assert_eq!(kept, [(50, 0), (49, 0), (48, 0), (47, 100)]);
    assert_eq!(facts.test_runs[0].results[0].tail.len(), 12, "the newest keeps its output");
}

#[test]
fn a_revision_that_could_not_be_read_once_is_read_again() {
    let host = nixos();
    let program = host.at("store/new/sw/bin/nixos-version");
    // Without its interpreter it cannot be started, as on a disk that is not mounted yet.
    let good = fs::read_to_string(&program).unwrap();
    fs::write(&program, good.replace("/bin/sh", "/nowhere/sh")).unwrap();
    let reader = host.reader();
    assert_eq!(reader.read().generations[0].commit, None);
    fs::write(&program, good).unwrap();
    assert_eq!(reader.read().generations[0].commit.as_ref().unwrap().0, "d0cafe1");
}

#[test]
fn a_fault_in_one_part_leaves_the_others() {
    let mut facts = nixos().read();
    let before = facts.clone();
    part("The builds", &mut facts, |_| panic!("a fault"));
    assert_eq!(facts.generations, before.generations);
    assert!(facts.problems[0].contains("The builds could not be read"), "{:?}", facts.problems);
}

#[test]
fn a_lock_file_that_is_a_pipe_is_not_waited_for() {
    let host = nixos();
    fs::create_dir_all(host.at("checkout")).unwrap();
    let made = std::process::Command::new("git").args(["init", "--quiet"]).arg(host.at("checkout")).status();
    assert!(made.unwrap().success());
    let words = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@localhost",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "m",
    ];
    let made = std::process::Command::new("git").arg("-C").arg(host.at("checkout")).args(words).status();
    assert!(made.unwrap().success());
    let pipe = std::process::Command::new("mkfifo").arg(host.at("checkout/flake.lock")).status();
    assert!(pipe.unwrap().success());
    let facts = host.read();
    assert!(
        facts
            .no_checkout
            .unwrap()
            .why
            .unwrap()
            .contains("flake.lock could not be read: it is not a regular file")
    );
}
