use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::command::read;
use crate::describe::Description;
use crate::plan::HostPlan;
use crate::repository::{Pin, Pins, Upstream};
use crate::workshop;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn nixos(folder: &Path) -> Description {
    let generation = |minor: u32, commit: &str, age_days: u32| {
        json!({
            "label": format!("25.11.2026030{minor}.{}", &commit[..7]),
            "commit": commit,
            "kernel": if minor < 3 { "6.12.8" } else { "6.18.17" },
            "packages": { "firefox": format!("13{minor}.0"), "openssh": "9.9p2" },
            "age_minutes": age_days * 24 * 60,
        })
    };
    let mut broken = generation(4, "fedcba9876543210", 0);
    broken["activation"] = json!({ "exit": 4, "failed_units": ["display-manager.service", "gpu.service"] });
    broken["failing_tests"] = json!(["20-desktop: no display"]);
    let mut collected = generation(2, COMMIT, 33);
    collected["collected"] = json!(true);
    let mut loader = generation(5, "00ff00ff00ff00ff", 0);
    loader["activation"] = json!({ "exit": 1 });
    make(
        folder,
        json!({
            "name": "gpc0", "platform": "nixos", "first": 44, "booted": 44, "tests": ["10-network", "20-desktop"],
            "generations": [generation(1, COMMIT, 40), collected, generation(3, COMMIT, 2), broken, loader],
            "running": 46,
        }),
    )
}

fn home(folder: &Path) -> Description {
    let generation = |label: &str| json!({ "label": label, "packages": { "git": "2.51.2" } });
    make(
        folder,
        json!({
            "name": "alex@imac0", "platform": "home-manager", "first": 7,
            "generations": [generation("25.11"), generation("26.05-pre")],
        }),
    )
}

fn make(folder: &Path, plan: serde_json::Value) -> Description {
    let plan: HostPlan = serde_json::from_value(plan).unwrap();
    plan.make(folder).unwrap()
}

fn on(host: &Description, program: impl AsRef<Path>, words: &[&str]) -> Output {
    Command::new(program.as_ref()).args(words).envs(&host.environment).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn generation(host: &Description, number: u32) -> PathBuf {
    let name = host.profile.file_name().unwrap().to_str().unwrap();
    host.profile.with_file_name(format!("{name}-{number}-link"))
}

fn activations(host: &Description) -> usize {
    fs::read_to_string(&host.activations).map_or(0, |log| log.lines().count())
}

fn switch(host: &Description, number: u32, action: &str) -> Output {
    on(host, generation(host, number).join("bin/switch-to-configuration"), &[action])
}

#[test]
fn nix_itself_lists_the_generations() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let output = on(&host, "nix-env", &["--profile", host.profile.to_str().unwrap(), "--list-generations"]);
    let text = said(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].trim_start().starts_with("44 "), "{text}");
    assert!(lines[2].trim_start().starts_with("46 ") && lines[2].contains("(current)"), "{text}");
}

#[test]
fn ages_are_those_of_the_links() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let made = generation(&host, 44).symlink_metadata().unwrap().modified().unwrap();
    let age = SystemTime::now().duration_since(made).unwrap();
    let day = Duration::from_hours(24);
    assert!(age > day * 40 && age < day * 41, "{age:?}");
}

#[test]
fn the_collected_generation_keeps_a_dangling_link() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    assert!(generation(&host, 45).symlink_metadata().is_ok());
    assert!(!generation(&host, 45).exists());
    let refused = on(
        &host,
        "nix-store",
        &["--query", "--references", fs::read_link(generation(&host, 45)).unwrap().to_str().unwrap()],
    );
    assert!(!refused.status.success());
}

#[test]
fn the_revision_is_where_nixos_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let version = generation(&host, 46).join("sw/bin/nixos-version");
    assert_eq!(said(&on(&host, &version, &["--configuration-revision"])).trim(), COMMIT);
    let label = fs::read_to_string(generation(&host, 46).join("nixos-version")).unwrap();
    assert_eq!(label, "25.11.20260303.0123456");
    let mut kernels = fs::read_dir(generation(&host, 46).join("kernel-modules/lib/modules")).unwrap();
    assert_eq!(kernels.next().unwrap().unwrap().file_name(), "6.18.17");
}

