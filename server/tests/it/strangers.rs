//! Unauthenticated clients: whatever they send, and however often, people and agents can connect.

use std::net::SocketAddr;

use backstay_model::wire::message::AgentMessage;
use reqwest::{StatusCode, header};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bad_host::memory;
use crate::harness::{Agent, Browser, Server, facts, soon};

/// The usual limit of open files for services.
const FILES: u64 = 1_024;
/// More connections than that.
const CROWD: usize = 1_100;

fn address(server: &Server) -> SocketAddr {
    server.url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Raises this process's own limit for the flood.
fn make_room() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// The answer to this text.
async fn said(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = vec![];
    soon("the answer", stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crowd_that_sends_half_a_request_keeps_nobody_out() {
    make_room();
    let server = Server::start().await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.id()).unwrap());
    let usual = Rlimit { current: Some(FILES), maximum: Some(FILES) };
    rustix::process::prlimit(pid, Resource::Nofile, usual).unwrap();
    let mut before = server.host("gpc0").await;
    let person = server.log_in().await;
    let mut events = person.listen(None).await;

    let mut crowd = vec![];
    for _ in 0..CROWD {
        let mut stream = soon("a connection", TcpStream::connect(address(&server))).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        crowd.push(stream);
    }

    let stranger = Browser::stranger(&server.url);
    assert_eq!(stranger.get("/healthz").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(person.get("/").await.status(), StatusCode::OK, "who is logged in stays in");
    assert_eq!(server.log_in().await.get("/").await.status(), StatusCode::OK, "who is not gets in");
    before.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    let heard = events
        .host("news over the old connections", |h| h.generation.as_ref().is_some_and(|g| g.number == 47));
    assert!(heard.await.online);
    let _after = server.host("gpc1").await;
    assert!(!server.log_text().contains("no connection can be accepted"));
}

#[tokio::test]
async fn malformed_requests_are_the_strangers_fault_and_fill_no_log() {
    let server = Server::start().await;
    let stranger = Browser::stranger(&server.url);
    let paths: Vec<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    for path in paths {
        for body in ["statuses[0]=no&id=%FF&host[x]=1&number=-", "\u{fffd}=%zz&&&=", ""] {
            let request = stranger.client.post(format!("{}{path}", server.url));
            let answer = request
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body)
                .send()
                .await
                .unwrap();
            assert!(answer.status().is_client_error(), "{path} {body:?}: {}", answer.status());
        }
    }
    assert!(!server.log_text().contains("ERROR"), "{}", server.log_text());
}

#[tokio::test]
async fn an_agent_behind_a_proxy_that_sends_an_origin_hears_what_to_change() {
    let server = Server::start().await;
    let answer = said(
        &server,
        "GET /agent/socket HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nAuthorization: Bearer x\r\n\
         Connection: close, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("proxy_set_header Origin \"\";"), "{answer}");
}

