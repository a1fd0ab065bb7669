//! Commits that hold the same files, according to the facts, with real git.

use std::fs;

use backstay_model::wire::message::AgentMessage;
use backstay_model::{Facts, OpAction, same_files};

use crate::host::{ACTIVATE, Host, write_script};
use crate::pull::{commit, git};
use crate::rollback::one;

/// A host whose upstream is its checkout, with a generation for each of these revisions.
fn host(revisions: &[&str]) -> Host {
    let host = Host::nixos();
    for (number, revision) in revisions.iter().enumerate() {
        let activate = host.script(ACTIVATE);
        let build = host.add(
            &format!("build{number}"),
            &[("bin/switch-to-configuration", activate.as_str()), ("configuration-revision", revision)],
        );
        host.set(&build);
    }
    host.runs(u32::try_from(revisions.len()).unwrap());
    host
}

fn checkout(host: &Host) -> [String; 3] {
    fs::create_dir(host.at("checkout")).unwrap();
    git(host, "checkout", &["init", "--quiet", "--initial-branch=main"]);
    let old = commit(host, "checkout", "old");
    let broken = commit(host, "checkout", "broken");
    git(host, "checkout", &["revert", "--no-edit", "HEAD"]);
    [old, broken, git(host, "checkout", &["rev-parse", "HEAD"])]
}

async fn facts(host: &Host) -> Facts {
    one(host, OpAction::Refresh).await.facts
}

#[tokio::test]
async fn a_revert_has_the_files_of_what_was_before() {
    // The commits must exist before the builds that name them.
    let first = Host::nixos();
    let [old, broken, revert] = checkout(&first);
    let unknown = "1".repeat(40);
    let dirty = format!("{old}-dirty");
    let host = host(&[&old, &broken, &unknown, &dirty, "--all"]);
    fs::rename(first.at("checkout"), host.at("checkout")).unwrap();
    let facts = facts(&host).await;
    let checkout = facts.checkout.as_ref().unwrap();
    assert_eq!(checkout.commit.0, revert);
    assert_eq!(checkout.tree.as_ref().unwrap().0, git(&host, "checkout", &["rev-parse", "HEAD^{tree}"]));
    let tree = |number| facts.generation(number).unwrap().tree.as_ref();
    assert!(same_files(tree(1), checkout.tree.as_ref()), "the revert is what was before");
    assert!(tree(2).is_some() && !same_files(tree(2), checkout.tree.as_ref()));
    assert_eq!([tree(3), tree(4), tree(5)], [None; 3], "what git does not know has none");
    assert!(facts.problems.iter().all(|problem| !problem.contains("trees")), "{:?}", facts.problems);
}

#[tokio::test]
async fn without_a_checkout_or_git_there_are_no_trees() {
    let host = host(&[&"1".repeat(40)]);
    let facts = facts(&host).await;
    assert_eq!((facts.checkout, facts.generations[0].tree.clone()), (None, None));
}

/// A known tree is not requested again.
#[tokio::test]
async fn git_is_asked_once() {
    let first = Host::nixos();
    let [old, ..] = checkout(&first);
    let host = host(&[&old]);
    fs::rename(first.at("checkout"), host.at("checkout")).unwrap();
    let real = crate::process::read(std::process::Command::new("sh").args(["-c", "command -v git"]));
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' rev-list '*) echo asked >>'{}' ;; esac\nexec {real} \"$@\"\n",
        host.at("asked").display()
    );
    write_script(&host.at("bin/git"), &script);
    let server = crate::server::Server::start().await;
    let _agent = host.agent_with_stand_ins(&server);
    let mut connection = server.accept().await;
    connection.facts().await;
    let asked = || fs::read_to_string(host.at("asked")).unwrap().lines().count();
    let once = asked();
    // The agent reads again, with the same commits.
    host.write_test("10-dns", "true");
    let facts = connection.listen_for("facts with the test", |message| match message {
        AgentMessage::Facts { facts } => Some(facts).filter(|facts| facts.tests_available == 1),
        _ => None,
    });
    let facts = facts.await;
    assert!(facts.generations[0].tree.is_some());
    assert_eq!((once, asked()), (1, 1));
}
