//! What is old goes, with the real server on a database that has grown old.

use backstay_model::wire::message::{AgentMessage, ServerMessage};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::delivery::{ask, finished, line, run};
use crate::harness::{Browser, Server, soon};

async fn database(server: &Server) -> SqliteConnection {
    SqliteConnectOptions::new().filename(server.database()).connect().await.unwrap()
}

async fn page(browser: &Browser, address: &str) -> String {
    browser.get(address).await.text().await.unwrap()
}

#[tokio::test]
async fn an_op_without_its_output_says_so_and_the_about_page_what_is_kept() {
    let mut server = Server::start().await;
    let mut agent = server.host("gpc0").await;
    let browser = server.log_in().await;
    ask(&browser, "refresh").await;
    let op = run(&mut agent).await;
    agent.say(AgentMessage::Accepted { op }).await;
    agent.say(AgentMessage::Output { op, lines: vec![line(1), line(2)] }).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::OutputStored { op, through: 2 }));
    agent.say(finished(op, 2)).await;
    assert_eq!(agent.hear().await, Some(ServerMessage::FinishStored { op }));
    let shown = page(&browser, &format!("/ops/{op}")).await;
    assert!(shown.contains("line 2"), "{shown}");

    let mut other = database(&server).await;
    let aged = sqlx::query("UPDATE ops SET finished_at = '2025-01-01T00:00:00.000000Z'");
    aged.execute(&mut other).await.unwrap();
    server.restart().await;
    let browser = server.log_in().await;
    soon("the removal", async {
        while !page(&browser, "/audit").await.contains("lines of output: 2") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let said = "The output of this op was removed on ";
    for place in [format!("/ops/{op}"), format!("/?log={op}"), format!("/ops/{op}/output.txt")] {
        let shown = page(&browser, &place).await;
        assert!(shown.contains(said) && !shown.contains("line 2"), "{place}: {shown}");
    }
    assert!(server.log_text().contains("removed because of its age"), "{}", server.log_text());

    soon("the measurement", async {
        while page(&browser, "/about").await.contains("Not measured yet") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let about = page(&browser, "/about").await;
    for words in ["Output of ops", "90 days", "365 days; at least the newest 200 of each host", "For ever"] {
        assert!(about.contains(words), "{words}: {about}");
    }
}

#[tokio::test]
async fn a_compacted_database_is_smaller_and_whole() {
    let mut server = Server::start().await;
    server.host("gpc0").await;
    let mut other = database(&server).await;
    sqlx::query("CREATE TABLE waste AS SELECT randomblob(3000000) AS it").execute(&mut other).await.unwrap();
    sqlx::query("DROP TABLE waste").execute(&mut other).await.unwrap();
    server.stop().await;
    let url = format!("sqlite://{}", server.database().display());
    let said = server.run(&["compact-database", "--database", &url]).await;
    let numbers: Vec<u64> =
        said.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert!(numbers[0] + 3_000_000 <= numbers[1], "{said}");
    server.restart().await;
    assert!(page(&server.log_in().await, "/").await.contains("gpc0"));
}
