//! Pulls, with real git.

use std::fs;
use std::process::Command;

use backstay_model::{OpAction, Outcome};

use crate::host::Host;
use crate::process::read;
use crate::rollback::one;

pub(crate) fn git(host: &Host, folder: &str, words: &[&str]) -> String {
    let mut command: Command = host.command("git");
    command.arg("-C").arg(host.at(folder)).args(words);
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Fleet")
            .env(format!("GIT_{role}_EMAIL"), "fleet@example.org");
    }
    read(&mut command)
}

pub(crate) fn commit(host: &Host, folder: &str, lock: &str) -> String {
    fs::write(host.at(folder).join("flake.lock"), lock).unwrap();
    git(host, folder, &["add", "--all"]);
    git(host, folder, &["commit", "--quiet", "--message", lock]);
    git(host, folder, &["rev-parse", "HEAD"])
}

/// A host whose checkout is one commit behind its upstream, and the upstream's commit.
fn behind() -> (Host, String) {
    let host = Host::with_three();
    let newest = put_behind(&host);
    (host, newest)
}

/// Gives a host a checkout that is one commit behind its upstream, and returns the upstream's commit.
pub(crate) fn put_behind(host: &Host) -> String {
    fs::create_dir(host.at("upstream")).unwrap();
    git(host, "upstream", &["init", "--quiet", "--initial-branch=main"]);
    commit(host, "upstream", "one");
    let (from, to) = (host.at("upstream"), host.at("checkout"));
    git(host, ".", &["clone", "--quiet", from.to_str().unwrap(), to.to_str().unwrap()]);
    commit(host, "upstream", "two")
}

pub(crate) fn head(host: &Host) -> String {
    git(host, "checkout", &["rev-parse", "HEAD"])
}

#[tokio::test]
async fn forward_to_the_head_of_the_branch() {
    let (host, newest) = behind();
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.starts_with("Pulled ") && message.contains(&newest[..7]), "{message}");
    assert_eq!(head(&host), newest);
    let checkout = heard.facts.checkout.unwrap();
    assert_eq!(checkout.commit.0, newest);
    assert_eq!(heard.result.commit, Some(checkout.commit), "the server compares the two");
    // echo -n two | sha256sum
    let two = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";
    assert_eq!(checkout.lock_hash.as_deref(), Some(two));
    let again = one(&host, OpAction::Pull).await;
    assert!(again.expect(Outcome::Completed).starts_with("Already at "));
    assert_eq!(again.result.commit, heard.result.commit);
}

#[tokio::test]
async fn changes_of_its_own_are_left_alone() {
    let (host, _) = behind();
    let before = head(&host);
    fs::write(host.at("checkout/flake.lock"), "by hand").unwrap();
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Refused);
    assert!(message.contains("flake.lock") && message.contains("Nothing was changed"), "{message}");
    assert_eq!(head(&host), before);
    assert_eq!(fs::read_to_string(host.at("checkout/flake.lock")).unwrap(), "by hand");
}

#[tokio::test]
async fn a_branch_that_diverged_is_left_alone() {
    let (host, _) = behind();
    let own = commit(&host, "checkout", "own");
    let heard = one(&host, OpAction::Pull).await;
    assert!(heard.expect(Outcome::Failed).contains("has diverged from origin/main"));
    assert_eq!(heard.result.commit, None);
    assert_eq!(head(&host), own);
}

#[tokio::test]
async fn a_checkout_that_is_ahead_says_so() {
    let (host, _) = behind();
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    let own = commit(&host, "checkout", "own");
    assert!(one(&host, OpAction::Pull).await.expect(Outcome::Failed).contains("is ahead of origin/main"));
    assert_eq!(head(&host), own);
}

#[tokio::test]
async fn another_branch_is_left_alone() {
    let (host, _) = behind();
    git(&host, "checkout", &["switch", "--quiet", "--create", "try"]);
    assert!(one(&host, OpAction::Pull).await.expect(Outcome::Refused).contains("is on try, not on main"));
}

#[tokio::test]
async fn an_upstream_that_is_gone_says_so() {
    let (host, _) = behind();
    let before = head(&host);
    fs::rename(host.at("upstream"), host.at("elsewhere")).unwrap();
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("could not be fetched") && message.contains("as it was"), "{message}");
    assert_eq!(head(&host), before);
}

#[tokio::test]
async fn without_a_checkout_it_is_refused() {
    let host = Host::with_three();
    assert!(one(&host, OpAction::Pull).await.expect(Outcome::Refused).contains("is not a git checkout"));
}
