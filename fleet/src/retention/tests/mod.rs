//! What people see stays as it was, and the database stays small.

mod any_history;
mod year;

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{Clock as _, FixedClock, HostId, OpAction, OpId, OpStatus, OutputLine, Stream};
use chrono::TimeDelta;

use super::Retention;
use crate::Fleet;
use crate::store::{NewAuditEntry, NewOp, OpStep};
use crate::test_fleet::{self, Database};

struct Bench {
    fleet: Fleet,
    clock: Arc<FixedClock>,
    database: Database,
}

impl Bench {
    async fn new(retention: Retention) -> Self {
        let database = Database::new();
        let store = Arc::new(database.open().await);
        let clock = test_fleet::clock();
        let config = test_fleet::config(store, &clock);
        Self { fleet: Fleet::new(crate::FleetConfig { retention, ..config }), clock, database }
    }

    async fn enrol(&self, name: &str) -> HostId {
        test_fleet::enrolled(&*self.fleet.store, name, self.clock.now()).await.id
    }

    async fn remove_old(&self) {
        let mut last = Some(self.clock.now());
        self.fleet.keep_small(&mut last, Duration::ZERO).await.unwrap();
    }
}

/// Records an op with this number of lines that ends now.
async fn ended(bench: &Bench, host: HostId, lines: u64) -> OpId {
    let now = bench.clock.now();
    let entry = || NewAuditEntry::new(now, "maria", "test.requested", "");
    let op = NewOp {
        id: OpId::new(),
        host,
        action: OpAction::Test,
        status: OpStatus::Queued,
        requested_by: "maria".into(),
        reason: None,
        created_at: now,
        due_at: Some(now),
        retry_of: None,
        stop_tests: false,
        message: None,
    };
    bench.fleet.store.insert_op(&op, &entry()).await.unwrap();
    let line = |seq| OutputLine { seq, stream: Stream::Stdout, at: now, text: format!("line {seq}") };
    let lines: Vec<_> = (1..=lines).map(line).collect();
    bench.fleet.store.append_output(op.id, &lines).await.unwrap();
    let end = OpStep { finished_at: Some(now), ..OpStep::to(OpStatus::Cancelled) };
    bench.fleet.store.step_op(op.id, &end).await.unwrap().unwrap();
    op.id
}

#[tokio::test]
async fn a_clock_that_is_far_ahead_removes_nothing_until_it_still_is_a_day_later() {
    let bench = Bench::new(Retention::default()).await;
    let host = bench.enrol("gpc0").await;
    let op = ended(&bench, host, 3).await;
    let lines = async || bench.fleet.op_detail(op).await.unwrap().unwrap().lines.len();
    let round = async |last: &mut Option<_>| bench.fleet.keep_small(last, Duration::ZERO).await.unwrap();

    // The server starts before its clock is set.
    let mut last = None;
    bench.clock.advance(TimeDelta::days(4000));
    round(&mut last).await;
    assert_eq!(lines().await, 3);
    assert!(bench.fleet.storage().measured.is_some(), "the space is measured all the same");
    bench.clock.advance(TimeDelta::days(-3999));
    round(&mut last).await;
    assert_eq!(lines().await, 3, "the right time");

    // The clock jumps while the server runs, and stays there.
    bench.clock.advance(TimeDelta::days(100));
    round(&mut last).await;
    assert_eq!(lines().await, 3);
    bench.clock.advance(TimeDelta::days(1));
    round(&mut last).await;
    assert_eq!(lines().await, 1, "the one line that stands for them");
}

#[tokio::test]
async fn an_op_says_when_its_output_was_removed() {
    let bench = Bench::new(Retention::default()).await;
    let host = bench.enrol("gpc0").await;
    let (op, silent) = (ended(&bench, host, 3).await, ended(&bench, host, 0).await);
    bench.clock.advance(TimeDelta::days(89));
    bench.remove_old().await;
    assert_eq!(bench.fleet.op_detail(op).await.unwrap().unwrap().lines.len(), 3);

    bench.clock.advance(TimeDelta::days(2));
    bench.remove_old().await;
    let [line] = &bench.fleet.op_detail(op).await.unwrap().unwrap().lines[..] else { panic!("one line") };
    assert_eq!(line.text, "The output of this op was removed on 2026-03-29, after 91 days.");
    assert_eq!(bench.fleet.output_after(op, 0).await.unwrap(), std::slice::from_ref(line));
    assert_eq!(bench.fleet.output_after(op, line.seq).await.unwrap(), []);
    assert_eq!(bench.fleet.op_detail(silent).await.unwrap().unwrap().lines, []);
}

#[tokio::test]
async fn nothing_goes_if_all_is_kept_for_ever() {
    let bench = Bench::new(Retention { output: None, history: None }).await;
    let host = bench.enrol("gpc0").await;
    let op = ended(&bench, host, 3).await;
    assert_eq!(bench.fleet.storage().measured, None);
    bench.clock.advance(TimeDelta::days(36_500));
    bench.remove_old().await;
    assert_eq!(bench.fleet.op_detail(op).await.unwrap().unwrap().lines.len(), 3);
    let (at, space) = bench.fleet.storage().measured.unwrap();
    assert_eq!(at, bench.clock.now());
    assert!(space.total > 0);
}
