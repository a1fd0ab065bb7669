//! The stories that depend on the database, on PostgreSQL.

use std::path::PathBuf;
use std::process::Stdio;

use backstay_model::wire::message::AgentMessage;
use backstay_model::{Outcome, OutputLine, Stream};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::harness::{Server, facts, now, soon, use_database};
use crate::rollback::{ask, finish, result, take_run};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An empty database. The server of this test alone ends with the first value.
async fn database() -> (Option<backstay_postgres::Server>, String) {
    let shared = std::env::var_os(backstay_postgres::VARIABLE).map(PathBuf::from);
    let own = shared.is_none().then(|| backstay_postgres::Server::start().unwrap());
    let folder = shared.unwrap_or_else(|| own.as_ref().unwrap().folder().to_owned());
    let name = format!("it_{}", backstay_model::HostId::new().to_string().replace('-', "_"));
    run(&backstay_postgres::url(&folder, "postgres"), &format!("CREATE DATABASE {name}")).await;
    (own, backstay_postgres::url(&folder, &name))
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

async fn server_on(url: &str) -> Server {
    let dir = tempfile::tempdir().unwrap();
    use_database(&dir, url);
    std::fs::write(dir.path().join("key"), KEY).unwrap();
    std::fs::set_permissions(dir.path().join("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    Server::start_in(dir, &["--master-key-file", "key"]).await
}

#[tokio::test]
async fn a_host_joins_rolls_back_and_everything_survives_a_restart() {
    let (_postgres, url) = database().await;
    let mut server = server_on(&url).await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    ask(&browser, "gpc0", 48, 47).await;
    let (op, _) = take_run(&mut agent).await;
    // A program of the host may print any character, also the one that PostgreSQL cannot store.
    let line = OutputLine { seq: 1, stream: Stream::Stdout, at: now(), text: "nul: \0.".into() };
    agent.say(AgentMessage::Output { op, lines: vec![line] }).await;
    finish(&mut agent, op, result(Outcome::Completed, "Done."), facts(47)).await;

    let verified = server.run(&["verify-audit"]).await;
    assert!(verified.contains("The audit log is intact"), "{verified}");
    server.restart().await;
    let log = server.log_in().await.get("/audit").await.text().await.unwrap();
    assert!(log.contains("rollback.requested") && log.contains("rollback.succeeded"), "{log}");
    let refused = server.fails(&["compact-database"]).await;
    assert!(refused.contains("VACUUM FULL"), "{refused}");
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() {
    let (_postgres, url) = database().await;
    let server = server_on(&url).await;
    let refused = server.fails(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(refused.contains("another server serves the database"), "{refused}");
}

#[tokio::test]
async fn a_server_that_loses_its_lock_stops_with_an_error() {
    let (_postgres, url) = database().await;
    let mut server = server_on(&url).await;
    run(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backstay serve' AND datname = current_database()").await;
    let status = soon("the server to stop", server.wait()).await;
    assert!(!status.success());
    assert!(server.log_text().contains("keeps other servers off the database"), "{}", server.log_text());
}

#[tokio::test]
async fn errors_say_what_is_wrong_with_the_database() {
    let (_postgres, url) = database().await;
    let missing = url.replace("/it_", "/no_such_");
    let with_password = "postgres://maria:secret@localhost/backstay".to_owned();
    for (url, words) in [(missing, "does not exist"), (with_password, "PGPASSFILE")] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backstay-server"));
        let output = command
            .args(["join-tokens"])
            .env("BACKSTAY_DATABASE", url)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