#[tokio::test]
async fn a_click_through_a_proxy_that_rewrites_the_host_hears_what_to_change() {
    let server = Server::start().await;
    let answer = said(
        &server,
        "POST /api/log_out HTTP/1.1\r\nHost: 127.0.0.1:7340\r\nOrigin: http://backstay.example.org\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("proxy_set_header Host"), "{answer}");
}

/// Log-ins under ever other names, requests that never come to their end, and heads as long as the server takes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_of_everything_keeps_nobody_out_and_the_memory_small() {
    const MANY: usize = 150;
    make_room();
    let server = Server::start().await;
    let person = server.log_in().await;
    let before = memory(&server);
    let half = format!(
        "POST /api/log_in HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    let long = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(100_000));
    let mut crowd = vec![];
    for number in 0..MANY {
        for text in [&half, &long] {
            let mut stream = soon("a connection", TcpStream::connect(address(&server))).await.unwrap();
            // The server may have hung up already.
            let _ = stream.write_all(text.as_bytes()).await;
            crowd.push(stream);
        }
        let body = format!("name=n{number}&password=wrong&next=%2F");
        let request = format!(
            "POST /api/log_in HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = soon("a connection", TcpStream::connect(address(&server))).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        crowd.push(stream);
    }
    assert_eq!(Browser::stranger(&server.url).get("/healthz").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(person.get("/").await.status(), StatusCode::OK, "who is logged in stays in");
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 200 * 1024 * 1024, "{} MiB", grown / 1024 / 1024);
}

#[tokio::test]
async fn a_link_of_somebody_else_puts_no_words_on_our_pages() {
    let server = Server::start().await;
    let stranger = Browser::stranger(&server.url);
    // {"Said":"Call 555"}
    let link = "/login?__path=%2Fapi%2Flog_in&__err=eyJTYWlkIjoiQ2FsbCA1NTUifQ%3D%3D&next=%2Fops";
    let asked = |site: &'static str| {
        let request =
            stranger.client.get(format!("{}{link}", server.url)).header(header::ACCEPT, "text/html");
        request.header("sec-fetch-site", site).send()
    };
    let ours = asked("same-origin").await.unwrap();
    assert!(ours.text().await.unwrap().contains("Call 555"), "a refusal of our own is shown");
    for site in ["cross-site", "same-site", "none"] {
        let answer = asked(site).await.unwrap();
        assert_eq!(answer.headers()[header::LOCATION], "/login?next=%2Fops", "{site}");
    }
    assert_eq!(stranger.get(link).await.headers()[header::LOCATION], "/login?next=%2Fops");
}

#[tokio::test]
async fn with_a_public_url_pages_answer_to_no_other_name() {
    let server = Server::start_with(&["--public-url", "https://backstay.example.org"]).await;
    let asked = async |path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        said(&server, &request).await
    };
    for path in ["/login", "/events", "/audit.csv", "/favicon.svg", "/api/log_in"] {
        let answer = asked(path, "evil.example").await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{path}: {answer}");
        assert!(answer.contains("Open https://backstay.example.org"), "{answer}");
    }
    assert!(asked("/login", "backstay.example.org").await.starts_with("HTTP/1.1 200"));
    let answer = asked("/healthz", "10.0.0.1:7340").await;
    assert!(answer.starts_with("HTTP/1.1 204"), "a health check has only the address: {answer}");
    assert!(asked("/agent/socket", "10.0.0.1:7340").await.starts_with("HTTP/1.1 4"));
    assert_eq!(
        Agent::new("gpc0").open(&server).await,
        Err(StatusCode::UNAUTHORIZED),
        "asked as any other agent"
    );
}

#[tokio::test]
async fn the_event_stream_is_passed_on_at_once_by_proxies() {
    let server = Server::start().await;
    let events = server.log_in().await.listen(None).await;
    assert_eq!(events.header("x-accel-buffering"), "no");
    assert_eq!(events.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_database_that_fails_is_no_reason_to_forget_a_host() {
    use sqlx::Connection;
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    agent.cut();
    agent.join = None;
    let person = server.log_in().await;
    let url = format!("sqlite://{}", server.database().display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for table in ["hosts", "sessions"] {
        let renamed = sqlx::AssertSqlSafe(format!("ALTER TABLE {table} RENAME TO gone_{table}"));
        sqlx::query(renamed).execute(&mut database).await.unwrap();
    }
    assert_eq!(agent.open(&server).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(person.get("/audit.csv").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(server.log_text().contains("could not be looked up"));
    assert_eq!(Agent::new("gpc1").open(&server).await, Err(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn looking_at_the_audit_log_of_a_mistyped_path_makes_no_database() {
    let server = Server::start().await;
    let real = format!("sqlite://{}", server.database().display());
    let intact = server.run(&["verify-audit", "--database", &real]).await;
    assert!(intact.starts_with("The audit log is intact: "), "{intact}");
    let mark = intact.split_whitespace().next_back().unwrap();
    let head = server.run(&["audit-head", "--database", &real]).await;
    assert_eq!(head, mark);
    let again = server.run(&["verify-audit", "--database", &real, "--after", mark]).await;
    assert_eq!(again, intact, "from a mark that was kept");
    let foreign = mark.split_once(':').map(|(seq, _)| format!("{seq}:{}", "0".repeat(64))).unwrap();
    let failed = server.fails(&["verify-audit", "--database", &real, "--after", &foreign]).await;
    assert!(failed.contains("was changed"), "{failed}");
    let mistyped = server.database().with_file_name("backstay.sqlite");
    for command in ["verify-audit", "audit-head"] {
        let failed = server.fails(&[command, "--database", mistyped.to_str().unwrap()]).await;
        assert!(failed.contains("cannot be read"), "{failed}");
    }
    assert!(!mistyped.exists());
}
