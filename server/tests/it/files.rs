//! The files that pages load, and how long browsers cache them.

use std::fs;

use reqwest::{StatusCode, header};

use crate::harness::{Browser, Server};

/// A folder with the page's files; the style sheet is also there compressed.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| fs::write(site.path().join(name), content).unwrap();
    fs::create_dir(site.path().join("pkg")).unwrap();
    file("pkg/backstay.css", "a { color: red }");
    file("pkg/backstay.css.br", "smaller");
    file("sw.js", "// worker");
    site
}

async fn served(site: &tempfile::TempDir) -> Server {
    Server::start_with(&["--site-root", site.path().to_str().unwrap()]).await
}

/// The address of the style sheet in a page.
async fn style_sheet(server: &Server) -> String {
    let page = Browser::stranger(&server.url).get("/login").await.text().await.unwrap();
    let (_, from) = page.split_once("/pkg/backstay.css").unwrap();
    format!("/pkg/backstay.css{}", from.split('"').next().unwrap())
}

fn told(answer: &reqwest::Response, name: header::HeaderName) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_file_is_kept_for_as_long_as_its_address_says_what_it_is() {
    let site = site();
    let server = served(&site).await;
    let browser = Browser::stranger(&server.url);
    let address = style_sheet(&server).await;
    let kept = browser.get(&address).await;
    assert_eq!(told(&kept, header::CACHE_CONTROL), "public, max-age=31536000, immutable", "{address}");
    for other in ["/pkg/backstay.css", "/pkg/backstay.css?v=0000000000000000", "/sw.js"] {
        assert_eq!(told(&browser.get(other).await, header::CACHE_CONTROL), "no-cache", "{other}");
    }
    let policy = told(&kept, header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let missing = browser.get(&address.replace(".css", ".wasm")).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(told(&missing, header::CACHE_CONTROL), "no-cache", "that it is missing is not kept");

    fs::write(site.path().join("pkg/backstay.css"), "a { color: blue }").unwrap();
    let newer = served(&site).await;
    assert_ne!(style_sheet(&newer).await, address, "another file has another address");
}

#[tokio::test]
async fn the_smaller_form_is_sent_to_who_reads_it() {
    let site = site();
    let server = served(&site).await;
    let address = format!("{}{}", server.url, style_sheet(&server).await);
    let client = reqwest::Client::new();
    let smaller = client.get(&address).header(header::ACCEPT_ENCODING, "br").send().await.unwrap();
    assert_eq!(told(&smaller, header::CONTENT_ENCODING), "br");
    assert_eq!(smaller.bytes().await.unwrap(), "smaller");
    let plain = client.get(&address).header(header::ACCEPT_ENCODING, "identity").send().await.unwrap();
    assert_eq!(plain.text().await.unwrap(), "a { color: red }");
    let page = client.get(format!("{}/login", server.url)).header(header::ACCEPT_ENCODING, "gzip");
    let page = page.send().await.unwrap();
    assert_eq!(told(&page, header::CONTENT_ENCODING), "gzip");
}
