use std::fs;

use super::*;

fn sh(script: &str) -> Invocation {
    Invocation::new(&["sh".to_owned(), "-c".to_owned()], [script])
}

fn run(invocation: &Invocation, bounds: &Bounds<'_>) -> (Ended, Vec<(Stream, String)>) {
    let mut lines = vec![];
    let ended =
        invocation.run(&std::env::temp_dir(), bounds, |stream, line| lines.push((stream, line.to_owned())));
    (ended, lines)
}

fn patient() -> Bounds<'static> {
    Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &|| false }
}

#[test]
fn every_line_arrives_in_order() {
    let (ended, lines) =
        run(&sh("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf last"), &patient());
    assert_eq!(ended, Ended::Exited(0));
    assert_eq!(lines.len(), 3001);
    assert!(lines[..3000].iter().enumerate().all(|(i, (_, text))| *text == format!("line {i}")));
    assert_eq!(lines[3000], (Stream::Stdout, "last".to_owned()));
}

#[test]
fn streams_are_told_apart_and_the_status_is_kept() {
    let (ended, mut lines) = run(&sh("echo out; echo err >&2; exit 4"), &patient());
    lines.sort_by_key(|(_, text)| text.clone());
    assert_eq!(lines, [(Stream::Stderr, "err".to_owned()), (Stream::Stdout, "out".to_owned())]);
    assert_eq!(ended, Ended::Exited(4));
}

#[test]
fn a_program_that_is_not_there() {
    let (ended, _) = run(&Invocation::new(&["no-such-program".to_owned()], ["x"]), &patient());
    let Ended::NotStarted(why) = ended else { panic!("{ended:?}") };
    assert!(why.contains("no-such-program"), "{why}");
}

#[test]
fn time_that_runs_out_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}; wait", pid.display());
    let started = || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'));
    let bounds = Bounds { deadline: Instant::now() + Duration::from_mins(1), cancelled: &started };
    assert_eq!(run(&sh(&script), &bounds).0, Ended::Cancelled);
    let grandchild: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert!(is_gone(grandchild), "the grandchild still runs");

    let at_once = Bounds { deadline: Instant::now(), cancelled: &|| false };
    assert_eq!(run(&sh("sleep 1000"), &at_once).0, Ended::TimedOut);
}

/// Gone, or dead and only not yet waited for by whoever inherited it.
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
fn the_join_token_is_nobodys_business() {
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
