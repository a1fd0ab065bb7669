//! A disk that is full or takes no writes: what the agent reports, what goes on, and how it recovers.

use std::fs;
use std::path::Path;

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, OpId, Outcome};

use crate::host::{ACTIVATE, HOLD, Host};
use crate::process;
use crate::server::{Connection, Heard, Server};
use crate::small_disk::SmallDisk;
use crate::wait::until;

/// Lines that the activation writes after its pause.
const DURING: u64 = 12_000;
/// Their size in bytes.
const DURING_BYTES: u64 = DURING * 13;
/// Like [`HOLD`], for a second time.
const HOLD_AGAIN: &str =
    ": >\"$host/holding-again\"\nwhile [ -e \"$host/hold-again\" ]; do sleep 0.02; done\n";

/// A host on Gen 2, whose Gen 1 pauses in the middle of its activation, then writes much, and may pause
/// again.
fn host() -> Host {
    let host = Host::nixos();
    let much = format!("seq -f 'during %05g' 1 {DURING}");
    let switch = format!("seq -f 'before %g' 100\n{HOLD}{much}\n{HOLD_AGAIN}{ACTIVATE}echo after\n");
    host.set(&host.build("one", &switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    host
}

/// Requests the rollback, and waits until it pauses.
async fn begin(host: &Host, connection: &mut Connection) -> OpId {
    host.hold();
    let op = connection.run(host.rollback(2, 1)).await;
    until("the activation", || host.is_holding()).await;
    op
}

/// The number of lines reported missing, in the output and in the message of the result.
fn missing(heard: &Heard) -> u64 {
    let count = |text: &str| {
        let words: Vec<_> = text.split_once(" of output ")?.0.rsplit(' ').collect();
        words.get(1)?.parse::<u64>().ok()
    };
    let in_output = heard.lines.iter().filter(|line| line.text.starts_with('…'));
    let told = in_output.map(|line| line.text.as_str()).chain([heard.result.message.as_str()]);
    told.filter(|text| text.contains("missing")).map(|text| count(text).unwrap()).sum()
}

/// Every line is present or counted, and none is torn or repeated.
#[track_caller]
fn assert_all_accounted_for(heard: &Heard) {
    let notices = heard.lines.iter().filter(|line| line.text.contains("of output are missing")).count();
    // Lines of the agent: three commands and the end. Lines of the commands: nix-env, the activation, and the
    // last line.
    let all = 3 + 1 + 1 + 1 + 1 + 1 + 100 + DURING;
    assert_eq!((heard.lines.len() - notices) as u64 + missing(heard), all, "{}", heard.result.message);
    assert!(!heard.has_line("damaged"));
    for word in ["before", "during"] {
        let numbers = heard.lines.iter().filter_map(|line| line.text.strip_prefix(word));
        let numbers: Vec<u32> = numbers.map(|number| number.trim().parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, other| one < other), "{word}: {numbers:?}");
    }
}

#[tokio::test]
async fn without_a_full_disk_nothing_is_missing() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    let server = Server::start().await;
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    let heard = connection.finish(op).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 1.");
    assert_eq!(missing(&heard), 0);
    assert_all_accounted_for(&heard);
}

#[tokio::test]
async fn on_a_full_disk_an_op_is_refused_until_there_is_room() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    let server = Server::start().await;
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    disk.fill();
    let op = OpId::new();
    let run =
        ServerMessage::Run { op, action: host.rollback(2, 1), timeout_secs: 60, test_timeout_secs: None };
    connection.send(&run).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Refused);
    for part in ["could not be written to the journal", "No space left", "Nothing was changed"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(fs::read_dir(disk.at("journal")).unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        name == "done" || name == "damaged"
    }));

    disk.make_room();
    // A refused op stays refused even if it is delivered again now.
    connection.send(&run).await;
    assert_eq!(connection.finish(op).await.result, heard.result);
    assert_eq!(host.switches(), 0);
    let op = connection.run(host.rollback(2, 1)).await;
    connection.finish(op).await.expect(Outcome::Completed);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn a_disk_that_fills_up_and_stays_full_loses_lines_but_not_the_result() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    let server = Server::start().await;
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    disk.fill();
    host.let_go();
    let heard = connection.finish(op).await;
    // The output can report what is missing: the space that the command's own files took is free by then.
    assert!(heard.expect(Outcome::Completed).starts_with("Rolled back to Gen 1."));
    assert!(missing(&heard) > DURING / 2);
    assert_all_accounted_for(&heard);
    assert_eq!((host.switches(), host.running()), (1, host.store_path(1)));
    // The disk is still full, and yet the op is over and the agent is running.
    until("the journal to forget", || !disk.journal(op).exists()).await;
    connection.send(&ServerMessage::ReportFacts).await;
    assert_eq!(connection.facts().await.current().unwrap().number, 1);

    disk.make_room();
    let op = connection.run(OpAction::Refresh).await;
    connection.finish(op).await.expect(Outcome::Completed);
}

