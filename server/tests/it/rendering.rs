//! Pages under load: each request gets the right page, complete.

use std::time::Duration;

use backstay_model::wire::message::AgentMessage;
use futures::future::join_all;
use reqwest::StatusCode;

use crate::harness::{Agent, Browser, Server, facts};

const HOSTS: [&str; 3] = ["gpc0", "hsb0", "imac0"];
/// Number of concurrent readers, and of pages for each.
const READERS: usize = 12;
const PAGES_EACH: usize = 60;
/// One in this many pages is left before it arrives.
const LEAVES: usize = 8;

/// Every kind of page with its title.
fn pages() -> Vec<(String, String)> {
    let of_hosts = HOSTS.iter().flat_map(|name| {
        [
            (format!("/hosts/{name}"), (*name).to_owned()),
            (format!("/hosts/{name}/rollback"), format!("Rollback System - {name}")),
            (format!("/hosts/{name}/here/rollback"), format!("Rollback System - {name}")),
        ]
    });
    let others = [
        ("/", "Fleet"),
        ("/?log=019b0000-0000-7000-8000-000000000001", "Fleet"),
        ("/rollout", "Roll out"),
        ("/deployments", "Deployments"),
        ("/ops", "Ops"),
        ("/ops?host=gpc0", "Ops"),
        ("/audit", "Audit log"),
    ];
    of_hosts.chain(others.map(|(path, title)| (path.to_owned(), title.to_owned()))).collect()
}

/// Number of pages for each reader. Raise it to search for a rare fault.
fn pages_each() -> usize {
    std::env::var("BACKSTAY_TEST_PAGES_EACH").ok().and_then(|n| n.parse().ok()).unwrap_or(PAGES_EACH)
}

/// Reads pages one after the other, and sometimes does not wait.
async fn read(browser: &Browser, reader: usize, pages: &[(String, String)]) {
    for number in 0..pages_each() {
        // Different step lengths let readers meet on changing pages.
        let (path, title) = &pages[(reader + number * (1 + reader % 3)) % pages.len()];
        if (number + reader).is_multiple_of(LEAVES) {
            let soon = Duration::from_millis((number % 20) as u64);
            drop(tokio::time::timeout(soon, browser.get(path)).await);
            continue;
        }
        let answer = browser.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let page = answer.text().await.unwrap_or_else(|error| panic!("{path} is not whole: {error}"));
        assert!(page.contains("</html>"), "{path} is not whole");
        let shown = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        // In front of it stands how many hosts have failed.
        let shown = shown.and_then(|(shown, _)| shown.rsplit("✗ ").next());
        assert_eq!(shown, Some(format!("{title} · Backstay").as_str()), "{path} has another page's title");
    }
}

/// Reports, and reconnects after every few reports, until nobody waits for it.
async fn report(agent: &mut Agent, server: &Server, browser: &Browser) {
    let (mut events, name) = (browser.listen(None).await, agent.name.clone());
    for number in 0.. {
        if number % 5 == 4 {
            agent.cut();
            agent.connect(server, vec![]).await;
        }
        let current = if number % 2 == 0 { 47 } else { 48 };
        agent.say(AgentMessage::Facts { facts: Box::new(facts(current)) }).await;
        events.host("the report", |host| host.name == name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_whole_and_its_own_while_hosts_report() {
    let server = Server::start().await;
    let mut agents = join_all(HOSTS.map(|name| server.host(name))).await;
    let (browser, pages) = (server.log_in().await, pages());
    let readers = join_all((0..READERS).map(|reader| read(&browser, reader, &pages)));
    tokio::select! {
        _ = readers => {}
        _ = join_all(agents.iter_mut().map(|agent| report(agent, &server, &browser))) => unreachable!("agents go on"),
    }
}
