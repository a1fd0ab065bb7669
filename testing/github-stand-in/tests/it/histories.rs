//! Random histories, merged by the stand-in and by git in a work tree.

use std::collections::BTreeSet;
use std::path::Path;

use backstay_github_stand_in::{Change, NewPullRequest, Options, StandIn};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::harness::{Client, git, merge};

/// Number of histories for each way of merging.
const HISTORIES: u64 = 10;

/// The files of a history, and their contents.
const NAMES: [&str; 5] = ["a", "b", "folder/c", "folder/d", "moved"];

/// One commit's changes. Conflicts, renames, deletions, modes and binary files all occur.
fn changes(random: &mut StdRng, there: &mut BTreeSet<&'static str>) -> Vec<Change> {
    let name = NAMES[random.random_range(0..NAMES.len())];
    if there.contains(name) && random.random_ratio(1, 6) {
        there.remove(name);
        return vec![Change::delete(name)];
    }
    if there.contains(name) && random.random_ratio(1, 6) {
        // Renamed, and changed a little.
        let to = NAMES[random.random_range(0..NAMES.len())];
        if !there.contains(to) {
            there.remove(name);
            there.insert(to);
            return vec![Change::delete(name), Change::write(to, text(random, 1))];
        }
    }
    there.insert(name);
    if random.random_ratio(1, 8) {
        return vec![Change::write(name, vec![0, random.random(), 255])];
    }
    let executable = random.random_ratio(1, 5);
    vec![Change::Write { path: name.to_owned(), content: text(random, 3).into_bytes(), executable }]
}

/// Twelve lines; this many of them differ from the usual ones.
fn text(random: &mut StdRng, unusual: usize) -> String {
    let mut lines: Vec<String> = (0..12).map(|line| format!("line {line}\n")).collect();
    for _ in 0..unusual {
        let at = random.random_range(0..lines.len());
        lines[at] = format!("changed {}\n", random.random_range(0..3));
    }
    lines.concat()
}

/// A pull request, and a `main` that has moved on since. `None` if nothing is left to merge.
async fn diverged(random: &mut StdRng) -> Option<(StandIn, u64)> {
    let stand_in = StandIn::start(Options::default()).await.unwrap();
    let mut there = BTreeSet::from(["a", "folder/c"]);
    let first = ["a", "folder/c"].map(|name| Change::write(name, text(random, 0)));
    stand_in.commit("main", "alice", "First", &first).await.unwrap();
    let mut on_branch = there.clone();
    let commits: Vec<_> = (0..random.random_range(1..4))
        .map(|number| (format!("Branch {number}"), changes(random, &mut on_branch)))
        .collect();
    let pull = NewPullRequest { commits, ..NewPullRequest::new("branch", "Branch", vec![]) };
    let number = stand_in.open_pull_request(pull).await.ok()?;
    for number in 0..random.random_range(1..4) {
        let changes = changes(random, &mut there);
        stand_in.commit("main", "alice", &format!("Main {number}"), &changes).await.unwrap();
    }
    Some((stand_in, number))
}

/// The tree that git merges in a work tree; `None` on a conflict.
fn by_git(stand_in: &StandIn, method: &str) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    git(stand_in, &["clone", "--quiet", ".", dir.path().to_str().unwrap()]);
    let done = match method {
        "rebase" => run(dir.path(), &["rebase", "--quiet", "origin/main", "origin/branch"]),
        _ => run(dir.path(), &["merge", "--quiet", "--no-ff", "-m", "m", "origin/branch"]),
    };
    done.then(|| git(stand_in, &["-C", dir.path().to_str().unwrap(), "rev-parse", "HEAD^{tree}"]))
}

fn run(dir: &Path, args: &[&str]) -> bool {
    let identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"];
    let output = std::process::Command::new("git").current_dir(dir).args(identity).args(args).output();
    output.unwrap().status.success()
}

async fn merged_as_git_does(method: &str) {
    let (mut clean, mut conflicts) = (0, 0);
    for seed in 0..HISTORIES {
        let Some((stand_in, number)) = diverged(&mut StdRng::seed_from_u64(seed)).await else { continue };
        let expected = by_git(&stand_in, method);
        let refs = git(&stand_in, &["for-each-ref"]);
        let answer = merge(&Client::of(&stand_in), number, method).await;
        if let Some(tree) = expected {
            assert_eq!(answer.status, 200, "history {seed}: {}", answer.text);
            assert_eq!(git(&stand_in, &["rev-parse", "main^{tree}"]), tree, "history {seed}");
            clean += 1;
        } else {
            assert_eq!(answer.status, 405, "history {seed}: {}", answer.text);
            assert_eq!(git(&stand_in, &["for-each-ref"]), refs, "history {seed}");
            conflicts += 1;
        }
    }
    assert!(
        clean > 0 && conflicts > 0,
        "{clean} clean and {conflicts} conflicting histories: both are wanted"
    );
}

#[tokio::test]
async fn merges_of_random_histories_are_those_of_git() {
    merged_as_git_does("merge").await;
}

#[tokio::test]
async fn squashes_of_random_histories_are_those_of_git() {
    merged_as_git_does("squash").await;
}

#[tokio::test]
async fn rebases_of_random_histories_are_those_of_git() {
    merged_as_git_does("rebase").await;
}
