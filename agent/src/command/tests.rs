use std::fs;

use super::*;

fn sh(script: &str) -> Invocation {
    Invocation::new(&["sh".to_owned(), "-c".to_owned()], [script])
}

fn run(invocation: &Invocation, bounds: &Bounds<'_>) -> (CommandStatus, Vec<(Stream, String)>) {
    let mut lines = vec![];
    let status =
        invocation.run(&std::env::temp_dir(), bounds, |stream, line| lines.push((stream, line.to_owned())));
    (status, lines)
}

fn patient() -> Bounds<'static> {
    Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &|| false }
}

#[test]
fn every_line_arrives_in_order() {
    let (status, lines) =
        run(&sh("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf last"), &patient());
    assert_eq!(status, CommandStatus::Exited(0));
    assert_eq!(lines.len(), 3001);
    assert!(lines[..3000].iter().enumerate().all(|(i, (_, text))| *text == format!("line {i}")));
    assert_eq!(lines[3000], (Stream::Stdout, "last".to_owned()));
}

#[test]
fn streams_are_separate_and_the_status_is_kept() {
    let (status, mut lines) = run(&sh("echo out; echo err >&2; exit 4"), &patient());
    lines.sort_by_key(|(_, text)| text.clone());
    assert_eq!(lines, [(Stream::Stderr, "err".to_owned()), (Stream::Stdout, "out".to_owned())]);
    assert_eq!(status, CommandStatus::Exited(4));
}

#[test]
fn a_missing_program_is_named() {
    let (status, _) = run(&Invocation::new(&["no-such-program".to_owned()], ["x"]), &patient());
    let CommandStatus::NotStarted(why) = status else { panic!("{status:?}") };
    assert!(why.contains("no-such-program"), "{why}");
}

#[test]
fn a_cancel_and_a_timeout_end_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}; wait", pid.display());
    let started = || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'));
    let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &started };
    assert_eq!(run(&sh(&script), &bounds).0, CommandStatus::Cancelled);
    let grandchild: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert!(is_gone(grandchild), "the grandchild still runs");

    let at_once = Bounds { deadline: Instant::now(), cancelled: &|| false };
    assert_eq!(run(&sh("sleep 1000"), &at_once).0, CommandStatus::TimedOut);
}

/// Gone, or a zombie that its new parent has not reaped yet.
fn is_gone(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn reading_is_bounded_and_says_why_it_failed() {
    assert_eq!(read(&sh("echo a; echo b"), Duration::from_mins(1)).unwrap(), "a\nb\n");
    assert_eq!(read(&sh("echo oops >&2; exit 1"), Duration::from_mins(1)).unwrap_err(), "oops");
    assert!(read(&sh("sleep 1000"), Duration::from_millis(1)).unwrap_err().contains("longer"));
}

#[test]
fn the_join_token_is_not_passed_on() {
    assert_eq!(sh("x").with("A", "1").variables, [("A", "1".to_owned())]);
    let text = read(&sh("env"), Duration::from_mins(1)).unwrap();
    assert!(!text.contains(JOIN_TOKEN_VARIABLE));
}

#[test]
fn sudo_comes_first() {
    let sudo = ["sudo".to_owned(), "-n".to_owned()];
    let plain = Invocation::new(&["nix-env".to_owned()], ["--version"]);
    assert_eq!(plain.clone().through(None), plain);
    assert_eq!(plain.through(Some(&sudo)).shown(), "sudo -n nix-env --version");
}

const DELICATE: Care<'static> =
    Care { is_delicate: &|| true, patience: Duration::from_mins(1), started: &|_| {} };

#[test]
fn a_cancel_waits_for_what_is_better_not_stopped_half_way() {
    let mut lines = vec![];
    let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &|| true };
    let status = sh("trap 'echo stopped' TERM; sleep 0.3; echo done").run_with_care(
        &std::env::temp_dir(),
        &bounds,
        &DELICATE,
        |_, line| lines.push(line.to_owned()),
    );
    assert_eq!(status, CommandStatus::Exited(0));
    assert!(lines[0].contains("not stopped half-way"), "{lines:?}");
    assert_eq!(lines[1..], ["done"]);
}

