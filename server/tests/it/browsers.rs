//! What browsers may do, and what unauthenticated clients may not.

// Links the server functions into this test, which lists them.
use backstay_app as _;

use backstay_model::wire::message::AgentMessage;
use reqwest::{StatusCode, header};

use crate::harness::{Browser, PASSWORD, Server, facts, refused_start, soon};

/// Calls every server function, including those added later.
#[tokio::test]
async fn no_server_function_answers_a_stranger() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let stranger = Browser::stranger(&server.url);
    let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    assert!(functions.len() > 5, "{functions:?}");
    for path in functions.iter().filter(|path| **path != "/api/log_in") {
        let answer = stranger
            .client
            .post(format!("{}{path}", server.url))
            .header(header::ACCEPT, "application/json")
            .form(&[("host", "gpc0"), ("name", "gpc0"), ("id", "019b0000-0000-7000-8000-000000000001")])
            .send()
            .await
            .unwrap();
        assert!(!answer.status().is_success(), "{path} answers {}", answer.status());
        assert!(!answer.text().await.unwrap().contains("nix/store"), "{path} tells a stranger of the host");
    }
}

#[tokio::test]
async fn no_page_shows_a_stranger_anything() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let stranger = Browser::stranger(&server.url);
    for path in ["/", "/hosts/gpc0", "/hosts/gpc0/rollback", "/ops", "/ops?host=gpc0", "/audit"] {
        let answer = stranger.get(path).await;
        assert!(answer.status().is_redirection(), "{path} answers {}", answer.status());
        let to = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
        assert!(to.starts_with("/login"), "{path} leads to {to}");
        assert!(!answer.text().await.unwrap().contains("nix/store"), "{path}");
    }
    assert_eq!(stranger.get("/events").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let server = Server::start().await;
    let stranger = Browser::stranger(&server.url);
    for (name, password) in [("admin", "wrong"), ("nobody", PASSWORD), ("admin", "")] {
        let answer = stranger.post("log_in", &[("name", name), ("password", password), ("next", "/")]).await;
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{name}: {answer:?}");
    }
    assert!(stranger.get("/").await.status().is_redirection());
}

#[tokio::test]
async fn the_session_cookie_is_kept_from_scripts_and_other_sites() {
    let server = Server::start().await;
    let stranger = Browser::stranger(&server.url);
    let answer = stranger.post("log_in", &[("name", "admin"), ("password", PASSWORD), ("next", "/")]).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[tokio::test]
async fn logging_in_leads_to_this_site_alone() {
    let server = Server::start().await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/.//evil.example",
    ] {
        let stranger = Browser::stranger(&server.url);
        let answer =
            stranger.post("log_in", &[("name", "admin"), ("password", PASSWORD), ("next", next)]).await;
        let to = answer.headers().get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned());
        assert!(
            to.as_deref().is_none_or(|to| to == "/" || to == format!("{}/", server.url)),
            "{next} leads to {to:?}"
        );
    }
}

#[tokio::test]
async fn another_sites_form_is_not_taken() {
    let server = Server::start().await;
    let browser = server.log_in().await;
    for path in ["/api/log_out", "/api/request_rollback"] {
        let answer = browser
            .client
            .post(format!("{}{path}", server.url))
            .header(header::ORIGIN, "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .form(&[("host", "gpc0")])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(browser.get("/").await.status(), StatusCode::OK, "still logged in");
}

#[tokio::test]
async fn pages_are_not_kept_framed_or_scripted_by_others() {
    let server = Server::start().await;
    let answer = server.log_in().await.get("/").await;
    let header =
        |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert!(header("permissions-policy").contains("camera=()"));
    let policy = header("content-security-policy");
    assert!(policy.contains("'nonce-") && !policy.contains("'unsafe-inline'"), "{policy}");
}

#[tokio::test]
async fn browsers_are_kept_to_https_if_that_is_how_they_reach_the_server() {
    for (url, expected) in
        [("https://backstay.example.org", Some("max-age=31536000")), ("http://backstay.lan:7340", None)]
    {
        let server = Server::start_with(&["--public-url", url]).await;
        let host = url.split_once("://").unwrap().1;
        let request = Browser::stranger(&server.url).client.get(format!("{}/login", server.url));
        let answer = request.header(header::HOST, host).send().await.unwrap();
        let policy = answer.headers().get("strict-transport-security").map(|value| value.to_str().unwrap());
        assert_eq!(policy, expected, "{url}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert_eq!(policy.contains("upgrade-insecure-requests"), expected.is_some(), "{policy}");
    }
    let error = refused_start(&["--public-url", "https://example.org/backstay"]).await;
    assert!(error.contains("without a path"), "{error}");
}

#[tokio::test]
async fn a_session_has_only_so_many_streams() {
    let server = Server::start().await;
    let person = server.log_in().await;
    let open = || person.client.get(format!("{}/events", server.url)).send();
    let mut streams = vec![];
    for _ in 0..32 {
        streams.push(open().await.unwrap());
    }
    assert_eq!(open().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    drop(server.log_in().await.listen(None).await);
    drop(streams);
    let reopened = async {
        while open().await.unwrap().status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    soon("a place for another stream", reopened).await;
}

#[tokio::test]
async fn a_page_that_was_away_hears_what_it_missed() {
    let server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    // Tests that follow a change would be events of their own.
    browser.post("set_auto_test", &[("host", "gpc0"), ("on", "false")]).await;
    let mut first = browser.listen(None).await;
    agent.say(AgentMessage::Facts { facts: Box::new(facts(47)) }).await;
    let (seen, ..) = first.next().await.unwrap();
    agent.say(AgentMessage::Facts { facts: Box::new(facts(46)) }).await;
    let (missed, name, _) = first.next().await.unwrap();
    drop(first);
    let (again, same_name, data) = browser.listen(Some(seen)).await.next().await.unwrap();
    assert_eq!((again, same_name), (missed, name));
    assert_eq!(data["host"]["generation"]["number"], 46);
}

#[tokio::test]
async fn a_page_from_before_a_restart_reads_everything_again() {
    let mut server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let last = {
        let mut events = server.log_in().await.listen(Some(0)).await;
        events.next().await.unwrap().0
    };
    server.restart().await;
    let (_, name, _) = server.log_in().await.listen(Some(last)).await.next().await.unwrap();
    assert_eq!(name, "resync");
}

#[tokio::test]
async fn whoever_is_locked_out_hears_no_more() {
    let server = Server::start().await;
    let mut events = server.log_in().await.listen(None).await;
    server.run(&["set-password", "--password-file", "admin-password", "admin"]).await;
    let end = events.next().await;
    assert!(end.is_none(), "{end:?}");
}

#[tokio::test]
async fn a_password_is_read_from_standard_input_and_never_from_the_command_line() {
    let server = Server::start().await;
    let said = server.run_with("a new long password\n", &["set-password", "admin"]).await;
    assert_eq!(said, "admin can log in with the new password and is admin.");
    let browser = Browser::stranger(&server.url);
    let fields = [("name", "admin"), ("password", "a new long password"), ("next", "/")];
    assert_eq!(browser.post("log_in", &fields).await.status(), StatusCode::OK);
    let error = server.fails(&["set-password", "admin", "--password", "secret enough"]).await;
    assert!(error.contains("unexpected argument"), "{error}");
}

#[tokio::test]
async fn a_stream_without_events_says_that_the_server_is_there() {
    let server = Server::start().await;
    let mut events = server.log_in().await.listen(None).await;
    let said = events.text().await;
    assert!(said.contains("event: alive") && said.contains("data: 1") && !said.contains("id:"), "{said}");
}
