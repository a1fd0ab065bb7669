//! What others do to a host.

use backstay_model::AUTO_TEST;

use super::*;

/// What the agent reports after somebody switched, or rebooted, the host by hand.
async fn reports(agent: &Agent<'_>, facts: Facts) {
    agent.say(AgentMessage::Facts { facts: Box::new(facts) }).await;
}

#[tokio::test]
async fn what_somebody_else_switched_to_is_tested() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    reports(&agent, bench.facts(48)).await;
    assert_eq!(bench.open().await, None, "nothing has changed");

    reports(&agent, bench.facts(47)).await;
    let tests = bench.open().await.unwrap();
    assert_eq!((&tests.action, tests.requested_by.as_str()), (&OpAction::Test, AUTO_TEST));
    assert_eq!(agent.runs(), [tests.id]);
    assert_eq!(bench.audited().await, ["op.requested"]);

    reports(&agent, bench.facts(47)).await;
    assert_eq!(agent.runs(), [], "once");
}

#[tokio::test]
async fn another_specialisation_is_another_system() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    reports(&agent, Facts { specialisation: Some("gaming".into()), ..bench.facts(48) }).await;
    assert_eq!(bench.open().await.unwrap().action, OpAction::Test);
}

#[tokio::test]
async fn an_op_that_holds_the_host_brings_its_own_tests() {
    let bench = Bench::new().await;
    let mut agent = bench.connect(&[]).await;
    let op = bench.ask(rollback()).await;
    reports(&agent, bench.facts(47)).await;
    assert_eq!(agent.runs(), [op]);
    agent.finish(op, Outcome::Completed, 0, 47).await;
    assert_eq!(agent.runs().len(), 1, "its tests follow once");
}

#[tokio::test]
async fn nothing_is_tested_where_nobody_wants_it_or_nothing_is_known() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    reports(&agent, Facts { running: None, ..bench.facts(48) }).await;
    reports(&agent, bench.facts(47)).await;
    assert_eq!(bench.open().await, None, "what ran before is unknown");
    bench.fleet.set_auto_test(&bench.person, "gpc0", false).await.unwrap();
    reports(&agent, bench.facts(48)).await;
    assert_eq!(bench.open().await, None, "the host's tests are run by hand");
}

#[tokio::test]
async fn a_host_that_something_else_deploys_is_rolled_back_and_tested_but_not_switched() {
    let bench = Bench::new().await;
    let agent = bench.connect(&[]).await;
    reports(&agent, Facts { observed: true, checkout: None, ..bench.facts(48) }).await;
    for action in [OpAction::Pull, OpAction::Switch, OpAction::PullSwitch] {
        let refused = bench.fleet.request_op(&bench.person, "gpc0", action, None).await.unwrap_err();
        assert!(refused.to_string().starts_with("Something else deploys this host"), "{refused}");
    }
    let view = bench.fleet.snapshot().await.unwrap().hosts.remove(0);
    assert!(view.observed);
    assert_eq!([&view.lights.git, &view.lights.lock].map(|light| light.words.as_str()), ["Not followed"; 2]);
    bench.ask(rollback()).await;
}
