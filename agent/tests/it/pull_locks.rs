//! Lock files that a killed git leaves in the checkout, with real git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, Outcome};

use crate::host::{HOLD, Host, write_script};
use crate::pull::{git, head, put_behind};
use crate::rollback::one;
use crate::server::Server;
use crate::wait::until;

const REMOTE_LOCK: &str = "checkout/.git/refs/remotes/origin/main.lock";

/// A host whose git runs this once while it holds the locks of the refs that it is about to write.
fn with_ref_hook(body: &str) -> (Host, String) {
    let host = Host::with_three();
    let newest = put_behind(&host);
    let hook = format!(
        "#!/bin/sh\nhost='{}'\ncat >/dev/null\n[ \"$1\" = prepared ] && mkdir \"$host/hooked\" 2>&- || exit 0\n{body}\n",
        host.path.display()
    );
    write_script(&host.at("checkout/.git/hooks/reference-transaction"), &hook);
    (host, newest)
}

fn lock_files(host: &Host) -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "lock") {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    collect(&host.at("checkout/.git"), &mut found);
    found
}

/// Creates a lock file that was last modified at this time.
fn lock(host: &Host, modified: SystemTime) -> PathBuf {
    let path = host.at("checkout/.git/index.lock");
    fs::File::create(&path).unwrap().set_modified(modified).unwrap();
    path
}

/// A person's git that is working in the checkout.
struct AtWork(Child);

impl AtWork {
    fn begin(host: &Host) -> Self {
        let mut command: Command = host.command("git");
        command.arg("-C").arg(host.at("checkout")).args(["cat-file", "--batch"]);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_cancel_lets_git_remove_its_own_locks() {
    let (host, newest) = with_ref_hook(HOLD);
    host.hold();
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Pull).await;
    until("git to hold its locks", || host.is_holding()).await;
    assert!(!lock_files(&host).is_empty());
    connection.send(&ServerMessage::Cancel { op }).await;
    connection.finish(op).await.expect(Outcome::Cancelled);
    assert_eq!(lock_files(&host), Vec::<PathBuf>::new());
    let again = connection.run(OpAction::Pull).await;
    connection.finish(again).await.expect(Outcome::Completed);
    assert_eq!(head(&host), newest);
}

#[tokio::test]
async fn the_locks_of_a_git_that_was_killed_are_removed() {
    let (host, newest) = with_ref_hook("kill -KILL $PPID");
    let heard = one(&host, OpAction::Pull).await;
    assert!(heard.expect(Outcome::Failed).contains("The checkout is as it was"));
    assert_eq!(lock_files(&host), Vec::<PathBuf>::new());
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!(head(&host), newest);
}

#[tokio::test]
async fn the_locks_of_a_pull_whose_runner_was_killed_too_are_removed_by_the_next() {
    let (host, newest) = with_ref_hook("kill -KILL $(head -n 1 \"$host\"/state/journal/*/begun) $PPID");
    let heard = one(&host, OpAction::Pull).await;
    assert!(heard.expect(Outcome::Failed).contains("The runner was killed"));
    assert_eq!(lock_files(&host), [host.at(REMOTE_LOCK)]);
    let heard = one(&host, OpAction::Pull).await;
    heard.expect(Outcome::Completed);
    assert!(heard.has_line(&format!(
        "Removed {}, which a git that was killed left behind.",
        host.at(REMOTE_LOCK).display()
    )));
    assert_eq!(head(&host), newest);
}

#[tokio::test]
async fn a_lock_from_before_the_host_was_booted_is_removed() {
    let host = Host::with_three();
    let newest = put_behind(&host);
    lock(&host, SystemTime::UNIX_EPOCH);
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!(head(&host), newest);
}

#[tokio::test]
async fn a_lock_that_may_be_in_use_is_left_alone_and_named() {
    let host = Host::with_three();
    put_behind(&host);
    let before = head(&host);
    let path = lock(&host, SystemTime::now());
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Refused);
    let expected = format!(
        "{} exists: another git may be at work on the checkout. Nothing was changed. Wait for it to end. If no git is \
         running on the host, remove the file.",
        path.display()
    );
    assert_eq!(message, expected);
    assert!(path.exists());
    assert_eq!(head(&host), before);
    fs::remove_file(path).unwrap();
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_lock_is_removed_while_a_git_is_at_work_on_the_checkout() {
    let host = Host::with_three();
    put_behind(&host);
    let path = lock(&host, SystemTime::UNIX_EPOCH);
    let at_work = AtWork::begin(&host);
    one(&host, OpAction::Pull).await.expect(Outcome::Refused);
    assert!(path.exists());
    drop(at_work);
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!(git(&host, "checkout", &["status", "--porcelain"]), "");
}