#[test]
fn kernels_differ_exactly_where_versions_do() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let kernel = |path: PathBuf| fs::canonicalize(path.join("kernel")).unwrap();
    assert_ne!(kernel(host.booted.clone()), kernel(generation(&host, 46)));
    assert_eq!(kernel(generation(&host, 46)), kernel(generation(&host, 47)));
}

#[test]
fn a_switch_makes_its_build_run() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let booted = fs::read_link(&host.booted).unwrap();
    for action in ["check", "dry-activate", "boot"] {
        assert!(switch(&host, 44, action).status.success());
        assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 46)).unwrap());
    }
    let before = activations(&host);
    let output = switch(&host, 44, "switch");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("activating the configuration..."));
    assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 44)).unwrap());
    assert_eq!(fs::read_link(&host.booted).unwrap(), booted);
    assert_eq!(activations(&host), before + 1);
    assert_eq!(switch(&host, 44, "frobnicate").status.code(), Some(1));
}

#[test]
fn failures_leave_what_nixos_would_leave() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let loader = switch(&host, 48, "switch");
    assert_eq!(loader.status.code(), Some(1));
    assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 46)).unwrap());
    let units = switch(&host, 47, "switch");
    assert_eq!(units.status.code(), Some(4));
    assert!(
        said(&units).contains("warning: the following units failed: display-manager.service, gpu.service")
    );
    assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 47)).unwrap());
    let listed = said(&on(&host, host.folder.join("bin/systemctl"), &["list-units", "--state=failed"]));
    assert_eq!(listed, "display-manager.service loaded failed failed\ngpu.service loaded failed failed\n");
}

#[test]
fn one_switch_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let lock = host.folder.join("run/nixos/switch-to-configuration.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let held = fs::File::options().create(true).append(true).open(lock).unwrap();
    held.lock().unwrap();
    for action in ["check", "switch"] {
        let refused = switch(&host, 44, action);
        assert_eq!(refused.status.code(), Some(11));
        assert_eq!(said(&refused), "Could not acquire lock\n");
    }
    drop(held);
    assert!(switch(&host, 44, "switch").status.success());
}

#[test]
fn a_switch_whose_activation_fails_ends_with_its_status_and_names_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::create(&folder.path().join("upstream")).unwrap();
    let new = upstream.commit("Start", &pins("aaaa"), Duration::from_hours(72)).unwrap();
    let build = json!({
        "label": "25.11", "commit": new, "kernel": "6.18.17", "activation": { "exit": 4, "failed_units": ["gpu.service"] },
    });
    let host = make(
        &folder.path().join("host"),
        json!({
            "name": "gpc0", "platform": "nixos", "generations": [{ "label": "a", "kernel": "6.18.17" }],
            "ready": [build], "checkout": { "upstream": upstream.url(), "commit": new },
        }),
    );
    let failed = on(&host, host.folder.join("bin/nixos-rebuild"), &["switch", "--flake", "."]);
    assert_eq!(failed.status.code(), Some(4), "{}", said(&failed));
    let said = said(&failed);
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("Command 'systemd-run ") && last.ends_with("returned non-zero exit status 4."),
        "{said}"
    );
    assert!(said.contains("the following units failed: gpu.service"), "{said}");
    assert_eq!(
        on(&host, host.folder.join("bin/nixos-rebuild"), &["switch", "--rollback"]).status.code(),
        Some(1)
    );
}

#[test]
fn tests_follow_the_running_build() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    assert!(on(&host, host.tests.join("20-desktop"), &[]).status.success());
    switch(&host, 47, "switch");
    let failed = on(&host, host.tests.join("20-desktop"), &[]);
    assert!(!failed.status.success());
    assert_eq!(said(&failed), "20-desktop: no display\n");
    assert!(on(&host, host.tests.join("10-network"), &[]).status.success());
}

