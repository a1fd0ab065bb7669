//! Pinned generations: from the form to the host's page, the rollback dialog and the audit log.

use crate::harness::{Browser, Server, generation};
use crate::people::log_in_as;

/// A generation as forms send it.
fn form_text(number: u32) -> String {
    format!("{number} {}", generation(number, false).store_path)
}

async fn page(browser: &Browser, path: &str) -> String {
    browser.get(path).await.text().await.unwrap()
}

#[tokio::test]
async fn a_pin_is_on_every_page_about_the_generation_until_it_is_removed() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let mut events = browser.listen(None).await;
    let before = page(&browser, "/hosts/gpc0/rollback").await;
    assert!(before.contains("Last known working") && !before.contains("Pinned by"));

    let build = form_text(46);
    let fields = [("host", "gpc0"), ("generation", &*build), ("note", "before the “new” kernel")];
    let answer = browser.post("pin_generation", &fields).await;
    assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
    events.host("the host's page reads the pin", |host| host.name == "gpc0").await;
    for path in ["/hosts/gpc0", "/hosts/gpc0/rollback", "/hosts/gpc0/pin/46"] {
        let text = page(&browser, path).await;
        assert!(text.contains("Pinned by admin: before the “new” kernel"), "{path}");
    }
    let dialog = page(&browser, "/hosts/gpc0/rollback").await;
    let working = |page: &str| page.split("Last known working").next().unwrap().matches("data-place").count();
    assert_eq!(working(&dialog), working(&before), "a pin does not decide what worked");
    assert!(page(&browser, "/audit").await.contains("Gen 46 is pinned: “before the “new” kernel”."));

    browser.post("unpin_generation", &fields[..2]).await;
    assert!(!page(&browser, "/hosts/gpc0").await.contains("Pinned by"));
    assert!(page(&browser, "/audit").await.contains("Gen 46 is no longer pinned."));
}

#[tokio::test]
async fn what_is_no_generation_of_the_host_is_not_pinned() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let (build, long) = (form_text(46), "ü".repeat(201));
    for (build, note) in [("46 /nix/store/other", ""), ("7 /nix/store/x", ""), ("46", ""), (&*build, &*long)]
    {
        let fields = [("host", "gpc0"), ("generation", build), ("note", note)];
        assert!(browser.post("pin_generation", &fields).await.status().is_client_error(), "{build}");
    }
    assert!(!page(&browser, "/audit").await.contains("is pinned"));
    assert_eq!(browser.get("/hosts/gpc0/pin/7").await.status(), 404);
}

#[tokio::test]
async fn a_pin_is_offered_to_those_who_may_pin_on_this_host_alone() {
    const PASSWORD: &str = "a viewer of most hosts";
    let server = Server::start().await;
    let _agents = (server.host("gpc0").await, server.host("hsb0").await);
    std::fs::write(server.database().with_file_name("maria"), PASSWORD).unwrap();
    server.run(&["set-password", "--role", "viewer", "--password-file", "maria", "maria"]).await;
    server.run(&["people", "grant", "maria", "operator", "name:hsb0"]).await;
    let maria = log_in_as(&server, "maria", PASSWORD).await;
    for (host, offered) in [("gpc0", false), ("hsb0", true)] {
        let form = page(&maria, &format!("/hosts/{host}/pin/46")).await;
        assert_eq!(form.contains("/api/pin_generation"), offered, "{host}");
        assert_eq!(form.contains("Pinning requires the operator role."), !offered, "{host}");
        assert_eq!(page(&maria, &format!("/hosts/{host}")).await.contains("Pin Gen 46"), offered, "{host}");
    }
}

#[tokio::test]
async fn a_generation_that_is_gone_is_not_offered_for_a_pin() {
    let server = Server::start().await;
    let _agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    let host = page(&browser, "/hosts/gpc0").await;
    assert!(
        host.contains("Pin Gen 46") && host.contains("garbage-collected") && !host.contains("Pin Gen 45")
    );
    let form = page(&browser, "/hosts/gpc0/pin/45").await;
    assert!(form.contains("It was garbage-collected") && !form.contains("/api/pin_generation"));
}
