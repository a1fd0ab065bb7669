//! Pausing between two requests, and GitHub offline.

use backstay_github_stand_in::{Away, Moment, Options};
use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Client, git, in_repository, merge, soon, stand_in, two_commits, with};

#[tokio::test]
async fn a_gate_stops_a_request_before_it_does_anything() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let before = git(&stand_in, &["rev-parse", "main"]);
    let mut gate =
        stand_in.gate(Moment::Before, move |asked| asked.is("PUT", &format!("pulls/{number}/merge")));

    let stop = async {
        let stopped = soon("the merge to arrive", gate.stops()).await;
        assert_eq!(git(&stand_in, &["rev-parse", "main"]), before);
        assert_eq!(client.get("git/ref/heads/main").await.status, 200, "others pass");
        stopped.let_go();
    };
    let (merged, ()) = tokio::join!(merge(&client, number, "merge"), stop);
    assert_eq!(merged.status, 200);
}

#[tokio::test]
async fn an_answer_may_be_lost_before_and_after_the_deed() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let head = git(&stand_in, &["rev-parse", "main"]);
    for (moment, is_done) in [(Moment::Before, false), (Moment::After, true)] {
        let mut gate = stand_in.gate(moment, |asked| asked.is("POST", "git/refs"));
        let wanted = json!({ "ref": "refs/heads/x", "sha": head });
        let path = in_repository("git/refs");
        let hang_up = async { soon("the request", gate.stops()).await.hang_up() };
        let (lost, ()) = tokio::join!(client.ask(Method::POST, &path, Some(&wanted)), hang_up);
        assert!(lost.is_err(), "{moment:?}: {lost:?}");
        drop(gate);
        assert_eq!(client.get("git/ref/heads/x").await.status == 200, is_done, "{moment:?}");
    }
    let lost: Vec<_> = stand_in.requests().into_iter().filter(|asked| asked.status.is_none()).collect();
    assert_eq!(lost.len(), 2);
    assert!(lost.iter().all(|asked| asked.is("POST", "git/refs") && asked.body.contains("refs/heads/x")));
}

#[tokio::test]
async fn an_answer_may_be_another_and_a_forgotten_gate_lets_go() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    let mut gate = stand_in.gate(Moment::After, |asked| asked.is("GET", "git/ref/heads/main"));
    let path = in_repository("git/ref/heads/main");
    let change = async {
        let stopped = soon("the request", gate.stops()).await;
        assert_eq!(stopped.asked().what, "git/ref/heads/main");
        stopped.answer(StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": "Server Error" }));
    };
    let (changed, ()) = tokio::join!(client.ask(Method::GET, &path, None), change);
    assert_eq!((changed.unwrap().status, stand_in.requests().last().unwrap().status), (500, Some(500)));
    let forget = async { drop(soon("the request", gate.stops()).await) };
    let (answered, ()) = tokio::join!(client.get("git/ref/heads/main"), forget);
    assert_eq!(answered.status, 200);
    drop(gate);
    assert_eq!(soon("an answer", client.get("git/ref/heads/main")).await.status, 200);
}

#[tokio::test]
async fn github_goes_away_and_comes_back_at_the_same_address() {
    let stand_in = stand_in().await;
    let client = Client::of(&stand_in);
    assert_eq!(client.get("").await.status, 200);
    for (how, status) in [(Away::BadGateway, 502), (Away::Unavailable, 503)] {
        stand_in.go_away(how).await;
        let answer = client.ask(Method::GET, &in_repository(""), None).await.unwrap();
        assert_eq!(answer.status, status);
        stand_in.come_back().unwrap();
    }
    stand_in.go_away(Away::Refused).await;
    assert!(client.ask(Method::GET, &in_repository(""), None).await.is_err());
    stand_in.come_back().unwrap();
    assert_eq!(client.get("").await.status, 200);
}

#[tokio::test]
async fn an_enterprise_server_has_its_api_below_a_path() {
    let stand_in = with(Options { base_path: "/api/v3".to_owned(), ..Options::default() }).await;
    assert!(stand_in.url.ends_with("/api/v3"));
    let client = Client::of(&stand_in);
    let repository = client.get("").await;
    assert_eq!(repository.body["url"], json!(format!("{}/repos/example/nixcfg", stand_in.url)));
    let number = stand_in.open_pull_request(two_commits()).await.unwrap();
    let page = client.get(&format!("pulls/{number}")).await.body["html_url"].as_str().unwrap().to_owned();
    assert!(!page.contains("/api/v3"));
    let shown =
        reqwest::Client::builder().user_agent("a browser").build().unwrap().get(&page).send().await.unwrap();
    assert!(shown.text().await.unwrap().contains("Two lines #1"));
}
