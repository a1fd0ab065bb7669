//! Every line arrives, whole and in order.

use backstay_model::Outcome;
use backstay_model::Stream;
use backstay_model::wire::limits::{LINE_BYTES, LINES_PER_OP};

use crate::host::{ACTIVATE, Host};
use crate::process::peak_memory;
use crate::rollback::one;
use crate::server::{Heard, Server};
use crate::wait::until;

async fn output_of(script: &str) -> Heard {
    let host = Host::nixos();
    host.set(&host.build("one", &format!("{script}\n{ACTIVATE}")));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let heard = one(&host, host.rollback(2, 1)).await;
    heard.expect(Outcome::Completed);
    heard
}

#[tokio::test]
async fn many_lines_arrive_in_order() {
    let heard = output_of("seq -f 'line %g' 5000").await;
    let lines: Vec<_> = heard.lines.iter().filter(|line| line.stream == Stream::Stdout).collect();
    let numbered = lines.iter().filter_map(|line| line.text.strip_prefix("line "));
    assert!(numbered.eq((1..=5000).map(|i| i.to_string()).collect::<Vec<_>>().iter()));
}

#[tokio::test]
async fn dropped_lines_are_counted() {
    let heard = output_of("seq -f 'line %g' 30000").await;
    assert_eq!(heard.lines.len() as u64, LINES_PER_OP);
    assert!(heard.has_line("lines were dropped"));
    assert!(heard.texts().contains(&"line 1") && heard.texts().contains(&"line 30000"));
}

/// In KiB, for a debug build, which needs more.
const MEMORY: u64 = 64 * 1024;

#[tokio::test]
async fn a_million_lines_take_bounded_memory() {
    let host = Host::nixos();
    host.set(&host.build("one", &format!("seq -f 'line %.0f' 1000000\n{ACTIVATE}")));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let server = Server::start().await;
    let agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(host.rollback(2, 1)).await;
    until("the runner", || host.journal(op).join("begun").exists()).await;
    let runner = host.runner(op);
    let mut of_runner = 0;
    until("the runner to end", || {
        let now = peak_memory(runner);
        of_runner = now.unwrap_or(of_runner);
        now.is_none()
    })
    .await;
    let heard = connection.finish(op).await;
    heard.expect(Outcome::Completed);
    assert_eq!(heard.lines.len() as u64, LINES_PER_OP);
    // The first and last lines that are kept, and the lines of agent and commands.
    assert!(heard.texts().contains(&"line 1") && heard.texts().contains(&"line 1000000"));
    let cut = heard.lines.iter().find(|line| line.text.contains("lines were dropped")).unwrap();
    let cut: u64 = cut.text.split(' ').nth(1).unwrap().parse().unwrap();
    let all = cut + LINES_PER_OP - 1;
    assert!((1_000_000..1_000_010).contains(&all), "{all}");
    let of_agent = peak_memory(agent.id()).unwrap();
    assert!(of_runner > 0 && of_runner < MEMORY, "the runner took {of_runner} KiB");
    assert!(of_agent < MEMORY, "the agent took {of_agent} KiB");
}

#[tokio::test]
async fn odd_output_does_no_harm() {
    let heard = output_of(
        "printf 'not \\377 utf-8\\n'\nprintf 'nul \\000 byte\\n'\nhead -c 100000 /dev/zero | tr '\\0' x\necho\nprintf 'no end'",
    )
    .await;
    assert!(heard.has_line("not \u{fffd} utf-8"));
    assert!(heard.has_line("nul \u{1a} byte"));
    let long = heard.lines.iter().find(|line| line.text.starts_with("xxx")).unwrap();
    assert!(long.text.ends_with("(cut)") && long.text.len() <= LINE_BYTES);
    assert!(heard.texts().contains(&"no end"));
}
