//! How large the database becomes.
use backstay_model::{Clock as _, OpAction, Outcome, sample};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Connection as _};

use super::{Bench, Retention};
use crate::store::DiskUse;

/// Upper bounds on what one host adds on one day, in bytes: output, history, and the audit log.
const OUTPUT: u64 = 60_000;
const HISTORY: u64 = 8_000;
const AUDIT: u64 = 4_000;

/// The size that docs/architecture.md states for a year of 100 hosts.
const YEAR_OF_100_HOSTS: u64 = 1_000_000_000;
const _: () = assert!(100 * (90 * OUTPUT + 365 * (HISTORY + AUDIT)) <= YEAR_OF_100_HOSTS);

/// A day of the fleet: each host is pulled, switched and tested once after a merge, in a roll-out. A switch writes 200 lines of 90
/// bytes, a pull 20, and its eight tests 40.
async fn live_a_day(pool: &SqlitePool, day: i64, now: DateTime<Utc>) {
    let at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    let actions = [(OpAction::Pull, 20), (OpAction::Switch, 200), (OpAction::Test, 40)];
    let actions = actions.iter().zip(1..).map(|((action, lines), nth)| {
        format!("({nth}, '{}', '{}', {lines})", action.kind(), serde_json::to_string(action).unwrap())
    });
    let actions = actions.collect::<Vec<_>>().join(", ");
    let outcome = serde_json::to_string(&Outcome::Completed).unwrap();
    let results = vec![sample::test_result("display-manager-is-active", true); 8];
    let results = serde_json::to_string(&results).unwrap();
    let generation = serde_json::to_string(&sample::generation(1_000, 0)).unwrap();
    // Identifiers that sort by time, as the real ones do.
    let id = |of: i64| format!("printf('%08x-%04x-7000-8000-%012x', {day}, {of}, hosts.rowid)");
    let [merge, rollout] =
        [100, 101].map(|of| format!("printf('%08x-%04x-7000-8000-%012x', {day}, {of}, 0)"));
    let op = format!("printf('%08x-%04x-7000-8000-%012x', {day}, nth, hosts.rowid)");
    let statements = [
        format!(
            "INSERT INTO ops (id, host_id, kind, action, status, was_sent, requested_by, reason, created_at, started_at,
                              finished_at, outcome, exit_code, message, output_through, rollout_id)
             WITH actions(nth, kind, action, lines) AS (VALUES {actions})
             SELECT {op}, hosts.id, kind, action, 'succeeded', 1, 'maria', 'Roll-out of #{day}', '{at}', '{at}', '{at}',
                    '{outcome}', 0, 'The host runs Gen {day} at 0123456789abcdef0123456789abcdef01234567.', lines, {rollout}
             FROM actions, hosts"
        ),
        format!(
            "INSERT INTO op_output (op_id, seq, stream, at, line)
             WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200)
             SELECT ops.id, n, 'stderr', '{at}', 'copying path /nix/store/' || lower(hex(randomblob(16))) || '-package-1.2.3 from cache'
             FROM ops, numbers WHERE ops.id > printf('%08x', {day}) AND ops.id < printf('%08x', {day} + 1) AND n <= output_through"
        ),
        format!(
            "INSERT INTO test_runs (host_id, store_path, started_at, finished_at, generation, results)
             SELECT id, '/nix/store/{day:032}-nixos-system-' || name, '{at}', '{at}', {day}, '{results}' FROM hosts"
        ),
        format!(
            "INSERT INTO generations (host_id, number, in_profile, generation)
             SELECT id, 1000 + {day}, 0, '{generation}' FROM hosts"
        ),
        "UPDATE deployments SET decision = 'superseded' WHERE decision = 'open'".to_owned(),
        format!(
            "INSERT INTO deployments (id, pr_number, pr_title, pr_url, commit_sha, merged_by, merged_at, decision, decided)
             VALUES ({merge}, {day}, 'Update flake.lock', 'https://github.com/you/nixcfg/pull/{day}', '{day:040}', 'maria', '{at}',
                     'open', '{{\"decision\":\"open\"}}')"
        ),
        format!(
            "INSERT INTO deployment_hosts (deployment_id, host_id, outcome)
             SELECT {merge}, id, json_object('host', id, 'name', name,
                 'switch', json_object('step', 'ok', 'op', {}), 'tests', json_object('step', 'ok', 'op', {})) FROM hosts",
            id(2),
            id(3)
        ),
        format!(
            "INSERT INTO rollouts (id, kind, requested_by, created_at, parallel, stop_on_failure, state, stated)
             VALUES ({rollout}, 'pull', 'maria', '{at}', 4, 1, 'done', '{{\"state\":\"done\"}}')"
        ),
        format!(
            "INSERT INTO rollout_hosts (rollout_id, host_id, position, name, action, step, op_id, stepped)
             SELECT {rollout}, id, rowid, name, '{{\"kind\":\"pull\"}}', 'ok', {}, json_object('step', 'ok', 'op', {}) FROM hosts",
            id(1),
            id(1)
        ),
        format!(
            "INSERT INTO audit_log (seq, at, actor, action, host_name, reason, detail, op_id, hash)
             WITH entries(nth) AS (VALUES (1), (1), (2), (2), (3), (3), (4))
             SELECT (SELECT seq FROM audit_head) + ROW_NUMBER() OVER (ORDER BY hosts.id), '{at}', 'maria', 'switch.succeeded', name,
                    'Roll-out of #{day}', 'The host runs Gen {day} at 0123456789abcdef0123456789abcdef01234567.',
                    {op}, lower(hex(randomblob(32)))
             FROM entries, hosts"
        ),
        "UPDATE audit_head SET seq = (SELECT MAX(seq) FROM audit_log)".to_owned(),
    ];
    let mut connection = pool.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Lets a fleet live, and removes what is old at this interval in days.
