//! Actions inside a guest: a person without a browser, and queries to the server's database.

use std::path::Path;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Row as _};

/// The server's address.
pub(crate) const SERVER: &str = "http://127.0.0.1:7340";
/// The server's database.
pub(crate) const DATABASE: &str = "/var/lib/backstay/backstay.sqlite3";
/// The first administrator's password.
pub(crate) const PASSWORD: &str = "a-password-for-tests";
/// Interval between checks of a condition.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Actions inside a guest.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Log in and post a form like a page.
    Post {
        /// The server function.
        function: String,
        /// The fields, as name=value.
        fields: Vec<String>,
    },
    /// Wait for the server to answer.
    Serving {
        /// Time limit in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Wait until the host has reported this generation as the current one.
    Reported {
        /// The generation's number.
        generation: u32,
        /// Time limit in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Wait until the newest op has a line, or has ended, and print it as JSON.
    Op {
        /// The line to wait for. By default the op's end.
        #[arg(long)]
        line: Option<String>,
        /// Time limit in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

/// An op as the server has stored it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Op {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) message: String,
    /// Numbers and texts.
    pub(crate) lines: Vec<(i64, String)>,
}

impl Op {
    /// Describes it briefly.
    pub(crate) fn told(&self) -> String {
        let texts: Vec<&str> =
            self.lines.iter().rev().take(12).rev().map(|(_, text)| text.as_str()).collect();
        format!(
            "{}, “{}”, {} lines, the last of them:\n{}",
            self.status,
            self.message,
            self.lines.len(),
            texts.join("\n")
        )
    }

    fn has_ended(&self) -> bool {
        !matches!(self.status.as_str(), "queued" | "sent" | "running")
    }
}

pub(crate) fn run(what: What) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(what))
}

async fn act(what: What) -> Result<()> {
    match what {
        What::Post { function, fields } => post(&function, &fields).await,
        What::Serving { seconds } => {
            until(seconds, "the server to answer", async || {
                let answer = reqwest::get(format!("{SERVER}/healthz")).await;
                Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
            })
            .await
        }
        What::Reported { generation, seconds } => {
            let database = open().await?;
            let what = format!("the host to report Gen {generation}");
            until(seconds, &what, async || {
                Ok((current(&database).await? == Some(u64::from(generation))).then_some(()))
            })
            .await
        }
        What::Op { line, seconds } => {
            let database = open().await?;
            let what =
                line.as_ref().map_or("the end of the op".to_owned(), |line| format!("the line “{line}”"));
            let op = until(seconds, &what, async || {
                let found = newest(&database).await?;
                Ok(found.filter(|op| match &line {
                    None => op.has_ended(),
                    Some(line) => op.lines.iter().any(|(_, text)| text == line),
                }))
            });
            match op.await {
                Ok(op) => println!("{}", serde_json::to_string(&op)?),
                Err(error) => {
                    let newest = newest(&database).await?.map_or("none".to_owned(), |op| op.told());
                    bail!("{error:#}; the newest op: {newest}")
                }
            }
            Ok(())
        }
    }
}

async fn post(function: &str, fields: &[String]) -> Result<()> {
    let client = Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()?;
    let form = async |function: &str, fields: &[(&str, &str)]| {
        let answer = client.post(format!("{SERVER}/api/{function}")).form(fields).send().await?;
        let status = answer.status();
        if !(status.is_success() || status.is_redirection()) {
            bail!("{function} was answered with {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(())
    };
    form("log_in", &[("name", "admin"), ("password", PASSWORD), ("next", "/")]).await?;
    let fields: Option<Vec<_>> = fields.iter().map(|field| field.split_once('=')).collect();
    form(function, &fields.context("a field is name=value")?).await
}

/// Waits until `look` finds something.
async fn until<T>(seconds: u64, what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {seconds} s for {what}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn open() -> Result<SqlitePool> {
    until(60, "the database", async || Ok(Path::new(DATABASE).exists().then_some(()))).await?;
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{DATABASE}"))?
        .read_only(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging();
    Ok(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
}

/// The current generation according to the host's latest facts.
async fn current(database: &SqlitePool) -> Result<Option<u64>> {
    let row = sqlx::query("SELECT facts FROM hosts").fetch_optional(database).await?;
    let Some(text) = row.and_then(|row| row.get::<Option<String>, _>("facts")) else { return Ok(None) };
    let facts: serde_json::Value = serde_json::from_str(&text)?;
    let generations = facts["generations"].as_array().context("facts without generations")?;
    let current = generations.iter().find(|generation| generation["current"] == true);
    Ok(current.and_then(|generation| generation["number"].as_u64()))
}

async fn newest(database: &SqlitePool) -> Result<Option<Op>> {
    let row = sqlx::query("SELECT id, status, message FROM ops ORDER BY id DESC LIMIT 1");
    let Some(row) = row.fetch_optional(database).await? else { return Ok(None) };
    let id: String = row.get("id");
    let lines = sqlx::query("SELECT seq, line FROM op_output WHERE op_id = $1 ORDER BY seq")
        .bind(&id)
        .fetch_all(database)
        .await?;
    Ok(Some(Op {
        status: row.get("status"),
        message: row.get::<Option<String>, _>("message").unwrap_or_default(),
        lines: lines.iter().map(|row| (row.get("seq"), row.get("line"))).collect(),
        id,
    }))
}