#[test]
fn a_cancel_does_not_wait_for_ever() {
    let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &|| true };
    let care = Care { patience: Duration::from_millis(50), ..DELICATE };
    let status = sh("sleep 1000").run_with_care(&std::env::temp_dir(), &bounds, &care, |_, _| {});
    assert_eq!(status, CommandStatus::Cancelled);
}

#[test]
fn a_timeout_does_not_wait() {
    let bounds = Bounds { deadline: Instant::now(), cancelled: &|| false };
    let status = sh("sleep 1000").run_with_care(&std::env::temp_dir(), &bounds, &DELICATE, |_, _| {});
    assert_eq!(status, CommandStatus::TimedOut);
}

/// A program whose activation continues elsewhere while a file exists, according to this `systemctl`. Units
/// that it should stop count as stopped immediately.
fn activating_elsewhere(folder: &std::path::Path, script: &str) -> Invocation {
    let unit = folder.join("unit");
    fs::write(&unit, "rebuild-switch.service loaded active running x\n").unwrap();
    let systemctl = format!(
        "case $1 in list-units) cat '{0}' 2>&-; : ;; stop) rm '{0}'; : >'{1}' ;; esac",
        unit.display(),
        folder.join("stopped").display()
    );
    let argv = ["sh".to_owned(), "-c".to_owned(), systemctl, "systemctl".to_owned()];
    sh(script).on_behalf(Services::named("rebuild-switch", &argv, None))
}

#[test]
fn what_systemd_runs_for_a_program_that_failed_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("unit");
    // Ends on its own a moment after the program.
    let script = format!("(sleep 0.5; rm '{}') >/dev/null 2>&1 & exit 1", unit.display());
    let (status, lines) = run(&activating_elsewhere(folder.path(), &script), &patient());
    assert_eq!(status, CommandStatus::Exited(1));
    assert!(!unit.exists(), "the program did not wait for it");
    assert!(!folder.path().join("stopped").exists());
    assert!(lines.iter().any(|(_, line)| line.contains("systemd is still running rebuild-switch.service")));
}

#[test]
fn a_timeout_stops_what_systemd_runs() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { deadline: Instant::now(), cancelled: &|| false };
    let (status, _) = run(&activating_elsewhere(folder.path(), "sleep 1000"), &bounds);
    assert_eq!(status, CommandStatus::TimedOut);
    assert!(folder.path().join("stopped").exists());
}

#[test]
fn a_program_that_cannot_be_stopped_ends_on_its_own() {
    // A process that this user may not signal. There is none for root, so the kernel is not involved.
    let mut running = sh("sleep 0.3; exit 3").start(&std::env::temp_dir()).unwrap();
    let mut lines = vec![];
    let status = running.own_end("sudo refused", &mut |_, line: &str| lines.push(line.to_owned()));
    assert_eq!(status, CommandStatus::Exited(3));
    assert_eq!(lines, ["It could not be stopped: sudo refused. Waiting for it to end on its own."]);
}

#[test]
fn lines_of_both_streams_arrive_in_the_order_of_writing() {
    // In the order of switch-to-configuration and the activation that it starts.
    let script = "echo 'activating the configuration...' >&2; sleep 0.05; echo 'setting up /etc...'";
    let mut running = sh(script).start(&std::env::temp_dir()).unwrap();
    let mut lines = vec![];
    // Both lines exist at the first read.
    running.wait();
    running.run_to_completion(&patient(), &Care::NONE, &mut |_, line: &str| lines.push(line.to_owned()));
    assert_eq!(lines, ["activating the configuration...", "setting up /etc..."]);
}