async fn live(hosts: u32, days: i64, every: i64, retention: Retention) -> DiskUse {
    let bench = Bench::new(retention).await;
    for number in 0..hosts {
        let host = bench.enrol(&format!("host{number}")).await;
        bench.fleet.store.record_facts(host, &sample::facts()).await.unwrap();
    }
    let pool = bench.database.connect().await;
    // The test does not live through a power cut.
    sqlx::query("PRAGMA synchronous = OFF").execute(&pool).await.unwrap();
    for day in 1..=days {
        bench.clock.advance(TimeDelta::days(1));
        live_a_day(&pool, day, bench.clock.now()).await;
        if day % every == 0 {
            bench.remove_old().await;
        }
    }
    bench.fleet.store.disk_use().await.unwrap()
}

fn bound(hosts: u64, days: u64, output_days: u64) -> u64 {
    hosts * (output_days * OUTPUT + days * (HISTORY + AUDIT))
}

#[tokio::test]
async fn a_fleet_stays_within_the_size_that_is_stated() {
    let retention = Retention { output: Some(TimeDelta::days(20)), history: Some(TimeDelta::days(60)) };
    let space = live(10, 100, 5, retention).await;
    assert!(space.total <= bound(10, 100, 20 + 5), "{space:?}");
    assert!(space.output <= 10 * (20 + 5) * OUTPUT, "{space:?}");
    assert!(space.audit <= 10 * 100 * AUDIT, "{space:?}");
    assert!(space.total - space.free - space.output - space.audit <= 10 * 100 * HISTORY, "{space:?}");
}

/// Takes some minutes: `cargo nextest run -p backstay-fleet --run-ignored only year --no-capture`.
#[tokio::test]
#[ignore = "takes minutes; the other test checks the same bounds on fewer hosts"]
async fn a_year_of_100_hosts_stays_under_the_size_that_is_stated() {
    let space = live(100, 365, 30, Retention::default()).await;
    eprintln!("{space:#?}");
    assert!(space.total <= YEAR_OF_100_HOSTS, "{space:?}");
}