#[test]
fn each_generation_runs_while_the_host_lives_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "name": "hsb0", "platform": "nixos", "first": 20, "running": 20, "tests": ["sshd"],
        "generations": [{ "label": "a", "kernel": "6" }, { "label": "b", "kernel": "6", "failing_tests": ["sshd"] }],
    });
    let plan: HostPlan = serde_json::from_value(plan).unwrap();
    let mut seen = Vec::new();
    let host = plan
        .live_through(folder.path(), |host, number| {
            let same = fs::read_link(&host.running)? == fs::read_link(generation(host, number))?;
            seen.push((number, same, on(host, host.tests.join("sshd"), &[]).status.success()));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [(20, true, true), (21, true, false)]);
    assert!(fs::read_link(&host.profile).unwrap().ends_with("system-20-link"));
    assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 20)).unwrap());
}

#[test]
fn closures_differ_by_their_packages() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let ends = [generation(&host, 44), generation(&host, 46)];
    let mut words = vec!["--extra-experimental-features", "nix-command", "store", "diff-closures"];
    words.extend(ends.iter().map(|end| end.to_str().unwrap()));
    let text = said(&on(&host, "nix", &words));
    assert!(text.contains("firefox: 131.0 → 133.0"), "{text}");
    assert!(!text.contains("openssh"), "{text}");
}

#[test]
fn collecting_garbage_keeps_what_generations_need() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let output = on(&host, "nix-store", &["--gc"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(switch(&host, 44, "switch").status.success());
    assert!(
        generation(&host, 44).join("kernel").exists()
            && generation(&host, 44).join("sw/bin/firefox").exists()
    );
}

#[test]
fn home_manager_activates_with_and_without_a_driver() {
    let folder = tempfile::tempdir().unwrap();
    let host = home(folder.path());
    let current = || fs::read_link(&host.profile).unwrap().to_str().unwrap().to_owned();
    assert!(
        generation(&host, 7).join("gen-version").exists() && generation(&host, 7).join("home-path").exists()
    );
    let driven = on(&host, generation(&host, 7).join("activate"), &["--driver-version", "1"]);
    assert!(driven.status.success(), "{}", said(&driven));
    assert_eq!(fs::read_link(&host.running).unwrap(), fs::read_link(generation(&host, 7)).unwrap());
    assert!(current().ends_with("home-manager-8-link"));
    let alone = on(&host, generation(&host, 7).join("activate"), &[]);
    assert!(alone.status.success(), "{}", said(&alone));
    assert!(current().ends_with("home-manager-9-link"), "{}", current());
    assert_eq!(activations(&host), 2);
}

#[test]
fn switching_takes_the_build_of_the_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::create(&folder.path().join("upstream")).unwrap();
    let old = upstream.commit("Start", &pins("aaaa"), Duration::from_hours(72)).unwrap();
    let new = upstream.commit("Update flake.lock", &pins("bbbb"), Duration::from_hours(24)).unwrap();
    let build = |commit: &str| json!({ "label": format!("25.11.{}", &commit[..7]), "commit": commit, "kernel": "6.18.17" });
    let host = make(
        &folder.path().join("host"),
        json!({
            "name": "hsb0", "platform": "nixos", "generations": [build(&old)], "ready": [build(&new)],
            "checkout": { "upstream": upstream.url(), "commit": old },
        }),
    );
    let checkout = host.checkout.to_str().unwrap();
    let pulled = on(&host, "git", &["-C", checkout, "pull", "--quiet", "--ff-only"]);
    assert!(pulled.status.success(), "{}", said(&pulled));
    let switched = on(&host, host.folder.join("bin/nixos-rebuild"), &["switch", "--flake", checkout]);
    assert!(switched.status.success(), "{}", said(&switched));
    let running = host.running.join("sw/bin/nixos-version");
    assert_eq!(said(&on(&host, running, &["--configuration-revision"])).trim(), new);
    assert!(fs::read_link(&host.profile).unwrap().ends_with("system-2-link"));
}

fn pins(nixpkgs: &'static str) -> Pins {
    let pin = |revision| Pin { revision, age_minutes: 60 };
    Pins { nixpkgs: pin(nixpkgs), home_manager: pin("cccc") }
}

