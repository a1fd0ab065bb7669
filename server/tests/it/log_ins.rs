//! Logging in while strangers guess, directly and behind a proxy.

use reqwest::{Response, StatusCode, header};

use crate::harness::{Browser, PASSWORD, Server, refused_start};

/// An attempt that says for whom it is forwarded.
async fn attempt(browser: &Browser, server: &Server, client: &str, name: &str, password: &str) -> Response {
    let request = browser.client.post(format!("{}/api/log_in", server.url));
    let fields = [("name", name), ("password", password), ("next", "/")];
    request.header("x-forwarded-for", client).form(&fields).send().await.unwrap()
}

/// What the device's cookie says.
fn device_cookie(answer: &Response) -> String {
    let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
    let device = cookies.map(|cookie| cookie.to_str().unwrap()).find(|cookie| cookie.contains("_device="));
    device.unwrap().to_owned()
}

#[tokio::test]
async fn behind_a_trusted_proxy_a_stranger_makes_only_that_address_wait() {
    let server = Server::start_with(&["--trusted-proxy", "127.0.0.1,::1"]).await;
    let stranger = Browser::stranger(&server.url);
    let mut last = String::new();
    for _ in 0..6 {
        let answer = attempt(&stranger, &server, "10.0.0.9, 203.0.113.7", "admin", "wrong").await;
        last = answer.text().await.unwrap();
    }
    assert!(last.contains("Too many wrong passwords"), "{last}");
    let person = Browser::stranger(&server.url);
    let answer = attempt(&person, &server, "198.51.100.2", "admin", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK, "from another address");
}

#[tokio::test]
async fn nobody_else_says_from_where_and_how_a_request_comes() {
    let server = Server::start().await;
    let stranger = Browser::stranger(&server.url);
    for last in 0..6 {
        attempt(&stranger, &server, &format!("203.0.113.{last}"), "admin", "wrong").await;
    }
    let person = Browser::stranger(&server.url);
    let answer = attempt(&person, &server, "198.51.100.2", "admin", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "the addresses were made up, and the name waits");
    assert!(server.log_text().contains("--trusted-proxy 127.0.0.1"), "{}", server.log_text());

    let server = Server::start().await;
    let request = person.client.post(format!("{}/api/log_in", server.url));
    let fields = [("name", "admin"), ("password", PASSWORD), ("next", "/")];
    let answer = request.header("x-forwarded-proto", "https").form(&fields).send().await.unwrap();
    assert!(!device_cookie(&answer).contains("Secure"), "https was made up");
    let error = refused_start(&["--trusted-proxy", "proxy.lan"]).await;
    assert!(error.contains("not an address or a network"), "{error}");
}

#[tokio::test]
async fn a_known_browser_gets_in_while_strangers_guess_at_the_name() {
    let server = Server::start().await;
    let person = Browser::stranger(&server.url);
    let fields = [("name", "admin"), ("password", PASSWORD), ("next", "/")];
    let cookie = device_cookie(&person.post("log_in", &fields).await);
    for part in ["HttpOnly", "SameSite=Lax", "Path=/api/log_in", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(person.post("log_out", &[]).await.status().is_success());
    let stranger = Browser::stranger(&server.url);
    for _ in 0..6 {
        stranger.post("log_in", &[("name", "admin"), ("password", "wrong"), ("next", "/")]).await;
    }
    assert_eq!(stranger.post("log_in", &fields).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(person.post("log_in", &fields).await.status(), StatusCode::OK);
    assert_eq!(person.get("/").await.status(), StatusCode::OK);
}
