use std::io::Write as _;
use std::sync::Arc;

use backstay_model::{Clock as _, FixedClock, OpAction, Outcome, Phase, Stream, SystemClock, sample};
use chrono::TimeDelta;

use super::*;

fn op_file() -> OpFile {
    OpFile {
        op: OpId::new(),
        action: OpAction::Refresh,
        timeout_secs: 60,
        test_timeout_secs: None,
        accepted_at: SystemClock.now(),
        config: serde_json::json!({ "server": "http://localhost", "key_of_a_later_version": 1 }),
    }
}

fn result() -> OpResult {
    sample::op_result(Outcome::Completed, "Done.", SystemClock.now())
}

fn journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    (folder, journal)
}

#[test]
fn an_op_is_found_until_it_is_forgotten_and_remembered_after() {
    let (folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let again = Journal::open(folder.path()).unwrap();
    assert_eq!(again.entries().unwrap()[0].op(), entry.op());
    assert!(matches!(again.find(entry.op()).unwrap(), OpRecord::Open(_)));
    entry.end(&result()).unwrap();
    again.forget(&entry).unwrap();
    assert!(again.entries().unwrap().is_empty());
    assert!(matches!(again.find(entry.op()).unwrap(), OpRecord::Done(_)));
    assert!(matches!(again.find(OpId::new()).unwrap(), OpRecord::Never));
}

#[test]
fn status_of_an_op() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let status = || entry.status().unwrap();
    assert_eq!(status(), EntryStatus::NotBegun);
    let lock = entry.lock().unwrap().unwrap();
    assert_eq!(status(), EntryStatus::Running);
    entry.begin().unwrap();
    assert_eq!(status(), EntryStatus::Running);
    drop(lock);
    assert_eq!(status(), EntryStatus::Died);
    fs::write(entry.folder().join("result.json"), "{\"outc").unwrap();
    assert_eq!(status(), EntryStatus::Died);
    let result = result();
    entry.end(&result).unwrap();
    assert_eq!(status(), EntryStatus::Ended(Box::new(result)));
}

/// Like a command that sudo started: it closes inherited files and so does not hold the op's lock.
#[test]
fn a_command_that_outlives_its_runner_without_the_lock_is_seen() {
    use std::os::unix::process::CommandExt as _;
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    entry.begin().unwrap();
    let mut command = std::process::Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
    entry.note_command(command.id().try_into().unwrap());
    assert_eq!(entry.status().unwrap(), EntryStatus::Orphaned);
    let noted = fs::read_to_string(entry.folder().join("command")).unwrap();
    fs::write(entry.folder().join("command"), format!("{} another-boot", command.id())).unwrap();
    assert_eq!(entry.status().unwrap(), EntryStatus::Died, "the ID is from before a reboot");
    fs::write(entry.folder().join("command"), noted).unwrap();
    command.kill().unwrap();
    command.wait().unwrap();
    assert_eq!(entry.status().unwrap(), EntryStatus::Died);
}

#[test]
fn an_op_that_waited_too_long_is_overdue() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let clock = FixedClock::at(entry.file().accepted_at);
    clock.advance(TimeDelta::seconds(60));
    assert!(!entry.is_overdue(clock.now()));
    clock.advance(TimeDelta::seconds(1));
    assert!(entry.is_overdue(clock.now()));
    let mut endless = op_file();
    endless.timeout_secs = u64::MAX;
    assert!(!journal.add(endless, false).unwrap().is_overdue(clock.now()));
}

#[test]
fn what_is_damaged_is_moved_aside_and_blocks_nothing() {
    let (folder, journal) = journal();
    let good = journal.add(op_file(), false).unwrap();
    let torn = journal.add(op_file(), false).unwrap();
    fs::write(torn.folder().join("op.json"), "{\"op\":\"019b").unwrap();
    let empty = folder.path().join("journal").join(OpId::new().to_string());
    fs::create_dir(&empty).unwrap();
    let swapped = journal.add(op_file(), false).unwrap();
    fs::copy(good.folder().join("op.json"), swapped.folder().join("op.json")).unwrap();
    let left: Vec<_> = journal.entries().unwrap().iter().map(Entry::op).collect();
    assert_eq!(left, [good.op()]);
    assert_eq!(storage::names_in(&journal.damaged()).unwrap().len(), 3);
    assert!(matches!(journal.find(torn.op()).unwrap(), OpRecord::Damaged));
}

/// A folder in place of the file stands for any error that says nothing about the content: EISDIR, EMFILE,
/// EIO.
#[test]
fn an_op_that_cannot_be_read_for_a_moment_stays_in_the_journal() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let (file, away) = (entry.folder().join("op.json"), entry.folder().join("away"));
    fs::rename(&file, &away).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(journal.entries().is_err(), "an op that is left out would count as one that never arrived");
    assert!(journal.find(entry.op()).is_err());
    assert!(storage::names_in(&journal.damaged()).unwrap().is_empty());
    fs::remove_dir(&file).unwrap();
    fs::rename(&away, &file).unwrap();
    assert!(matches!(journal.find(entry.op()).unwrap(), OpRecord::Open(_)));
}

