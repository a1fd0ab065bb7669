//! `backstay-crowd`: many hosts at once, for benchmarks and tests.
//!
//! Each host joins with a join token of its own, over a WebSocket of its own, as an agent does; what it reports is made up.
//! The tokens are put into the server's database, where `backstay-server join-token` would put them one by one.
//!
//! When all hosts are known, it says `ready`. Then it takes orders, one a line, and answers each with a line that begins
//! with the same word:
//!
//! * `events RATE SECONDS`: the hosts, one after another, report changes, so many each second;
//! * `change NAME`: one host's tests fail, or are fine again.
//!
//! It ends when there are no more orders.

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
    /// The server's database, such as `sqlite://FILE`.
    #[arg(long)]
    database: String,
    /// How many hosts.
    #[arg(long, default_value_t = 1_000)]
    hosts: u32,
    /// Every so many hosts, one leaves again after it has joined; 0 for none.
    #[arg(long, default_value_t = 50)]
    offline_one_in: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let crowd =
        Crowd::join(&options.server, &options.database, options.hosts, options.offline_one_in).await?;
    say("ready")?;
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let words: Vec<&str> = order.split_whitespace().collect();
        match words[..] {
            [] => {}
            ["events", rate, seconds] => {
                let lasting = Duration::from_secs(seconds.parse().context("SECONDS is no number")?);
                let sent = crowd.events(rate.parse().context("RATE is no number")?, lasting).await;
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
