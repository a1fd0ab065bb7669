//! Pull requests: lists, single ones, new ones.

use backstay_github_stand_in::{Change, Check, CommitStatus, NewPullRequest, Options, TOKEN};
use serde_json::json;

use crate::harness::{Client, git, merge, move_main, stand_in, two_commits, update, with};

#[tokio::test]
async fn open_pull_requests_are_listed() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let first = stand_in.open_pull_request(NewPullRequest { number: Some(42), ..update() }).await.unwrap();
    let second = stand_in.open_pull_request(two_commits()).await.unwrap();
    assert_eq!((first, second), (42, 43));

    let list = client.get("pulls?state=open&base=main&per_page=100").await;
    let numbers: Vec<u64> =
        list.body.as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [43, 42]);
    assert_eq!(list.body[1]["labels"][0]["name"], json!("dependencies"));
    assert_eq!(list.body[1]["head"]["sha"], json!(git(&stand_in, &["rev-parse", "update/nixpkgs"])));
    assert_eq!(client.get("pulls?base=other").await.body, json!([]));
    let page = client.get("pulls?per_page=1&sort=created&direction=asc").await;
    assert_eq!(page.body[0]["number"], json!(42));
    assert!(page.header("link").contains("page=2>; rel=\"next\""));
    let only = client.get("pulls?head=example:lines").await;
    assert_eq!((only.body.as_array().unwrap().len(), &only.body[0]["number"]), (1, &json!(43)));

    let closed = client.patch("pulls/43", json!({ "state": "closed" })).await;
    assert_eq!((&closed.body["state"], &closed.body["merged"]), (&json!("closed"), &json!(false)));
    assert_eq!(client.get("pulls?state=closed").await.body[0]["number"], json!(43));
    assert_eq!(client.get("pulls").await.body.as_array().unwrap().len(), 1);
    assert_eq!(client.patch("pulls/43", json!({ "state": "open" })).await.body["state"], json!("open"));
}

#[tokio::test]
async fn one_pull_request_tells_whether_it_can_be_merged() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let path = format!("pulls/{number}");

    stand_in.mergeability_is_unknown(1).await;
    let unknown = client.get(&path).await;
    assert_eq!(
        (&unknown.body["mergeable"], &unknown.body["mergeable_state"]),
        (&json!(null), &json!("unknown"))
    );
    let clean = client.get(&path).await;
    assert_eq!((&clean.body["mergeable"], &clean.body["mergeable_state"]), (&json!(true), &json!("clean")));
    assert_eq!((&clean.body["commits"], &clean.body["changed_files"]), (&json!(2), &json!(1)));
    assert_eq!((&clean.body["additions"], &clean.body["deletions"]), (&json!(2), &json!(2)));
    let trial = clean.body["merge_commit_sha"].as_str().unwrap();
    assert_eq!(
        git(&stand_in, &["show", "-s", "--format=%P", trial]),
        git(&stand_in, &["log", "-1", "--format=%H", "main"])
            + " "
            + clean.body["head"]["sha"].as_str().unwrap()
    );

    stand_in.commit("main", "alice", "Same line", &[Change::write("hosts/hsb0.nix", "Z\n")]).await.unwrap();
    let dirty = client.get(&path).await;
    assert_eq!((&dirty.body["mergeable"], &dirty.body["mergeable_state"]), (&json!(false), &json!("dirty")));
    client.get("pulls/999").await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn the_commits_of_a_pull_request_are_its_own() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    move_main(&stand_in).await;
    let commits = client.get(&format!("pulls/{number}/commits")).await;
    let messages: Vec<&str> =
        commits.body.as_array().unwrap().iter().map(|c| c["commit"]["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["First line", "Second line\n\nAnd why."]);
    client.get("pulls/999/commits").await.is_refused(404, "Not Found");
}

#[tokio::test]
async fn a_pull_request_is_opened_by_the_api() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    stand_in.commit("revert", "alice", "Revert", &[Change::delete("hosts/imac0.nix")]).await.unwrap();
    let wanted = json!({ "title": "Revert", "head": "revert", "base": "main", "body": "Because." });
    let opened = client.post("pulls", wanted.clone()).await;
    assert_eq!((opened.status, &opened.body["number"]), (201, &json!(1)));
    assert_eq!(
        (&opened.body["user"]["login"], &opened.body["body"]),
        (&json!("backstay"), &json!("Because."))
    );
    assert_eq!(opened.body["html_url"], json!(format!("{}/example/nixcfg/pull/1", stand_in.url)));

    let problem = |answer: &crate::harness::Answer, key: &str| answer.body["errors"][0][key].clone();
    let twice = client.post("pulls", wanted).await;
    twice.is_refused(422, "Validation Failed");
    assert_eq!(problem(&twice, "message"), json!("A pull request already exists for example:revert."));
    let nowhere = client.post("pulls", json!({ "title": "T", "head": "nowhere", "base": "main" })).await;
    assert_eq!((nowhere.status, problem(&nowhere, "field")), (422, json!("head")));
    let nowhere = client.post("pulls", json!({ "title": "T", "head": "revert", "base": "nowhere" })).await;
    assert_eq!((nowhere.status, problem(&nowhere, "field")), (422, json!("base")));
    client
        .post("git/refs", json!({ "ref": "refs/heads/same", "sha": git(&stand_in, &["rev-parse", "main"]) }))
        .await;
    let nothing = client.post("pulls", json!({ "title": "T", "head": "same", "base": "main" })).await;
    assert_eq!(problem(&nothing, "message"), json!("No commits between main and same"));
}

