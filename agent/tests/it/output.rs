//! Every line arrives, whole and in order.

use backstay_protocol::Stream;
use backstay_protocol::limits::{LINE_BYTES, LINES_PER_OP};
use backstay_protocol::message::Outcome;

use crate::host::{ACTIVATE, Host};
use crate::rollback::one;
use crate::server::Heard;

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
async fn what_is_too_much_is_counted() {
    let heard = output_of("seq -f 'line %g' 30000").await;
    assert_eq!(heard.lines.len() as u64, LINES_PER_OP);
    assert!(heard.has_line("lines are not kept"));
    assert!(heard.texts().contains(&"line 1") && heard.texts().contains(&"line 30000"));
}

#[tokio::test]
async fn strange_output_does_no_harm() {
    let heard = output_of(
        "printf 'not \\377 utf-8\\n'\nprintf 'nul \\000 byte\\n'\nhead -c 100000 /dev/zero | tr '\\0' x\necho\nprintf 'no end'",
    )
    .await;
    assert!(heard.has_line("not \u{fffd} utf-8"));
    assert!(heard.has_line("nul \0 byte"));
    let long = heard.lines.iter().find(|line| line.text.starts_with("xxx")).unwrap();
    assert!(long.text.ends_with("(cut)") && long.text.len() <= LINE_BYTES);
    assert!(heard.texts().contains(&"no end"));
}
