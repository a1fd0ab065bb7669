//! Every refused revert: its text, and the unchanged branch.

use backstay_fleet::github::revert::{RevertError, Reverted};
use backstay_fleet::github::{GitHubError, MergeMethod};
use backstay_github_stand_in::{Away, Change, NewPullRequest, Permission, Protection, ProtectionKind, TOKEN};
use backstay_model::{Clock as _, SystemClock};
use chrono::TimeDelta;

use crate::bench::{Bench, MESSAGE};

/// Checks that a revert is refused with this text and changes nothing.
async fn refused(bench: &Bench, words: &str) -> RevertError {
    let head = bench.head().await;
    let error = bench.revert().await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains(words), "{told}");
    assert!(
        told.contains("was not changed")
            || told.contains("Nothing was changed")
            || told.contains("Try again")
    );
    assert_eq!(bench.head().await, head);
    error
}

#[tokio::test]
async fn what_was_never_merged_is_not_reverted() {
    let bench = Bench::start().await;
    bench.commit("One", &[Change::write("a", "1\n")]).await;
    bench.open("update", &[Change::write("a", "2\n")]).await;
    assert!(matches!(refused(&bench, "never merged").await, RevertError::NotMerged(42)));
}

#[tokio::test]
async fn there_is_no_such_pull_request() {
    let bench = Bench::start().await;
    bench.commit("One", &[Change::write("a", "1\n")]).await;
    refused(&bench, "knows no pull request 42").await;
}

#[tokio::test]
async fn later_changes_in_the_same_place_are_a_conflict() {
    let bench = Bench::merged().await;
    bench.commit("Same place", &[Change::write("flake.lock", "newer\n")]).await;
    assert!(matches!(refused(&bench, "touch the same lines").await, RevertError::Conflict { .. }));
    bench.no_scratch_branch();
}

#[tokio::test]
async fn what_was_taken_back_by_hand_is_not_reverted_again() {
    let bench = Bench::merged().await;
    bench.commit("By hand", &[Change::write("flake.lock", "old\n")]).await;
    assert!(matches!(refused(&bench, "already taken back").await, RevertError::NothingLeft { .. }));
    bench.no_scratch_branch();
}

#[tokio::test]
async fn a_rewritten_branch_does_not_contain_it() {
    let bench = Bench::merged().await;
    let root = bench.git.say(&["rev-list", "--max-parents=0", "main"]);
    bench.stand_in.push("main", "alice", Some(&root)).await.unwrap();
    assert!(matches!(refused(&bench, "was rewritten").await, RevertError::NotInBranch { .. }));
}

#[tokio::test]
async fn a_token_that_may_only_read_reverts_nothing() {
    let bench = Bench::merged().await;
    bench.stand_in.permit(TOKEN, Permission::Read);
    let error = refused(&bench, "does not allow this").await;
    assert!(matches!(error, RevertError::GitHub(GitHubError::Forbidden(_), _)), "{error:?}");
}

#[tokio::test]
async fn a_token_that_was_revoked_reverts_nothing() {
    let bench = Bench::merged().await;
    bench.stand_in.revoke(TOKEN);
    refused(&bench, "does not accept the token").await;
}

#[tokio::test]
async fn github_is_away() {
    let bench = Bench::merged().await;
    for how in [Away::Refused, Away::Unavailable] {
        bench.stand_in.go_away(how).await;
        refused(&bench, "cannot be reached").await;
        bench.stand_in.come_back().unwrap();
    }
    assert!(matches!(bench.revert().await, Ok(Reverted::Pushed(_))));
}

#[tokio::test]
async fn the_rate_limit_is_reached() {
    let bench = Bench::merged().await;
    bench.stand_in.limit_rate(60, 60, SystemClock.now() + TimeDelta::minutes(10));
    let error = refused(&bench, "takes no more requests before").await;
    assert!(matches!(error, RevertError::GitHub(GitHubError::RateLimited(Some(_)), _)), "{error:?}");
}

#[tokio::test]
async fn a_protected_branch_gets_a_pull_request_once() {
    for kind in [ProtectionKind::Classic, ProtectionKind::Ruleset] {
        let bench = Bench::merged().await;
        bench.stand_in.protect("main", Some(Protection::pull_requests(kind))).await;
        let head = bench.head().await;
        let Reverted::Proposed { number, url } = bench.revert().await.unwrap() else { panic!("{kind:?}") };
        assert!(url.ends_with(&format!("pull/{number}")), "{url}");
        assert_eq!(bench.head().await, head);
        let proposed = bench.github.pull_request(number).await.unwrap();
        assert_eq!((proposed.title.as_str(), proposed.base.branch.as_str()), (MESSAGE, "main"));
        let again = bench.revert().await.unwrap();
        assert_eq!(again, Reverted::Proposed { number, url });
        // Once somebody merges it, it is the revert.
        bench.stand_in.protect("main", None).await;
        bench.github.merge(number, &proposed.head.sha, MergeMethod::Merge).await.unwrap();
        assert_eq!(bench.git.say(&["show", "main:flake.lock"]), "old");
        assert!(matches!(bench.revert().await.unwrap(), Reverted::Already(_)));
    }
}

