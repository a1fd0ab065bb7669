//! Random histories in which a pull request reached the branch other than by GitHub's button, or was stacked on another one: the
//! result equals `git revert` of its own commits, or nothing changes.

use std::collections::BTreeMap;

use backstay_fleet::github::revert::{RevertError, Reverted};
use backstay_fleet::github::{GitHubError, MergeMethod};
use backstay_github_stand_in::{Change, NewPullRequest};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::bench::Bench;
use crate::histories::{End, Files, changes, commit, compare, files, first_parents, move_on, text};

/// The way in which a pull request reaches the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `git push origin update:main`, as Mergify does it.
    FastForward,
    /// The same after `git merge main` on its branch.
    UpdatedThenFastForward,
    /// `git checkout update && git merge main && git push origin HEAD:main`.
    ReversedParents,
    /// `git merge update`, another commit, `git push`.
    PushedWithMore,
    /// Another commit on its branch that was never pushed there, then `git merge` and `git push`.
    MoreBeforeTheMerge,
    /// `git merge update other`.
    Octopus,
    /// Opened on top of another one; both were merged this way.
    Stacked(MergeMethod),
    /// The same, each by `git push`.
    StackedFastForward,
}

#[tokio::test]
async fn fast_forwarded() {
    many(Way::FastForward).await;
}

#[tokio::test]
async fn updated_from_the_branch_and_fast_forwarded() {
    many(Way::UpdatedThenFastForward).await;
}

#[tokio::test]
async fn merged_with_the_parents_reversed() {
    many(Way::ReversedParents).await;
}

#[tokio::test]
async fn merged_by_hand_and_pushed_with_another_commit() {
    many(Way::PushedWithMore).await;
}

#[tokio::test]
async fn merged_by_hand_with_a_commit_that_it_never_had() {
    many(Way::MoreBeforeTheMerge).await;
}

#[tokio::test]
async fn merged_with_another_branch_at_once() {
    many(Way::Octopus).await;
}

#[tokio::test]
async fn stacked_and_rebased() {
    many(Way::Stacked(MergeMethod::Rebase)).await;
}

#[tokio::test]
async fn stacked_and_squashed() {
    many(Way::Stacked(MergeMethod::Squash)).await;
}

#[tokio::test]
async fn stacked_and_merged() {
    many(Way::Stacked(MergeMethod::Merge)).await;
}

#[tokio::test]
async fn stacked_and_fast_forwarded() {
    many(Way::StackedFastForward).await;
}