fn pull(host: &Description) {
    let checkout = host.checkout.to_str().unwrap();
    let pulled = on(host, "git", &["-C", checkout, "pull", "--quiet", "--ff-only"]);
    assert!(pulled.status.success(), "{}", said(&pulled));
}

#[test]
fn what_is_built_follows_from_what_is_checked_out() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::create(&folder.path().join("upstream")).unwrap();
    let start = upstream.commit("Start", &pins("aaaa"), Duration::from_hours(72)).unwrap();
    for platform in ["nixos", "home-manager"] {
        let host = make(
            &folder.path().join(platform),
            json!({
                "name": "hsb0", "platform": platform, "tests": ["gpu"],
                "generations": [{ "label": "a", "commit": start, "kernel": "6" }],
                "pins": {
                    "aaaa": { "label": "a", "kernel": "6" },
                    "bbbb": { "label": "b", "kernel": "6", "failing_tests": ["gpu: no device"] },
                },
                "checkout": { "upstream": upstream.url(), "commit": start },
            }),
        );
        let same = workshop::build(&host.folder).unwrap();
        assert_eq!(same, fs::read_link(&host.running).unwrap(), "the same inputs make the same build");

        let update = upstream.commit("Update flake.lock", &pins("bbbb"), Duration::ZERO).unwrap();
        pull(&host);
        let broken = workshop::build(&host.folder).unwrap();
        assert_eq!(revision(&host, &broken), update);
        assert_eq!(fs::read_to_string(broken.join("failing-tests")).unwrap(), "gpu: no device\n");
        let references =
            said(&on(&host, "nix-store", &["--query", "--references", broken.to_str().unwrap()]));
        assert!(references.lines().count() > 1, "{references}");

        let revert = upstream.commit("Revert", &pins("aaaa"), Duration::ZERO).unwrap();
        pull(&host);
        let good = workshop::build(&host.folder).unwrap();
        assert_ne!(good, same, "another commit makes another build");
        assert_eq!(revision(&host, &good), revert);
        assert_eq!(fs::read_to_string(good.join("failing-tests")).unwrap(), "");

        upstream.commit("Update flake.lock", &pins("dddd"), Duration::ZERO).unwrap();
        pull(&host);
        let error = workshop::build(&host.folder).unwrap_err().to_string();
        assert_eq!(error, "nixpkgs dddd does not build on hsb0");
        upstream.commit("Start", &pins("aaaa"), Duration::ZERO).unwrap();
    }
}

/// The commit that a build was made from, as it tells it itself.
fn revision(host: &Description, build: &Path) -> String {
    let program = build.join("sw/bin/nixos-version");
    let text = if program.exists() {
        said(&on(host, program, &["--configuration-revision"]))
    } else {
        fs::read_to_string(build.join("configuration-revision")).unwrap()
    };
    text.trim().to_owned()
}

#[test]
fn a_held_switch_stands_still_until_it_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let host = nixos(folder.path());
    let hold = host.folder.join("hold");
    fs::write(&hold, "").unwrap();
    let program = generation(&host, 44).join("bin/switch-to-configuration");
    let mut command = Command::new(program);
    let mut child = command.arg("switch").envs(&host.environment).stderr(Stdio::null()).spawn().unwrap();
    let holding = host.folder.join("holding");
    while !holding.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it went on");
        thread::yield_now();
    }
    assert_eq!(activations(&host), 0);
    fs::remove_file(&hold).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(activations(&host), 1);
}

#[test]
fn nothing_of_the_systems_nix_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let host = home(folder.path());
    let mut nix = Command::new("nix-store");
    let text = read(
        nix.args(["--query", "--roots"]).arg(fs::read_link(&host.running).unwrap()).envs(&host.environment),
    )
    .unwrap();
    let inside: BTreeMap<bool, Vec<&str>> = text.lines().fold(BTreeMap::new(), |mut map, line| {
        map.entry(line.starts_with(folder.path().canonicalize().unwrap().to_str().unwrap()))
            .or_default()
            .push(line);
        map
    });
    assert!(inside.contains_key(&true), "{text}");
}
