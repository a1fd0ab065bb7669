//! The host's own tests.

use backstay_model::wire::message::ServerMessage;
use backstay_model::{OpAction, OpId, Outcome, Phase};

use crate::host::Host;
use crate::process::{AGENT, AgentProcess, output};
use crate::rollback::one;
use crate::server::{Heard, Server};

/// A host with eight tests; these of them fail.
fn host(failing: &[u32]) -> Host {
    let host = Host::with_three();
    for i in 1..=8 {
        let script = if failing.contains(&i) {
            "echo \"not on Gen $BACKSTAY_GENERATION\" >&2; exit 1"
        } else {
            "test \"$BACKSTAY_STORE_PATH\" = \"$(readlink \"$host/run/current-system\")\""
        };
        host.write_test(&format!("{i}0-t{i}"), script);
    }
    host
}

#[tokio::test]
async fn three_of_eight_pass() {
    let host = host(&[2, 4, 6, 7, 8]);
    let heard = one(&host, OpAction::Test).await;
    assert_eq!(
        heard.expect(Outcome::Failed),
        "3 of 8 tests passed on Gen 3. Failed: 20-t2, 40-t4, 60-t6, 70-t7, 80-t8."
    );
    assert_eq!(heard.phases.last(), Some(&Phase::Testing { done: 8, total: 8 }));
    assert_eq!(heard.facts.tests_available, 8);
    let [run] = heard.facts.test_runs.as_slice() else { panic!("{heard:#?}") };
    assert_eq!(run.summary().to_string(), "3/8");
    assert_eq!(run.generation, host.reference(3));
    assert_eq!(run.results[1].tail, ["not on Gen 3"]);
    assert!(run.results[0].tail.is_empty());
    assert!(heard.has_line("20-t2: FAILED"));
}

#[tokio::test]
async fn each_generation_keeps_its_latest_run() {
    let host = host(&[]);
    assert_eq!(one(&host, OpAction::Test).await.expect(Outcome::Completed), "All 8 tests passed on Gen 3.");
    one(&host, host.rollback(3, 2)).await.expect(Outcome::Completed);
    host.write_test("10-t1", "exit 1");
    let heard = one(&host, OpAction::Test).await;
    let runs: Vec<_> =
        heard.facts.test_runs.iter().map(|run| (run.generation.number, run.summary().passed)).collect();
    assert_eq!(runs, [(2, 7), (3, 8)]);
}

/// Runs the tests with the server's time limit for each.
async fn run_with(host: &Host, test_timeout_secs: Option<u64>, more: &str) -> Heard {
    let server = Server::start().await;
    let mut command = host.command(AGENT);
    command.arg("--config").arg(host.configuration_with_tests(&server.url, more));
    let _agent = AgentProcess::start(command, &host.at("agent.log"));
    let mut connection = server.accept().await;
    let op = OpId::new();
    let run = ServerMessage::Run { op, action: OpAction::Test, timeout_secs: 120, test_timeout_secs };
    connection.send(&run).await;
    connection.accepted(op).await;
    connection.finish(op).await
}

#[tokio::test]
async fn a_test_that_exceeds_the_limit_set_for_the_host_is_stopped() {
    let host = Host::with_three();
    host.write_test("10-stuck", "echo waiting; sleep 1000");
    host.write_test("20-fine", "exit 0");
    let heard = run_with(&host, Some(5), "").await;
    assert_eq!(heard.expect(Outcome::Failed), "1 of 2 tests passed on Gen 3. Failed: 10-stuck.");
    let [stuck, fine] = heard.facts.test_runs[0].results.as_slice() else { panic!("{heard:#?}") };
    assert_eq!(stuck.tail, ["waiting", "It took longer than 5 s and was stopped."]);
    assert!(fine.passed && (5000..60_000).contains(&stuck.duration_ms), "{heard:#?}");
    let folder = heard.facts.tests.as_ref().unwrap();
    assert_eq!(folder.names, ["10-stuck", "20-fine"]);
    assert_eq!((folder.timeout_secs, folder.max_timeout_secs), (60, 1800));
}

#[tokio::test]
async fn the_agents_configuration_bounds_the_limit_set_for_the_host() {
    let host = Host::with_three();
    host.write_test("10-stuck", "sleep 1000");
    let heard = run_with(&host, Some(900), "max_timeout = 1").await;
    assert!(
        heard.has_line(
            "Each test of this host has a time limit of 900 s. The agent's configuration allows 1 s"
        )
    );
    assert_eq!(heard.facts.test_runs[0].results[0].tail, ["It took longer than 1 s and was stopped."]);
}

#[tokio::test]
async fn without_tests_it_is_refused() {
    let host = Host::with_three();
    assert!(one(&host, OpAction::Test).await.expect(Outcome::Refused).contains("has no tests"));
}

#[test]
fn tests_can_be_run_by_hand() {
    let host = host(&[3]);
    let ran = output(&mut host.agent_command("http://localhost", &["test"]));
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("7 of 8 tests passed on Gen 3. Failed: 30-t3."), "{said}");
    let facts = output(&mut host.agent_command("http://localhost", &["facts"]));
    let facts: backstay_model::Facts = serde_json::from_slice(&facts.stdout).unwrap();
    assert_eq!(facts.test_runs[0].summary().to_string(), "7/8");
}
