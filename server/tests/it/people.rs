//! Accounts: cookies, invitations, one's own sessions, and the server's own commands.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderValue};

use crate::harness::{Browser, PASSWORD, Server};

const OTHER: &str = "quarry mint banjo eleven";

/// The cookies of an answer, in full.
fn cookies(answer: &reqwest::Response) -> Vec<String> {
    let all = answer.headers().get_all(header::SET_COOKIE);
    all.iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

pub(crate) async fn log_in_as(server: &Server, name: &str, password: &str) -> Browser {
    let browser = Browser::stranger(&server.url);
    let answer = browser.post("log_in", &[("name", name), ("password", password), ("next", "/")]).await;
    assert!(!cookies(&answer).is_empty(), "{answer:?}");
    browser
}

/// The secret of the link that the page of all people shows once.
async fn invite(admin: &Browser, name: &str, role: &str) -> String {
    let answer = admin.post("invite_person", &[("name", name), ("role", role)]).await;
    assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
    let page = admin.get("/people").await.text().await.unwrap();
    let (_, link) = page.split_once("/invite/").expect("the link is shown");
    let secret = link.split(['<', '"', '\\']).next().unwrap().to_owned();
    let again = admin.get("/people").await.text().await.unwrap();
    assert!(!again.contains(&secret) && again.contains(name), "the link is shown once, the invitation stays");
    secret
}

#[tokio::test]
async fn over_https_a_session_is_taken_from_this_host_alone() {
    let server = Server::start_with(&["--public-url", "https://backstay.example.org"]).await;
    // Pages answer to the public name alone.
    let name = [(header::HOST, HeaderValue::from_static("backstay.example.org"))];
    let client = reqwest::Client::builder().default_headers(name.into_iter().collect()).build().unwrap();
    let fields = [("name", "admin"), ("password", PASSWORD), ("next", "/")];
    let answer = client.post(format!("{}/api/log_in", server.url)).form(&fields).send().await.unwrap();
    let cookie = cookies(&answer).remove(0);
    assert!(cookie.starts_with("__Host-backstay=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("; Path=/") && !cookie.contains("Domain"), "{cookie}");
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    for (name, expected) in
        [("__Host-backstay", StatusCode::OK), ("backstay_session", StatusCode::UNAUTHORIZED)]
    {
        let request = client.get(format!("{}/audit.json", server.url));
        let answer = request.header(header::COOKIE, format!("{name}={token}")).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{name}");
    }
}

#[tokio::test]
async fn logging_out_has_the_browser_forget_kept_pages() {
    let server = Server::start().await;
    let answer = server.log_in().await.post("log_out", &[]).await;
    assert_eq!(answer.headers()["clear-site-data"], "\"cache\"");
    let cookie = cookies(&answer).remove(0);
    assert!(cookie.starts_with("backstay_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
}

#[tokio::test]
async fn a_new_log_in_ends_the_session_that_it_replaces() {
    let server = Server::start().await;
    let browser = server.log_in().await;
    let fields = [("name", "admin"), ("password", PASSWORD), ("next", "/")];
    assert!(!cookies(&browser.post("log_in", &fields).await).is_empty());
    let page = browser.get("/account").await.text().await.unwrap();
    assert!(page.contains("this session") && !page.contains("End the session in"), "{page}");
    server.log_in().await;
    assert!(browser.get("/account").await.text().await.unwrap().contains("End the session in"));
}

#[tokio::test]
async fn an_invited_person_joins_once_without_script() {
    let server = Server::start().await;
    let admin = server.log_in().await;
    let secret = invite(&admin, "maria", "operator").await;
    let maria = Browser::stranger(&server.url);
    let page = maria.get(&format!("/invite/{secret}")).await;
    assert_eq!(
        (page.status(), page.headers()["cache-control"].to_str().unwrap()),
        (StatusCode::OK, "no-store")
    );
    assert!(page.text().await.unwrap().contains("admin invites you as operator"));
    let accept = async |password: &str, again: &str| {
        let fields = [("invitation", secret.as_str()), ("password", password), ("again", again)];
        maria.post("accept_invitation", &fields).await
    };
    for (password, again, words) in [
        (OTHER, PASSWORD, "differ"),
        ("too short", "too short", "fewer than 15"),
        ("maria-maria-maria", "maria-maria-maria", "easy to guess"),
    ] {
        let refused = accept(password, again).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let text = refused.text().await.unwrap();
        assert!(text.contains(words) && text.contains("Nothing was changed."), "{text}");
    }
    assert!(cookies(&accept(OTHER, OTHER).await)[0].starts_with("backstay_session="));
    assert_eq!(maria.get("/").await.status(), StatusCode::OK, "she is logged in");
    assert_eq!(accept(OTHER, OTHER).await.status(), StatusCode::CONFLICT, "only once");
    let gone = Browser::stranger(&server.url).get(&format!("/invite/{secret}")).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let refused = maria.get("/people").await.text().await.unwrap();
    assert!(refused.contains("This requires the admin role.") && !refused.contains("Invite a person"));
}

#[tokio::test]
async fn a_plain_form_is_led_back_to_a_page_that_says_the_refusal_once() {
    let server = Server::start().await;
    let admin = server.log_in().await;
    let form = admin
        .client
        .post(format!("{}/api/disable_person", server.url))
        .header(header::ACCEPT, "text/html")
        .form(&[("name", "admin")]);
    let answer = form.send().await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()[header::LOCATION].to_str().unwrap()),
        (StatusCode::FOUND, "/people")
    );
    let words = "admin is the last administrator who can log in. Nothing was changed.";
    assert!(admin.get("/people").await.text().await.unwrap().contains(words));
    assert!(!admin.get("/people").await.text().await.unwrap().contains(words));
}

#[tokio::test]
async fn nobody_but_an_administrator_manages_people() {
    let server = Server::start().await;
    std::fs::write(server.database().with_file_name("maria"), OTHER).unwrap();
    server.run(&["set-password", "--role", "operator", "--password-file", "maria", "maria"]).await;
    let maria = log_in_as(&server, "maria", OTHER).await;
    for (function, fields) in [
        ("invite_person", vec![("name", "x"), ("role", "admin")]),
        ("set_role", vec![("name", "maria"), ("role", "admin")]),
        ("disable_person", vec![("name", "admin")]),
        ("enable_person", vec![("name", "admin")]),
        ("delete_person", vec![("name", "admin")]),
        ("revoke_invitation", vec![("id", "019b0000-0000-7000-8000-000000000001")]),
    ] {
        let answer = maria.post(function, &fields).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{function}");
    }
}

#[tokio::test]
async fn a_disabled_person_hears_no_more_at_once() {
    let server = Server::start().await;
    let admin = server.log_in().await;
    let secret = invite(&admin, "boss", "admin").await;
    let boss = Browser::stranger(&server.url);
    let fields = [("invitation", secret.as_str()), ("password", OTHER), ("again", OTHER)];
    boss.post("accept_invitation", &fields).await;
    let mut events = admin.listen(None).await;
    boss.post("set_role", &[("name", "admin"), ("role", "viewer")]).await;
    assert_eq!(events.unnumbered().await, "resync", "an open page reads the new role");
    boss.post("disable_person", &[("name", "admin")]).await;
    assert!(events.next().await.is_none());
    assert!(admin.get("/").await.status().is_redirection());
}

#[tokio::test]
async fn people_are_managed_by_commands() {
    let server = Server::start().await;
    let list = async || server.run(&["people", "list"]).await;
    assert!(list().await.contains("admin\tadmin\tenabled\tnever\t0"), "{}", list().await);
    for args in [
        &["people", "disable", "admin"][..],
        &["people", "delete", "admin"],
        &["people", "set-role", "admin", "viewer"],
        &["set-password", "--role", "viewer", "--password-file", "admin-password", "admin"],
    ] {
        let error = server.fails(args).await;
        assert!(
            error.contains("admin is the last administrator who can log in. Nothing was changed."),
            "{error}"
        );
    }
    let link =
        ["people", "invite", "maria", "--role", "admin", "--public-url", "https://backstay.example.org"];
    let link = server.run(&link).await;
    assert!(list().await.contains("maria\tadmin\tinvited until "));
    let maria = Browser::stranger(&server.url);
    let secret = link.strip_prefix("https://backstay.example.org/invite/").unwrap();
    let fields = [("invitation", secret), ("password", OTHER), ("again", OTHER)];
    assert_eq!(maria.post("accept_invitation", &fields).await.status(), StatusCode::OK);
    for (args, said) in [
        (&["people", "set-role", "admin", "viewer"][..], "admin is now viewer."),
        (&["people", "disable", "admin"], "admin is disabled and logged out everywhere."),
        (
            &["set-password", "--password-file", "admin-password", "admin"],
            "admin has the new password and is viewer, but disabled.",
        ),
        (&["people", "enable", "admin"], "admin can log in again."),
        (&["people", "delete", "admin"], "admin is deleted. The audit log keeps the name."),
    ] {
        assert_eq!(server.run(args).await, said);
    }
    assert!(!list().await.contains("\nadmin\t"));
    let error = server.fails(&["people", "enable", "admin"]).await;
    assert!(error.contains("There is no person named admin."), "{error}");
    let audit = maria.get("/audit.json").await.text().await.unwrap();
    for action in
        ["user.role", "user.disabled", "user.enabled", "user.deleted", "user.invited", "user.joined"]
    {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test]
async fn sessions_end_when_the_options_say() {
    let error = crate::harness::refused_start(&["--session-idle-hours", "0"]).await;
    assert!(error.contains("--session-idle-hours"), "{error}");
}

/// The code of this seed now, as Debian's `oathtool` computes it; `later` steps of 30 seconds ahead.
async fn oathtool(base32: &str, later: u32) -> String {
    let now = format!("now + {} seconds", later * 30);
    let output =
        tokio::process::Command::new("oathtool").args(["--totp", "--base32", "--now", &now, base32]).output();
    let output = output.await.expect("oathtool is installed: `cargo xtask setup`");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_person_with_a_second_factor_logs_in_with_a_code_without_script() {
    let server = Server::start().await;
    let admin = server.log_in().await;
    admin.post("begin_second_factor", &[]).await;
    let page = admin.get("/account").await.text().await.unwrap();
    assert!(page.contains("QR code of the key"));
    let words: Vec<_> =
        page.split("<code>").filter_map(|part| part.split_once('<')).map(|(text, _)| text).collect();
    let seed = words
        .iter()
        .map(|text| text.replace(' ', ""))
        .find(|text| text.len() == 32)
        .expect("the key is shown");
    let code = oathtool(&seed, 0).await;
    admin.post("confirm_second_factor", &[("password", PASSWORD), ("code", &code)]).await;
    let page = admin.get("/account").await.text().await.unwrap();
    assert!(page.contains("8 recovery codes are left") && page.contains("They are not shown again."));
    assert!(server.run(&["people", "list"]).await.contains("admin\tadmin\tenabled"));

    let browser = Browser::stranger(&server.url);
    let form = async |fields: &[(&str, &str)]| {
        let form =
            browser.client.post(format!("{}/api/log_in", server.url)).header(header::ACCEPT, "text/html");
        let answer = form.form(fields).send().await.unwrap();
        answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
    };
    let asks = form(&[("name", "admin"), ("password", PASSWORD), ("next", "/audit")]).await;
    assert_eq!(asks, "/login?next=/audit&code=1");
    let page = browser.get(&asks).await.text().await.unwrap();
    assert!(page.contains("name=\"code\"") && !page.contains("name=\"password\""), "{page}");
    assert!(browser.get("/").await.status().is_redirection(), "the password alone is not enough");
    form(&[("code", &code), ("next", "/audit")]).await;
    assert!(
        browser.get("/").await.status().is_redirection(),
        "the code confirmed the factor, and is used up"
    );
    assert_eq!(form(&[("code", &oathtool(&seed, 1).await), ("next", "/audit")]).await, "/audit");
    assert_eq!(browser.get("/").await.status(), StatusCode::OK);

    let key = server.database().with_file_name("backstay.sqlite3.master-key");
    let old = std::fs::read_to_string(&key).unwrap();
    assert!(server.run(&["rotate-master-key"]).await.contains("the seeds of 1 second factors"));
    assert_ne!(std::fs::read_to_string(&key).unwrap(), old);
    let said = server.run(&["people", "reset-second-factor", "admin"]).await;
    assert_eq!(said, "admin logs in with the password alone now.");
    server.log_in().await;
    let audit = browser.get("/audit.json").await.text().await.unwrap();
    for action in ["second-factor.on", "user.second-factor-removed"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test]
async fn grants_are_managed_by_commands() {
    let server = Server::start().await;
    let grant = server.run(&["people", "grant", "admin", "operator", "name:web-*"]).await;
    assert_eq!(grant, "admin is now operator on name:web-*.");
    let list = server.run(&["people", "list"]).await;
    assert!(list.contains("\toperator name:web-*"), "{list}");
    let revoked = server.run(&["people", "revoke-grant", "admin", "name:web-*"]).await;
    assert_eq!(revoked, "admin has no role of their own on name:web-* any more.");
    for bad in [["admin", "admin", "tag:a"], ["admin", "operator", "host:a"]] {
        let args = ["people", "grant"].into_iter().chain(bad).collect::<Vec<_>>();
        assert!(server.fails(&args).await.contains("grant"), "{bad:?}");
    }
}