#[tokio::test]
async fn lost_lines_are_reported_in_the_output_once_there_is_room() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    fs::write(host.at("hold-again"), "").unwrap();
    let server = Server::start().await;
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    let runner = disk.runner(op);
    let before = bytes_read(runner);
    disk.fill();
    host.let_go();
    until("the second halt", || host.at("holding-again").exists()).await;
    // By then the disk has been offered all but the last piece.
    until("the runner to read that", || bytes_read(runner) >= before + DURING_BYTES).await;
    disk.make_room();
    fs::remove_file(host.at("hold-again")).unwrap();
    let heard = connection.finish(op).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 1.");
    assert!(missing(&heard) > DURING / 2);
    assert_all_accounted_for(&heard);
    assert!(heard.texts().contains(&"after"));
}

/// Whether a lock is free.
fn is_free(lock: &Path) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(fs::File::open(lock).unwrap(), FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// The number of bytes that a process has read.
fn bytes_read(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_result_of_an_op_whose_runner_was_killed_fits_on_a_full_disk() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    let server = Server::start().await;
    let agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let op = begin(&host, &mut connection).await;
    connection.line(op, "before 100").await;
    agent.kill();
    process::kill(disk.runner(op));
    host.let_go();
    until("the activation to end", || is_free(&disk.journal(op).join("lock"))).await;
    disk.fill();
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::Failed).contains("The runner was killed"));
    assert!(heard.has_line("before 100"));
    until("the journal to forget", || !disk.journal(op).exists()).await;
    disk.make_room();
    let next = connection.run(OpAction::Refresh).await;
    connection.finish(next).await.expect(Outcome::Completed);
    assert_eq!(host.switches(), 1);
}

#[tokio::test]
async fn while_the_journal_is_read_only_ops_are_refused_and_facts_are_sent() {
    let host = host();
    let Some(disk) = SmallDisk::under(&host).await else { return };
    let server = Server::start().await;
    let agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    let ended = connection.run(OpAction::Refresh).await;
    connection.hear(ended).await;
    // A disk cannot be made read-only while a file on it is open for writing.
    let runner = disk.runner(ended);
    until("the runner to be gone", || !process::is_running(runner)).await;
    disk.remount("ro");

    let op = OpId::new();
    connection
        .send(&ServerMessage::Run {
            op,
            action: host.rollback(2, 1),
            timeout_secs: 60,
            test_timeout_secs: None,
        })
        .await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Refused);
    for part in ["could not be written to the journal", "Read-only", "Nothing was changed"] {
        assert!(message.contains(part), "{message}");
    }
    // Failing to remove a finished entry is not fatal.
    connection.send(&ServerMessage::FinishStored { op: ended }).await;
    host.set(&host.build("three", ACTIVATE));
    connection.told_on(3).await;

    // An agent that starts on such a disk behaves the same.
    agent.kill();
    let _agent = disk.agent(&host, &server);
    let mut connection = server.accept().await;
    connection.told_on(3).await;
    assert_eq!(connection.journal, [ended]);
    let op = OpId::new();
    connection
        .send(&ServerMessage::Run {
            op,
            action: OpAction::Refresh,
            timeout_secs: 60,
            test_timeout_secs: None,
        })
        .await;
    connection.finish(op).await.expect(Outcome::Refused);

    disk.remount("rw");
    connection.send(&ServerMessage::FinishStored { op: ended }).await;
    until("the journal to forget", || !disk.journal(ended).exists()).await;
    let op = connection.run(OpAction::Refresh).await;
    connection.finish(op).await.expect(Outcome::Completed);
    assert_eq!(host.switches(), 0);
}