/// Twelve histories that could be merged. A failure names the seed; `BACKSTAY_SEED` sets another.
async fn many(way: Way) {
    let first = std::env::var("BACKSTAY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    let mut ends = BTreeMap::<End, usize>::new();
    let mut seed = first;
    while ends.iter().filter(|(end, _)| **end != End::NotMerged).map(|(_, count)| count).sum::<usize>() < 12 {
        *ends.entry(history(seed, way).await).or_default() += 1;
        seed += 1;
    }
    println!("{way:?}, seeds {first} to {}: {ends:?}", seed - 1);
    assert!(ends.contains_key(&End::Reverted), "{ends:?}");
}

async fn history(seed: u64, way: Way) -> End {
    let mut chance = StdRng::seed_from_u64(seed);
    let bench = Bench::start().await;
    let mut main = Files::new();
    let base = (0..6).map(|i| Change::write(format!("f{i}"), text(&mut chance))).collect::<Vec<_>>();
    commit(&bench, &mut main, base).await;
    let mut branch = main.clone();
    let is_stacked = matches!(way, Way::Stacked(_) | Way::StackedFastForward);
    if is_stacked {
        open(&bench, &mut chance, &mut branch, 41, "first").await;
        let first = bench.git.say(&["rev-parse", "first"]);
        bench.stand_in.push("update", "alice", Some(&first)).await.unwrap();
    }
    let forked = bench.git.say(&["rev-parse", if is_stacked { "first" } else { "main" }]);
    open(&bench, &mut chance, &mut branch, 42, "update").await;
    if !matches!(way, Way::FastForward | Way::StackedFastForward) {
        move_on(&bench, &mut chance, &mut main, 2).await;
    }
    let own = bench.git.own(&forked, "update");
    let Some((commits, mainline)) = bring(&bench, &mut chance, &mut branch, way, own).await else {
        return End::NotMerged;
    };
    let mut main = files(&bench);
    move_on(&bench, &mut chance, &mut main, 2).await;
    let name = format!("seed {seed}, {way:?}");
    if matches!(way, Way::UpdatedThenFastForward | Way::MoreBeforeTheMerge | Way::Octopus) {
        right_or_refused(&bench, &name, &commits).await
    } else {
        compare(&bench, &name, &commits, mainline).await
    }
}

async fn open(bench: &Bench, chance: &mut StdRng, files: &mut Files, number: u64, branch: &str) {
    let commits = (0..chance.random_range(1..=3))
        .map(|i| (format!("Step {i} of {number}"), changes(chance, files)))
        .collect();
    let new = NewPullRequest { commits, ..NewPullRequest::new(branch, "Update", vec![]) };
    bench.stand_in.open_pull_request(NewPullRequest { number: Some(number), ..new }).await.unwrap();
}

/// Brings pull request 42 to the branch. Returns what git has to revert: these commits, or this one with its mainline. Returns
/// `None` if the merge conflicts.
async fn bring(
    bench: &Bench,
    chance: &mut StdRng,
    branch: &mut Files,
    way: Way,
    own: Vec<String>,
) -> Option<(Vec<String>, Option<&'static str>)> {
    let main = bench.head().await;
    let git = &bench.git;
    let update = git.say(&["rev-parse", "update"]);
    let push = async |commit: &str| bench.stand_in.push("main", "alice", Some(commit)).await.unwrap();
    let more = async |chance: &mut StdRng, at: &str| {
        bench.stand_in.push("local", "alice", Some(at)).await.unwrap();
        let fresh = format!("local-{}", chance.random_range(0..1000));
        bench.stand_in.commit("local", "alice", "Another", &[Change::write(fresh, "l\n")]).await.unwrap()
    };
    match way {
        Way::FastForward => push(&update).await,
        Way::UpdatedThenFastForward => {
            let merge = git.commit(&git.merged(&update, &main)?, &[&update, &main], "Merge main");
            bench.stand_in.push("update", "alice", Some(&merge)).await.unwrap();
            push(&merge).await;
        }
        Way::ReversedParents => {
            let merge = git.commit(&git.merged(&update, &main)?, &[&update, &main], "Merge main");
            push(&merge).await;
            return Some((vec![merge], Some("2")));
        }
        Way::PushedWithMore => {
            let merge = git.commit(&git.merged(&main, &update)?, &[&main, &update], "Merge update");
            push(&more(chance, &merge).await).await;
            return Some((vec![merge], Some("1")));
        }
        Way::MoreBeforeTheMerge => {
            let local = more(chance, &update).await;
            push(&git.commit(&git.merged(&main, &local)?, &[&main, &local], "Merge update")).await;
        }
        Way::Octopus => {
            let other = more(chance, &git.say(&["merge-base", "main", "update"])).await;
            let both = git.commit(&git.merged(&main, &update)?, &[&main, &update], "Both");
            push(&git.commit(&git.merged(&both, &other)?, &[&main, &update, &other], "All")).await;
        }
        Way::StackedFastForward => {
            push(&git.say(&["rev-parse", "first"])).await;
            push(&update).await;
        }
        Way::Stacked(method) => {
            let first = git.say(&["rev-parse", "first"]);
            merge(bench, 41, first, method).await?;
            move_on(bench, chance, &mut branch.clone(), 1).await;
            let before = bench.head().await;
            let merged = merge(bench, 42, update, method).await?;
            let mainline = (method == MergeMethod::Merge).then_some("1");
            return Some((first_parents(bench, &before, &merged), mainline));
        }
    }
    Some((own, None))
}

async fn merge(bench: &Bench, number: u64, head: String, method: MergeMethod) -> Option<String> {
    match bench.github.merge(number, &backstay_model::Commit(head), method).await {
        Err(GitHubError::NotMergeable(_)) => None,
        merged => Some(merged.unwrap().0),
    }
}

/// git reverts one commit after the other, so it may conflict when a revert of all at once does not, and vice versa. In these cases a
/// revert has to be correct, or nothing may change.
async fn right_or_refused(bench: &Bench, name: &str, commits: &[String]) -> End {
    let head = bench.head().await;
    let expected = bench.git.reverted(&head, commits, None);
    let end = match bench.revert().await {
        Ok(Reverted::Pushed(revert)) => {
            assert!(expected.is_none() || expected == Some(bench.git.tree(&revert.0)), "{name}");
            End::Reverted
        }
        Err(RevertError::NothingLeft { .. }) => End::NothingLeft,
        Err(RevertError::Conflict { .. }) => End::Conflict,
        other => panic!("{name}: {other:?}"),
    };
    assert!(end == End::Reverted || bench.head().await == head, "{name}");
    bench.no_scratch_branch();
    end
}