/// A pull request with this number of commits. Each writes its number into one file.
async fn of_many_commits(count: usize) -> Bench {
    let bench = Bench::start().await;
    bench.commit("One", &[Change::write("flake.lock", "old\n")]).await;
    let root = bench.head().await;
    let mut tip = root.clone();
    for number in 0..count {
        let message = format!("Step {number}");
        tip = bench.git.commit(&bench.git.tree(&root), &[&tip], &message);
    }
    bench.stand_in.push("update", "update-bot", Some(&tip)).await.unwrap();
    bench.open("update", &[Change::write("flake.lock", "new\n")]).await;
    bench
}

#[tokio::test]
async fn more_commits_than_github_lists_are_reverted_where_that_is_certain_and_refused_elsewhere() {
    for (method, is_certain) in
        [(MergeMethod::Merge, true), (MergeMethod::Squash, false), (MergeMethod::Rebase, false)]
    {
        let bench = of_many_commits(251).await;
        bench.commit("Else", &[Change::write("else", "e\n")]).await;
        bench.merge(method).await;
        if is_certain {
            assert!(matches!(bench.revert().await, Ok(Reverted::Pushed(_))), "{method:?}");
            assert_eq!(bench.git.say(&["show", "main:flake.lock"]), "old");
        } else {
            let error = refused(&bench, "GitHub does not list all of its commits").await;
            assert!(matches!(error, RevertError::Unclear { .. }), "{method:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn what_a_fast_forward_brought_of_others_stays() {
    let bench = Bench::start().await;
    bench.commit("One", &[Change::write("flake.lock", "old\n"), Change::write("host.nix", "broken\n")]).await;
    bench.open("update", &[Change::write("flake.lock", "new\n")]).await;
    let update = bench.git.say(&["rev-parse", "update"]);
    let fix = bench.commit("Somebody else's fix", &[Change::write("host.nix", "good\n")]).await;
    let merged = bench.git.merged(&update, &fix).unwrap();
    let head = bench.git.commit(&merged, &[&update, &fix], "Merge main");
    bench.stand_in.push("update", "alice", Some(&head)).await.unwrap();
    bench.stand_in.push("main", "alice", Some(&head)).await.unwrap();
    assert!(matches!(bench.revert().await, Ok(Reverted::Pushed(_))));
    assert_eq!(bench.git.say(&["show", "main:flake.lock"]), "old");
    assert_eq!(bench.git.say(&["show", "main:host.nix"]), "good");
}

#[tokio::test]
async fn every_kind_of_rule_against_a_push_leads_to_a_pull_request() {
    for words in [
        "At least 1 approving review is required by reviewers with write access.",
        "Commits must have verified signatures.",
        "Changes must be made through the merge queue",
        "This branch must not contain merge commits.",
        "Words that GitHub may find next year.",
    ] {
        for kind in [ProtectionKind::Classic, ProtectionKind::Ruleset] {
            let bench = Bench::merged().await;
            bench.stand_in.protect("main", Some(Protection::refusing(kind, words))).await;
            let head = bench.head().await;
            let made = bench.revert().await;
            assert!(matches!(made, Ok(Reverted::Proposed { .. })), "{kind:?}, {words}: {made:?}");
            assert_eq!(bench.head().await, head);
        }
    }
}

#[tokio::test]
async fn a_rule_that_restricts_new_branches_is_named_with_what_to_do() {
    let bench = Bench::merged().await;
    bench.stand_in.forbid_branches(Some("backstay/")).await;
    let error = refused(&bench, "Exclude backstay/** from the rule that restricts new branches").await;
    assert!(error.to_string().contains("creations being restricted"), "{error}");
}

#[tokio::test]
async fn more_than_a_hundred_open_pull_requests_hide_no_proposal() {
    let bench = Bench::merged().await;
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let proposed = bench.revert().await.unwrap();
    bench.stand_in.commit("many", "bob", "Much", &[Change::write("much", "m")]).await.unwrap();
    let much = bench.stand_in.head("many").await.unwrap().unwrap();
    for number in 0..101 {
        let branch = format!("many-{number}");
        bench.stand_in.push(&branch, "bob", Some(&much)).await.unwrap();
        let new = NewPullRequest { commits: vec![], ..NewPullRequest::new(branch, "Something", vec![]) };
        bench.stand_in.open_pull_request(new).await.unwrap();
    }
    assert_eq!(bench.revert().await.unwrap(), proposed);
}
