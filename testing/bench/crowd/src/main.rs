//! `backstay-crowd`: many hosts at once, for benchmarks and tests.
//!
//! Each host joins with a join token of its own, over a WebSocket of its own, as an agent does; its facts are
//! made up, and an op on it succeeds at once. The tokens are inserted into the server's database, where
//! `backstay-server join-token` would insert them one by one.
//!
//! Once the server knows all hosts, it prints `ready`. Then it reads orders, one a line, and answers each
//! with a line that starts with the same word:
//!
//! * `events RATE SECONDS`: the hosts report changes, one after another, at this rate a second;
//! * `change NAME`: one host's tests fail, or pass again.
//!
//! It exits at the end of its input.

mod crowd;
mod facts;
mod host;

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::crowd::Crowd;

/// Many hosts at once, for benchmarks and tests.
#[derive(Debug, Parser)]
struct Options {
    /// The server, such as `http://127.0.0.1:7340`.
    #[arg(long)]
    server: String,
    /// The server's database, such as `sqlite://FILE`. Without it the hosts join with no right to, as at
    /// `backstay-bare-socket`.
    #[arg(long)]
    database: Option<String>,
    /// Number of hosts.
    #[arg(long, default_value_t = 1_000)]
    hosts: u32,
    /// One host in this many leaves again after it has joined; 0 for none.
    #[arg(long, default_value_t = 50)]
    offline_one_in: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let crowd =
        Crowd::join(&options.server, options.database.as_deref(), options.hosts, options.offline_one_in)
            .await?;
    say("ready")?;
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let words: Vec<&str> = order.split_whitespace().collect();
        match words[..] {
            [] => {}
            ["events", rate, seconds] => {
                let lasting = Duration::from_secs(seconds.parse().context("SECONDS is not a number")?);
                let sent = crowd.events(rate.parse().context("RATE is not a number")?, lasting).await;
                say(&format!("events {sent}"))?;
            }
            ["change", name] => {
                crowd.change(name)?;
                say(&format!("change {name}"))?;
            }
            _ => bail!("no such order: {order}"),
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