#[test]
fn an_op_whose_remembered_result_is_damaged_may_have_run() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    entry.end(&result()).unwrap();
    journal.forget(&entry).unwrap();
    fs::write(journal.done().join(format!("{}.json", entry.op())), "{\"outc").unwrap();
    assert!(matches!(journal.find(entry.op()).unwrap(), OpRecord::Damaged));
}

#[test]
fn ops_are_forgotten_in_the_order_in_which_they_ended() {
    let (_folder, journal) = journal();
    let ended = |op: OpId, minutes_ago: u64| {
        let entry = journal.add(OpFile { op, ..op_file() }, false).unwrap();
        entry.end(&result()).unwrap();
        journal.forget(&entry).unwrap();
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(60 * minutes_ago);
        let done = fs::File::options().append(true).open(journal.done().join(format!("{op}.json"))).unwrap();
        done.set_modified(at).unwrap();
    };
    let ahead: OpId = "0fffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap();
    ended(ahead, 600);
    for minutes_ago in (0..REMEMBERED as u64 - 1).rev() {
        ended(OpId::new(), 1 + minutes_ago);
    }
    let newest = OpId::new();
    ended(newest, 0);
    assert!(matches!(journal.find(ahead).unwrap(), OpRecord::Never), "it ended first");
    assert!(matches!(journal.find(newest).unwrap(), OpRecord::Done(_)));
}

#[test]
fn a_runner_that_may_not_be_signalled_is_at_work() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let _lock = entry.lock().unwrap().unwrap();
    // This process exists.
    entry.begin().unwrap();
    assert_eq!(entry.status().unwrap(), EntryStatus::Running);
    fs::write(entry.folder().join("begun"), "4194303").unwrap();
    assert_eq!(entry.status().unwrap(), EntryStatus::Orphaned, "no process has this ID");
}

#[test]
fn what_a_crash_left_half_written_is_removed() {
    let (folder, journal) = journal();
    fs::create_dir(folder.path().join("journal/.new-x")).unwrap();
    fs::create_dir(folder.path().join("journal/.done-x")).unwrap();
    Journal::open(folder.path()).unwrap();
    assert!(journal.entries().unwrap().is_empty());
    assert_eq!(storage::names_in(&folder.path().join("journal")).unwrap().len(), 2);
}

#[test]
fn the_latest_ended_ops_are_remembered() {
    let (_folder, journal) = journal();
    let mut ops = vec![];
    for _ in 0..REMEMBERED + 2 {
        let entry = journal.add(op_file(), false).unwrap();
        entry.end(&result()).unwrap();
        journal.forget(&entry).unwrap();
        ops.push(entry.op());
    }
    assert!(matches!(journal.find(ops[1]).unwrap(), OpRecord::Never));
    assert!(matches!(journal.find(ops[2]).unwrap(), OpRecord::Done(_)));
}

#[test]
fn output_is_followed_while_it_is_written() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let mut tail = Tail::from(entry.output());
    assert_eq!(tail.next_batch().unwrap(), tail::Batch::default());
    let mut recorder = Recorder::create(&entry.output(), Arc::new(SystemClock)).unwrap();
    recorder.phase(Phase::Checking);
    for i in 1..=450 {
        recorder.line(Stream::Stdout, &format!("line {i}"));
    }
    recorder.phase(Phase::Activating);
    let batches: Vec<_> = (0..4).map(|_| tail.next_batch().unwrap()).collect();
    assert_eq!(batches.iter().map(|b| b.lines.len()).collect::<Vec<_>>(), [200, 200, 50, 0]);
    assert_eq!((batches[0].phase, batches[2].phase), (Some(Phase::Checking), Some(Phase::Activating)));
    assert_eq!((batches[2].lines[49].seq, batches[2].lines[49].text.as_str()), (450, "line 450"));
}

#[test]
fn a_torn_last_line_waits_and_a_damaged_one_keeps_its_place() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let mut file = fs::File::create(entry.output()).unwrap();
    let line = br#"{"stream":"stdout","at":"2025-12-28T14:40:00Z","text":"whole"}"#;
    file.write_all(b"\0garbage\n").unwrap();
    file.write_all(line).unwrap();
    let mut tail = Tail::from(entry.output());
    let first = tail.next_batch().unwrap();
    assert_eq!((first.lines.len(), first.lines[0].seq), (1, 1));
    assert!(first.lines[0].text.contains("damaged"));
    file.write_all(b"\n").unwrap();
    let second = tail.next_batch().unwrap();
    assert_eq!((second.lines[0].seq, second.lines[0].text.as_str()), (2, "whole"));
}

/// A check while a runner is just beginning must not conclude that it died: the op would be reported as
/// failed and go on.
#[test]
fn a_runner_that_begins_during_a_check_has_not_died() {
    let (_folder, journal) = journal();
    let entry = journal.add(op_file(), false).unwrap();
    let mut runner = None;
    let seen = entry.status_with(|| {
        runner = entry.lock().unwrap();
        entry.begin().unwrap();
    });
    assert_eq!(seen.unwrap(), EntryStatus::Running);
    drop(runner);
    assert_eq!(entry.status().unwrap(), EntryStatus::Died);
}
