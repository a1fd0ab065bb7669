//! Text from people and hosts stays text on every page: it cannot end an element or begin another.

use backstay_model::wire::message::{AgentMessage, OpResult, ServerMessage};
use backstay_model::{Checkout, Commit, OpId, Outcome, OutputLine, Stream, TestResult, TestsFolder, sample};
use reqwest::StatusCode;

use crate::harness::{Agent, Browser, Server, facts, generation, now};

/// Ends any surrounding element, and begins its own.
const MARKUP: &str = "\"'></textarea></title></script></style></noscript></option><img data-broken>";
/// What no page may contain.
const BROKEN: &str = "<img data-broken";

/// The same as part of an address.
fn in_address() -> String {
    MARKUP.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// A host that sends it in every text that a host can send.
fn odd_facts() -> backstay_model::Facts {
    let mut facts = facts(48);
    let text = || MARKUP.to_owned();
    facts.profile = text();
    facts.failed_units = vec![text(), text()];
    facts.nix_version = Some(text());
    facts.problems = vec![text()];
    facts.tests =
        Some(TestsFolder { path: text(), names: vec![text()], timeout_secs: 1, max_timeout_secs: 2 });
    let result = TestResult { name: text(), passed: false, duration_ms: 1, tail: vec![text()] };
    facts.test_runs.iter_mut().for_each(|run| run.results.push(result.clone()));
    for generation in &mut facts.generations {
        generation.version = Some(text());
        generation.kernel = Some(text());
        generation.inhibitors = vec![text()];
        generation.commit = Some(Commit(text()));
    }
    facts.checkout = Some(Checkout { path: text(), commit: Commit(text()), ..sample::checkout("c") });
    facts
}

/// A rollback with it in the reason, the output and the result.
async fn odd_op(browser: &Browser, agent: &mut Agent) -> OpId {
    let [target, seen] = [47, 48].map(|number| {
        let generation = generation(number, false);
        format!("{} {}", generation.number, generation.store_path)
    });
    let fields =
        [("host", "gpc0"), ("target", &*target), ("seen", &*seen), ("reason", MARKUP), ("back", "/")];
    let answer = browser.post("request_rollback", &fields).await;
    assert!(!answer.status().is_client_error(), "{answer:?}");
    let op = loop {
        if let ServerMessage::Run { op, .. } = agent.hear().await.expect("an op") {
            break op;
        }
    };
    agent.say(AgentMessage::Accepted { op }).await;
    let line = OutputLine { seq: 1, stream: Stream::Stdout, at: now(), text: MARKUP.into() };
    agent.say(AgentMessage::Output { op, lines: vec![line] }).await;
    let result = OpResult { exit_code: Some(1), ..sample::op_result(Outcome::Failed, MARKUP, now()) };
    let facts = Box::new(odd_facts());
    agent.say(AgentMessage::Finished { op, result, lines: 1, facts }).await;
    loop {
        if agent.hear().await.expect("an answer") == (ServerMessage::FinishStored { op }) {
            return op;
        }
    }
}

#[tokio::test]
async fn what_people_and_hosts_write_is_markup_on_no_page() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let labels = [("host", "gpc0"), ("tags", "desk"), ("notes", MARKUP)];
    assert!(!browser.post("set_labels", &labels).await.status().is_client_error());
    let build = generation(47, false).store_path;
    let pin = [("host", "gpc0"), ("generation", &*format!("47 {build}")), ("note", MARKUP)];
    assert!(!browser.post("pin_generation", &pin).await.status().is_client_error());
    let op = odd_op(&browser, &mut agent).await;
    let odd = in_address();
    let pages = [
        "/".to_owned(),
        format!("/?log={op}"),
        format!("/?q={odd}"),
        "/hosts/gpc0".to_owned(),
        format!("/hosts/{odd}"),
        "/hosts/gpc0/pin/47".to_owned(),
        "/hosts/gpc0/rollback".to_owned(),
        format!("/hosts/{odd}/rollback"),
        "/rollback?host=gpc0".to_owned(),
        format!("/rollback?host={odd}"),
        "/rollout".to_owned(),
        format!("/rollout?q={odd}&kind={odd}"),
        "/ops".to_owned(),
        format!("/ops?host={odd}&by={odd}&kind={odd}&outcome={odd}"),
        format!("/ops/{op}"),
        format!("/ops/{odd}"),
        "/audit".to_owned(),
        format!("/audit?host={odd}&actor={odd}&action={odd}"),
        format!("/deployments/{odd}"),
        format!("/deployments/{odd}/revert"),
        format!("/pull-requests/{odd}/merge"),
        "/notices".to_owned(),
        "/about".to_owned(),
        "/add-host".to_owned(),
        format!("/{odd}"),
    ];
    for page in &pages {
        let text = browser.get(page).await.text().await.unwrap();
        assert!(text.contains("</html>"), "{page} is not whole");
        let at =
            text.find(BROKEN).map(|at| text[at.saturating_sub(200)..].chars().take(260).collect::<String>());
        assert_eq!(at, None, "{page}");
    }
    let stranger = Browser::stranger(&server.url);
    let login = stranger.get(&format!("/login?next=/{odd}")).await;
    assert_eq!(login.status(), StatusCode::OK);
    assert!(!login.text().await.unwrap().contains(BROKEN), "the log-in page");

    // It was visible.
    let host = browser.get("/hosts/gpc0").await.text().await.unwrap();
    assert!(host.matches("&lt;img data-broken").count() > 10, "the host's page shows what was written");
    let notes = host.split_once("<textarea").unwrap().1.split_once("</textarea>").unwrap().0;
    assert!(notes.contains("&lt;/textarea&gt;") && notes.contains("&lt;img data-broken&gt;"), "{notes}");
}
