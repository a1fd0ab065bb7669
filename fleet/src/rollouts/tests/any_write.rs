//! The server dies at each of its writes: every run lets one more write through, and the next server continues from there.

use std::path::Path;
use std::time::Duration;

use backstay_model::OpKind;
use backstay_model::rollout::RolloutState;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::bench::{Bench, request};

const THREE: [&str; 3] = ["gpc0", "imac0", "hsb0"];
/// More writes than a whole roll-out makes.
const MANY: i64 = 200;

/// Allows this number of writes to ops, roll-outs and deployments, and then none.
struct Fuse(SqlitePool);

impl Fuse {
    async fn put_in(file: &Path, writes: i64) -> Self {
        let fuse = Self(SqlitePool::connect_with(SqliteConnectOptions::new().filename(file)).await.unwrap());
        fuse.run(&format!("CREATE TABLE fuse AS SELECT {writes} AS writes")).await;
        for table in ["ops", "rollouts", "rollout_hosts", "deployment_hosts"] {
            for write in ["INSERT", "UPDATE"] {
                fuse.run(&format!(
                    "CREATE TRIGGER fuse_{table}_{write} BEFORE {write} ON {table} BEGIN
                         UPDATE fuse SET writes = writes - 1;
                         SELECT RAISE(ABORT, 'the fuse has blown') FROM fuse WHERE writes < 0;
                     END"
                ))
                .await;
            }
        }
        fuse
    }

    /// Allows all writes.
    async fn take_out(self) {
        self.run(&format!("UPDATE fuse SET writes = {MANY}")).await;
        self.0.close().await;
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&self.0).await.unwrap();
    }
}

/// Lets hosts run their ops until no host has one. The tests of `broken` fail.
async fn play(bench: &mut Bench, broken: Option<&str>) {
    while let Some(name) = bench.hosts_with_work().into_iter().next() {
        let failed: &[&str] = if broken == Some(&name) { &["x11"] } else { &[] };
        bench.tries(&name, failed).await;
    }
}

/// Interrupts a roll-out after this number of writes. Returns whether it was interrupted.
async fn interrupted_after(writes: i64, broken: Option<&str>) -> bool {
    let mut bench = Bench::new(&THREE).await;
    bench.merge().await;
    let fuse = Fuse::put_in(&bench.file(), writes).await;
    let asked = request(OpKind::PullSwitch, &THREE, 1);
    let started = bench.fleet.start_rollout(&bench.maria, asked.clone()).await;
    bench.fleet.settle().await;
    play(&mut bench, broken).await;
    fuse.take_out().await;
    let recorded = bench.fleet.newest_rollout().await.unwrap();
    let is_over = recorded.as_ref().is_some_and(|rollout| !rollout.state.is_open());

    bench.restart().await;
    // If it was not recorded, the person got an error and tries again.
    bench.rollout = if let Some(rollout) = recorded {
        Some(rollout.id)
    } else {
        assert!(started.is_err());
        Some(bench.start_as(asked).await.id)
    };
    for name in THREE {
        bench.connect(name).await;
        bench.repeats(name).await;
    }
    play(&mut bench, broken).await;
    is_as_if_nothing_had_happened(&bench, broken, writes).await;
    !is_over
}

async fn is_as_if_nothing_had_happened(bench: &Bench, broken: Option<&str>, writes: i64) {
    let (state, steps, begun, outcomes, end) = match broken {
        None => (
            RolloutState::Done,
            vec!["gpc0 ok", "imac0 ok", "hsb0 ok"],
            [1, 1, 1],
            ["gpc0: Switch OK, Tests OK", "hsb0: Switch OK, Tests OK", "imac0: Switch OK, Tests OK"],
            vec!["rollout.started by maria", "rollout.done by server"],
        ),
        Some(_) => (
            RolloutState::Stopped { why: "imac0: Tests FAIL (x11)".into() },
            vec![
                "gpc0 ok",
                "imac0 failed: Tests FAIL (x11)",
                "hsb0 skipped: stopped: imac0: Tests FAIL (x11)",
            ],
            [1, 1, 0],
            ["gpc0: Switch OK, Tests OK", "hsb0: Not attempted", "imac0: Switch OK, Tests FAIL (x11)"],
            vec!["rollout.started by maria", "rollout.stopping by server", "rollout.stopped by server"],
        ),
    };
    assert_eq!(bench.rollout().await.state, state, "after {writes} writes");
    assert_eq!(bench.steps().await, steps, "after {writes} writes");
    for (name, times) in THREE.into_iter().zip(begun) {
        assert_eq!(bench.begun(name).await, times, "{name} after {writes} writes");
    }
    assert_eq!(bench.outcomes().await, outcomes, "after {writes} writes");
    assert_eq!(bench.audited("rollout").await, end, "after {writes} writes");
}

async fn at_any_write(broken: Option<&str>) {
    let mut writes = 0;
    while interrupted_after(writes, broken).await {
        writes += 1;
    }
    assert!((15..MANY).contains(&writes), "{writes} writes are too few, or too many, for a whole roll-out");
}

#[tokio::test]
async fn that_goes_well() {
    at_any_write(None).await;
}

#[tokio::test]
async fn that_is_stopped_by_a_failure() {
    at_any_write(Some("imac0")).await;
}

/// The same server continues once the database works again.
#[tokio::test]
async fn a_database_that_fails_for_a_while() {
    for writes in [0, 3, 7, 12, 18, 23] {
        let mut bench = Bench::new(&["gpc0"]).await;
        bench.merge().await;
        bench.start(OpKind::PullSwitch, &["gpc0"], 1).await;
        let fuse = Fuse::put_in(&bench.file(), writes).await;
        play(&mut bench, None).await;
        fuse.take_out().await;
        // The server closes the agent's connection if it cannot store a message, and the agent sends it again.
        bench.leave("gpc0").await;
        bench.connect("gpc0").await;
        bench.repeats("gpc0").await;
        bench.after(Duration::from_secs(1)).await;
        play(&mut bench, None).await;
        bench.after(Duration::from_secs(1)).await;
        assert_eq!(bench.steps().await, ["gpc0 ok"], "after {writes} writes");
        assert_eq!(bench.rollout().await.state, RolloutState::Done, "after {writes} writes");
        assert_eq!(bench.outcomes().await, ["gpc0: Switch OK, Tests OK"], "after {writes} writes");
    }
}
