//! No sequence of steps breaks the table of legal steps.

use backstay_model::view::AuditQuery;
use backstay_model::{OpAction, OpStatus, Phase};
use proptest::collection::vec;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::Bench;
use super::fixture::{enrolled, entry, queued};
use crate::store::{OpStep, Store};

pub(super) async fn no_row_of_steps_leads_where_the_protocol_forbids(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let steps = vec(select(OpStatus::ALL.to_vec()), 0..8);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps, |steps| {
        block_in_place(|| Handle::current().block_on(live(&*store, host, &steps)));
        Ok::<_, TestCaseError>(())
    });
    outcome.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

/// Steps one op through `steps`, alongside a model of it, and closes it.
async fn live(store: &dyn Store, host: backstay_model::HostId, steps: &[OpStatus]) {
    let op = queued(store, host, OpAction::Switch).await.id;
    let mut model = OpStatus::Queued;
    // Close it whatever the steps: `sent` and then `lost` lead out of every open status.
    for to in steps.iter().copied().chain([OpStatus::Sent, OpStatus::Lost]) {
        let entries = store.audit(&AuditQuery::default(), 1).await.unwrap()[0].seq;
        let step = OpStep { audit: Some(entry(to.as_str())), ..OpStep::to(to) };
        let stepped = store.step_op(op, &step).await.unwrap();
        let legal = model.to(to);
        assert_eq!(stepped.as_ref().map(|view| view.status), legal.ok(), "{model} to {to}");
        model = legal.unwrap_or(model);
        assert_eq!(store.op(op).await.unwrap().unwrap().status, model);
        assert_eq!(store.open_op(host).await.unwrap().is_some(), model.is_open());
        assert_eq!(store.set_phase(op, Phase::Building).await.unwrap().is_some(), model.is_open());
        let written = store.audit(&AuditQuery::default(), 1).await.unwrap()[0].seq - entries;
        assert_eq!(
            written,
            u64::from(legal.is_ok()),
            "an entry for each step that was allowed, and no other"
        );
    }
    assert!(!model.is_open());
}