#[tokio::test]
async fn what_ran_on_a_commit_is_told() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(update()).await.unwrap();
    let head = git(&stand_in, &["rev-parse", "update/nixpkgs"]);
    assert_eq!(client.get("commits/update/nixpkgs/check-runs").await.body["total_count"], json!(0));
    let nothing = client.get("commits/update/nixpkgs/status").await;
    assert_eq!(nothing.body["state"], json!("pending"));

    stand_in.set_checks(&head, vec![Check::ended("build", "success"), Check::running("lint")]).await;
    let status = CommitStatus { context: "ci/hydra".to_owned(), state: "success".to_owned() };
    stand_in.set_statuses(&head, vec![status]).await;
    let runs = client.get(&format!("commits/{head}/check-runs")).await;
    assert_eq!(
        (&runs.body["check_runs"][0]["conclusion"], &runs.body["check_runs"][1]["status"]),
        (&json!("success"), &json!("in_progress"))
    );
    assert_eq!(client.get(&format!("commits/{head}/status")).await.body["state"], json!("success"));
    assert_eq!(client.get(&format!("pulls/{number}")).await.body["mergeable_state"], json!("unstable"));
    client.get("commits/nowhere/check-runs").await.is_refused(422, "No commit found for SHA: nowhere");
}

#[tokio::test]
async fn a_pull_request_from_a_fork_names_the_fork_and_its_files() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let mut new = update();
    new.commits.push(("More".to_owned(), vec![Change::write("hosts/eve.nix", "{ }\n")]));
    let from_fork = NewPullRequest {
        fork: Some("eve".to_owned()),
        author: "eve".to_owned(),
        association: "NONE".to_owned(),
        ..new
    };
    let number = stand_in.open_pull_request(from_fork).await.unwrap();
    let shown = client.get(&format!("pulls/{number}")).await.body;
    assert_eq!(shown["head"]["repo"]["full_name"], json!("eve/nixcfg"));
    assert_ne!(shown["head"]["repo"]["id"], shown["base"]["repo"]["id"]);
    assert_eq!((&shown["author_association"], &shown["changed_files"]), (&json!("NONE"), &json!(2)));
    let files = client.get(&format!("pulls/{number}/files")).await.body;
    let names: Vec<_> = files.as_array().unwrap().iter().map(|file| file["filename"].clone()).collect();
    assert_eq!(names, ["flake.lock", "hosts/eve.nix"]);
    let head = "update/nixpkgs";
    for (owner, found) in [("eve", 1), ("example", 0)] {
        let listed = client.get(&format!("pulls?head={owner}:{head}")).await.body;
        assert_eq!(listed.as_array().unwrap().len(), found, "{owner}");
    }
    // The repository itself may have a branch of the same name.
    stand_in.open_pull_request(update()).await.unwrap();
    assert_eq!(client.get("pulls?head=example:update/nixpkgs").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_commit_names_the_pull_requests_that_brought_it() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    move_main(&stand_in).await;
    let merged = merge(&client, number, "rebase").await.body["sha"].as_str().unwrap().to_owned();
    for commit in [merged.clone(), format!("{merged}~1")] {
        let sha = git(&stand_in, &["rev-parse", &commit]);
        let told = client.get(&format!("commits/{sha}/pulls")).await.body;
        assert_eq!((told[0]["number"].as_u64(), told.as_array().unwrap().len()), (Some(number), 1));
    }
    let before = git(&stand_in, &["rev-parse", &format!("{merged}~2")]);
    assert_eq!(client.get(&format!("commits/{before}/pulls")).await.body, json!([]));
}

#[tokio::test]
async fn who_names_a_renamed_repository_is_led_to_it_by_its_number() {
    let options = Options { formerly: Some("example/oldcfg".to_owned()), ..Options::default() };
    let stand_in = with(options).await;
    let client = Client::of(&stand_in);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let old = format!("{}/repos/example/oldcfg/git/refs", stand_in.url);
    let ask = async |method: http::Method, url: &str| {
        let request = http.request(method, url).header("user-agent", "test").bearer_auth(TOKEN);
        let answer = request.body("{}").send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    let (status, location) = ask(http::Method::GET, &old.replace("git/refs", "git/ref/heads/main")).await;
    assert_eq!(status, 301);
    assert_eq!(ask(http::Method::GET, &location.unwrap()).await.0, 200);
    let (status, location) = ask(http::Method::POST, &old).await;
    assert_eq!(status, 307);
    let location = location.unwrap();
    let id = client.get("").await.body["id"].clone();
    assert_eq!(location, format!("{}/repositories/{id}/git/refs", stand_in.url));
    assert_eq!(ask(http::Method::POST, &location).await.0, 422, "it is taken there");
}

#[tokio::test]
async fn pushes_move_close_and_merge_pull_requests() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(update()).await.unwrap();
    let path = format!("pulls/{number}");
    let pushed =
        stand_in.commit("update/nixpkgs", "bob", "More", &[Change::write("more", "more")]).await.unwrap();
    assert_eq!(client.get(&path).await.body["head"]["sha"], json!(pushed));

    let moved = client.patch("git/refs/heads/main", json!({ "sha": pushed })).await;
    assert_eq!(moved.status, 200);
    let merged = client.get(&path).await;
    assert_eq!((&merged.body["merged"], &merged.body["merge_commit_sha"]), (&json!(true), &json!(pushed)));

    let other = stand_in.open_pull_request(two_commits()).await.unwrap();
    assert_eq!(client.delete("git/refs/heads/lines").await.status, 204);
    let closed = client.get(&format!("pulls/{other}")).await;
    assert_eq!((&closed.body["state"], &closed.body["merged"]), (&json!("closed"), &json!(false)));
}
