use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use backstay_model::wire::limits::TEST_TAIL_LINES;
use backstay_model::{GenerationRef, Stream, SystemClock, TestRun, sample};
use chrono::TimeDelta;

use super::*;
use crate::command::{Bounds, CommandStatus};
use crate::config::{Config, ProbeConfig};

#[derive(Default)]
struct Seen(Vec<String>, Vec<(usize, usize)>);

impl Watcher for Seen {
    fn line(&mut self, _stream: Stream, text: &str) {
        self.0.push(text.to_owned());
    }

    fn ended(&mut self, done: usize, total: usize) {
        self.1.push((done, total));
    }
}

fn folder(scripts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in scripts {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// A configuration without basic tests.
fn config(folder: &Path) -> Config {
    let text = format!("server = \"https://a\"\n[tests]\ndir = {folder:?}\nbasic = false\n");
    toml::from_str(&text).unwrap()
}

fn run_in(folder: &Path, cancelled: &dyn Fn() -> bool) -> (Result<TestRun, Stopped>, Seen) {
    let mut seen = Seen::default();
    let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(5), cancelled };
    let conditions = Conditions {
        generation: &GenerationRef { number: 48, store_path: "/nix/store/x".into() },
        timeout: Duration::from_secs(20),
        scratch: &std::env::temp_dir(),
        bounds: &bounds,
        clock: &SystemClock,
    };
    (run(&list(&config(folder)).unwrap(), &conditions, &mut seen), seen)
}

#[test]
fn executables_are_tests_in_the_order_of_their_names() {
    let folder = folder(&[("20-b", "exit 0"), ("10-a", "exit 0"), (".hidden", "exit 0")]);
    fs::write(folder.path().join("README"), "").unwrap();
    fs::create_dir(folder.path().join("dir")).unwrap();
    let names: Vec<_> = list(&config(folder.path())).unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["10-a", "20-b"]);
    assert!(list(&config(Path::new("/nowhere/at/all"))).unwrap().is_empty());
}

#[test]
fn of_two_tests_with_one_name_the_nearer_to_the_person_counts() {
    let folder = folder(&[("dns", "exit 0")]);
    let mut config = config(folder.path());
    config.tests.basic = true;
    let command = |words: &[&str]| ProbeConfig {
        command: Some(words.iter().map(|&word| word.to_owned()).collect()),
        ..ProbeConfig::default()
    };
    config.tests.probes.insert("dns".into(), command(&["true"]));
    config.tests.probes.insert("space".into(), command(&["df", "/"]));
    let tests = list(&config).unwrap();
    let argv = |name: &str| tests.iter().find(|test| test.name == name).unwrap().argv.clone();
    assert_eq!(argv("dns"), [folder.path().join("dns").display().to_string()]);
    assert_eq!(argv("space"), ["df", "/"]);
    assert_eq!(argv("server")[1..], ["probe", r#"{"tcp":"a:443"}"#]);
}

#[test]
fn each_test_is_judged_and_the_run_is_kept() {
    let folder = folder(&[
        ("1", "test \"$BACKSTAY_GENERATION $BACKSTAY_STORE_PATH\" = '48 /nix/store/x'"),
        ("2", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i; done; exit 3"),
    ]);
    let (run, seen) = run_in(folder.path(), &|| false);
    let run = run.unwrap();
    assert_eq!(run.results.iter().map(|r| r.passed).collect::<Vec<_>>(), [true, false]);
    assert_eq!(run.results[1].tail.len(), TEST_TAIL_LINES);
    assert_eq!(run.results[1].tail.last().unwrap(), "line 13");
    assert_eq!(seen.1, [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(describe(&run), "1 of 2 tests passed on Gen 48. Failed: 2.");

    let state = tempfile::tempdir().unwrap();
    record(state.path(), &run).unwrap();
    fs::write(runs_folder(state.path()).join("7.json"), "{").unwrap();
    let mut problems = vec![];
    assert_eq!(runs(state.path(), &mut problems), [run]);
    assert!(problems[0].contains("7.json"), "{problems:?}");
}

#[test]
fn a_cancelled_run_says_how_far_it_was() {
    let folder = folder(&[("1", "exit 0"), ("2", "sleep 1000")]);
    let mark = folder.path().join("mark");
    fs::write(folder.path().join("2"), format!("#!/bin/sh\n: >{}\nsleep 1000\n", mark.display())).unwrap();
    let (run, _) = run_in(folder.path(), &|| mark.exists());
    assert_eq!(run.unwrap_err(), Stopped { by: CommandStatus::Cancelled, done: 1 });
}

#[test]
fn old_results_go_unless_their_generation_is_in_the_profile() {
    let state = tempfile::tempdir().unwrap();
    let now = sample::now();
    let run = |number: u32| {
        let ended = now - TimeDelta::days(300 - i64::from(number));
        sample::run_on(&sample::generation(number, 0), ended, &[("dns", true)])
    };
    // Results on Gen 209 and before are older than 90 days; the newest hundred begin with Gen 121.
    for number in 1..=220 {
        record(state.path(), &run(number)).unwrap();
    }
    fs::write(runs_folder(state.path()).join("7.json"), "{").unwrap();
    let left = || runs(state.path(), &mut vec![]).iter().map(|run| run.generation.number).collect::<Vec<_>>();
    assert_eq!(delete_old(state.path(), &[], now, 90).unwrap(), 0, "the profile could not be read");
    assert_eq!(delete_old(state.path(), &[sample::generation(5, 0)], now, 290).unwrap(), 7);
    assert_eq!(delete_old(state.path(), &[sample::generation(5, 0)], now, 90).unwrap(), 111);
    assert_eq!(left(), (121..=220).rev().chain([5]).collect::<Vec<_>>());
    assert!(runs_folder(state.path()).join("7.json").exists(), "a damaged file is for a person to look at");
}
