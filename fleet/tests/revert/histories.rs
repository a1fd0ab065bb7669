//! Random histories: the result equals that of `git revert`.

use std::collections::BTreeMap;

use backstay_fleet::github::revert::{RevertError, Reverted};
use backstay_fleet::github::{GitHubError, MergeMethod};
use backstay_github_stand_in::{Change, NewPullRequest};
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::bench::{Bench, MESSAGE};

/// The files of a branch: content, and whether it is executable.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// The result of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Reverted,
    Conflict,
    NothingLeft,
    /// The pull request could not even be merged.
    NotMerged,
}

#[tokio::test]
async fn merged_with_a_merge_commit() {
    many(MergeMethod::Merge).await;
}

#[tokio::test]
async fn squashed() {
    many(MergeMethod::Squash).await;
}

#[tokio::test]
async fn rebased() {
    many(MergeMethod::Rebase).await;
}

/// Seventy histories that could be merged. A failure names the seed; `BACKSTAY_SEED` sets another.
async fn many(method: MergeMethod) {
    let first = std::env::var("BACKSTAY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    let mut ends = BTreeMap::<End, usize>::new();
    let mut seed = first;
    while ends.iter().filter(|(end, _)| **end != End::NotMerged).map(|(_, count)| count).sum::<usize>() < 70 {
        *ends.entry(history(seed, method).await).or_default() += 1;
        seed += 1;
    }
    println!("{method:?}, seeds {first} to {}: {ends:?}", seed - 1);
    assert!(ends.contains_key(&End::Reverted) && ends.contains_key(&End::Conflict), "{ends:?}");
}

async fn history(seed: u64, method: MergeMethod) -> End {
    let mut chance = StdRng::seed_from_u64(seed);
    let bench = Bench::start().await;
    let mut main = Files::new();
    let base = (0..6).map(|i| Change::write(format!("f{i}"), text(&mut chance))).collect::<Vec<_>>();
    commit(&bench, &mut main, base).await;

    let mut branch = main.clone();
    let commits = (0..chance.random_range(1..=3))
        .map(|i| (format!("Step {i}"), changes(&mut chance, &mut branch)))
        .collect();
    let new = NewPullRequest { commits, ..NewPullRequest::new("update", "Update", vec![]) };
    bench.stand_in.open_pull_request(NewPullRequest { number: Some(42), ..new }).await.unwrap();

    move_on(&bench, &mut chance, &mut main, 1).await;
    let before = bench.head().await;
    let head = bench.github.pull_request(42).await.unwrap().head.sha;
    let merged = match bench.github.merge(42, &head, method).await {
        Err(GitHubError::NotMergeable(_)) => return End::NotMerged,
        merged => merged.unwrap().0,
    };
    let mut main = files(&bench);
    move_on(&bench, &mut chance, &mut main, 2).await;
    let commits = first_parents(&bench, &before, &merged);
    let mainline = (method == MergeMethod::Merge).then_some("1");
    compare(&bench, &format!("seed {seed}, {method:?}"), &commits, mainline).await
}

/// The commits from one to another along first parents, newest first.
pub(crate) fn first_parents(bench: &Bench, before: &str, after: &str) -> Vec<String> {
    let range = bench.git.say(&["rev-list", "--first-parent", &format!("{before}..{after}")]);
    range.lines().map(str::to_owned).collect()
}

/// Reverts pull request 42, and compares the result with git's revert of these commits.
pub(crate) async fn compare(bench: &Bench, name: &str, commits: &[String], mainline: Option<&str>) -> End {
    let head = bench.head().await;
    let expected = bench.git.reverted(&head, commits, mainline);
    let end = match bench.revert().await {
        Ok(Reverted::Pushed(revert)) => {
            let tree = bench.git.tree(&revert.0);
            // Of several commits git takes back one after the other, and may stumble where taking all back at once
            // does not.
            if commits.len() == 1 || expected.is_some() {
                assert_eq!(Some(tree), expected, "{name}");
            }
            assert_eq!(bench.head().await, revert.0);
            let told = bench.git.say(&["log", "-1", "--format=%P %s", &revert.0]);
            assert_eq!(told, format!("{head} {MESSAGE}"), "{name}");
            End::Reverted
        }
        Err(RevertError::NothingLeft { .. }) => {
            assert_eq!(Some(bench.git.tree(&head)), expected, "{name}");
            assert_eq!(bench.head().await, head);
            End::NothingLeft
        }
        Err(RevertError::Conflict { .. }) => {
            assert_eq!(expected, None, "{name}");
            assert_eq!(bench.head().await, head, "main is untouched");
            End::Conflict
        }
        other => panic!("{name}: {other:?}"),
    };
    bench.no_scratch_branch();
    end
}

/// Some lines, or sometimes some bytes.
pub(crate) fn text(chance: &mut StdRng) -> Vec<u8> {
    if chance.random_bool(0.15) {
        return (0..64).map(|_| chance.random()).collect();
    }
    let lines: Vec<_> = (0..8).map(|_| format!("line {}", chance.random_range(0..1000))).collect();
    (lines.join("\n") + "\n").into_bytes()
}

pub(crate) async fn commit(bench: &Bench, files: &mut Files, changes: Vec<Change>) {
    for change in &changes {
        apply(files, change);
    }
    bench.commit("A change", &changes).await;
}

pub(crate) async fn move_on(bench: &Bench, chance: &mut StdRng, files: &mut Files, at_most: usize) {
    for _ in 0..chance.random_range(0..=at_most) {
        let changes = changes(chance, &mut files.clone());
        commit(bench, files, changes).await;
    }
}

/// One to three changes to a branch: an edit, a new file, a removed, moved or newly executable file.
pub(crate) fn changes(chance: &mut StdRng, files: &mut Files) -> Vec<Change> {
    let mut all = vec![];
    for _ in 0..chance.random_range(1..=3) {
        for change in one(chance, files) {
            apply(files, &change);
            all.push(change);
        }
    }
    all
}

fn one(chance: &mut StdRng, files: &Files) -> Vec<Change> {
    let fresh = format!("n{}", chance.random_range(0..1000));
    let Some((path, (content, executable))) = files.iter().choose(chance) else {
        return vec![Change::write(fresh, text(chance))];
    };
    let write = |path: &str, content: Vec<u8>, executable| Change::Write {
        path: path.to_owned(),
        content,
        executable,
    };
    match chance.random_range(0..10) {
        0 => vec![Change::write(fresh, text(chance))],
        1 if files.len() > 1 => vec![Change::delete(path)],
        2 => vec![Change::delete(path), write(&fresh, content.clone(), *executable)],
        3 => vec![write(path, content.clone(), !executable)],
        _ => vec![write(path, edited(chance, content), *executable)],
    }
}

/// The content with one changed line or byte.
fn edited(chance: &mut StdRng, content: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else {
        let mut bytes = content.to_vec();
        let place = chance.random_range(0..bytes.len());
        bytes[place] = bytes[place].wrapping_add(1);
        return bytes;
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let place = chance.random_range(0..=lines.len());
    let line = format!("edit {}", chance.random_range(0..1000));
    match lines.get_mut(place) {
        Some(old) => *old = line,
        None => lines.push(line),
    }
    lines.join("\n").into_bytes()
}

fn apply(files: &mut Files, change: &Change) {
    match change {
        Change::Write { path, content, executable } => {
            files.insert(path.clone(), (content.clone(), *executable));
        }
        Change::Delete { path } => {
            files.remove(path);
        }
    }
}

/// The files of the main branch, according to git.
pub(crate) fn files(bench: &Bench) -> Files {
    let listed = bench.git.say(&["ls-tree", "-r", "main"]);
    let file = |line: &str| {
        let (meta, path) = line.split_once('\t').unwrap();
        let mut words = meta.split(' ');
        let (mode, blob) = (words.next().unwrap(), words.nth(1).unwrap());
        (path.to_owned(), (bench.git.bytes(&["cat-file", "blob", blob]), mode == "100755"))
    };
    listed.lines().map(file).collect()
}
