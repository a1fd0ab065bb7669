//! An op's output as a download.

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{OpId, OutputLine, Stream};
use reqwest::{StatusCode, header};

use crate::harness::{Agent, Browser, Server, now};

/// More than one batch from the store.
const LINES: u64 = 4_500;

/// An op of gpc0 with this number of lines.
async fn op_with_output(browser: &Browser, agent: &mut Agent) -> OpId {
    browser.post("request_op", &[("host", "gpc0"), ("kind", "refresh")]).await;
    let Some(ServerMessage::Run { op, .. }) = agent.hear().await else { panic!("no op") };
    agent.say(AgentMessage::Accepted { op }).await;
    let numbers: Vec<u64> = (1..=LINES).collect();
    for numbers in numbers.chunks(200) {
        let line = |seq: &u64| OutputLine {
            seq: *seq,
            stream: Stream::Stdout,
            at: now(),
            text: format!("\x1b[32mline\x1b[0m {seq}"),
        };
        agent.say(AgentMessage::Output { op, lines: numbers.iter().map(line).collect() }).await;
        let through = *numbers.last().unwrap();
        assert_eq!(agent.hear().await, Some(ServerMessage::OutputStored { op, through }));
    }
    op
}

#[tokio::test]
async fn the_whole_output_is_a_plain_text() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let op = op_with_output(&browser, &mut agent).await;
    let answer = browser.get(&format!("/ops/{op}/output.txt")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let said = |name: header::HeaderName| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(said(header::CONTENT_TYPE), "text/plain; charset=utf-8");
    assert_eq!(said(header::CACHE_CONTROL), "no-store");
    assert_eq!(
        said(header::CONTENT_DISPOSITION),
        format!("attachment; filename=\"backstay-gpc0-refresh-{op}.txt\"")
    );
    let wanted = (1..=LINES).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n") + "\n";
    assert_eq!(answer.text().await.unwrap(), wanted);

    let to_look_at = browser.get(&format!("/ops/{op}/output.txt?show")).await;
    assert!(to_look_at.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("inline;"));
    assert_eq!(to_look_at.text().await.unwrap(), wanted);
}

#[tokio::test]
async fn strangers_get_no_output() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let op = op_with_output(&browser, &mut agent).await;
    let answer = Browser::stranger(&server.url).get(&format!("/ops/{op}/output.txt")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.text().await.unwrap().contains("line"));
}

#[tokio::test]
async fn what_is_no_op_has_no_output() {
    let server = Server::start().await;
    let browser = server.log_in().await;
    for id in ["nothing", "019b0000-0000-7000-8000-000000000001"] {
        let answer = browser.get(&format!("/ops/{id}/output.txt")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{id}");
    }
}
