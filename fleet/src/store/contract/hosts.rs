//! Hosts and the history of what they report.

use backstay_model::view::AuditQuery;
use backstay_model::{HostId, Labels, OpAction, OpStatus, Platform, TestTimeout, cmp_host_names};

use super::Bench;
use super::fixture::{
    at, audited, enrolled, entry, facts, generation, join_token, new_host, new_op, start, test_run,
};
use crate::store::{GENERATIONS_KEPT, HostRecord, OpStep, TEST_RUNS_KEPT, TokenHash};

pub(super) async fn a_host_is_found_by_identifier_name_and_token(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    enrolled(&*store, "web-01").await;
    assert_eq!(store.host(host.id).await.unwrap().as_ref(), Some(&host));
    assert_eq!(store.host_by_name("GPC0").await.unwrap().as_ref(), Some(&host));
    let token = TokenHash::of("token of gpc0");
    assert_eq!(store.host_by_token(&token).await.unwrap(), Some(host));

    assert_eq!(store.host(HostId::new()).await.unwrap(), None);
    assert_eq!(store.host_by_name("gpc").await.unwrap(), None);
    assert_eq!(store.host_by_token(&TokenHash::of("gpc0")).await.unwrap(), None);
}

pub(super) async fn hosts_come_by_name(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["web", "Db", "app"] {
        enrolled(&*store, name).await;
    }
    let names: Vec<_> = store.hosts().await.unwrap().into_iter().map(|h| h.name).collect();
    assert_eq!(names, ["app", "Db", "web"]);
    assert!(
        names.is_sorted_by(|one, other| cmp_host_names(one, other).is_lt()),
        "as every other list of hosts"
    );
}

pub(super) async fn an_agents_report_about_itself_is_recorded(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_agent(id, "0.1.0", 7, Platform::HomeManager).await.unwrap();
    let host = store.host(id).await.unwrap().unwrap();
    assert_eq!(host.agent_version.as_deref(), Some("0.1.0"));
    assert_eq!(host.agent_protocol, Some(7));
    assert_eq!(host.platform, Platform::HomeManager);
    assert_eq!(host.last_seen, None);
}

pub(super) async fn last_seen_never_goes_back(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    assert_eq!(store.host(id).await.unwrap().unwrap().last_seen, None);
    let other = enrolled(&*store, "gpc1").await.id;
    store.record_seen(&[(id, at(10)), (other, at(8))]).await.unwrap();
    store.record_seen(&[(id, at(9)), (other, at(9))]).await.unwrap();
    assert_eq!(store.host(other).await.unwrap().unwrap().last_seen, Some(at(9)));
    assert_eq!(store.host(id).await.unwrap().unwrap().last_seen, Some(at(10)));
    store.record_seen(&[(id, at(11))]).await.unwrap();
    assert_eq!(store.host(id).await.unwrap().unwrap().last_seen, Some(at(11)));
}

pub(super) async fn facts_are_stored_unchanged(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    assert_eq!(store.host(id).await.unwrap().unwrap().facts, None);
    let mut reported = facts(1, &[48, 47]);
    reported.test_runs.push(test_run(48, 0));
    reported.problems.push("“it's” not\nreadable".to_owned());
    store.record_facts(id, &reported).await.unwrap();
    assert_eq!(store.host(id).await.unwrap().unwrap().facts, Some(reported));
}

pub(super) async fn the_last_facts_win_whatever_the_hosts_clock_says(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    for read in [2, 1, 1] {
        let mut reported = facts(read, &[49, 48]);
        reported.test_runs.push(test_run(48, read));
        store.record_facts(id, &reported).await.unwrap();
        assert_eq!(store.host(id).await.unwrap().unwrap().facts, Some(reported));
    }
    assert_eq!(store.test_runs(id, 10).await.unwrap().len(), 2);
}

pub(super) async fn a_generation_stays_known_after_it_left_the_profile(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let other = enrolled(&*store, "gpc1").await.id;
    store.record_facts(other, &facts(1, &[46])).await.unwrap();
    store.record_facts(id, &facts(1, &[48, 47, 46])).await.unwrap();
    store.record_facts(id, &facts(2, &[49, 48])).await.unwrap();
    let known = async |id| -> Vec<_> {
        let all = store.generations(id).await.unwrap();
        all.into_iter().map(|g| (g.generation.number, g.in_profile)).collect()
    };
    assert_eq!(known(id).await, [(49, true), (48, true), (47, false), (46, false)]);
    assert_eq!(known(other).await, [(46, true)], "the other host has a history of its own");
    store.record_facts(id, &facts(3, &[47])).await.unwrap();
    assert_eq!(known(id).await, [(49, false), (48, false), (47, true), (46, false)]);
}

pub(super) async fn a_number_with_another_build_is_updated(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48])).await.unwrap();
    let mut renewed = facts(2, &[48]);
    renewed.generations[0].store_path = "/nix/store/other".to_owned();
    store.record_facts(id, &renewed).await.unwrap();
    let known = store.generations(id).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].generation, renewed.generations[0]);
}

pub(super) async fn a_profile_may_become_empty(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48])).await.unwrap();
    store.record_facts(id, &facts(2, &[])).await.unwrap();
    let known = store.generations(id).await.unwrap();
    assert!(known.len() == 1 && !known[0].in_profile, "{known:?}");
}

pub(super) async fn a_test_run_is_stored_once_and_stays(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let report = async |read, runs: Vec<_>| {
        let reported = backstay_model::Facts { test_runs: runs, ..facts(read, &[48]) };
        store.record_facts(id, &reported).await.unwrap();
    };
    report(100, vec![test_run(48, 50), test_run(47, 0)]).await;
    report(101, vec![test_run(48, 50)]).await;
    report(102, vec![test_run(48, 70)]).await;
    assert_eq!(store.test_runs(id, 10).await.unwrap(), [test_run(48, 70), test_run(48, 50), test_run(47, 0)]);
    assert_eq!(store.test_runs(id, 1).await.unwrap(), [test_run(48, 70)]);
    assert_eq!(store.test_runs(HostId::new(), 10).await.unwrap(), []);
}

pub(super) async fn the_latest_run_of_each_build_is_found(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    for (read, run) in
        [(1, test_run(47, 0)), (2, test_run(48, 10)), (3, test_run(47, 20)), (4, test_run(46, 5))]
    {
        let reported = backstay_model::Facts { test_runs: vec![run], ..facts(read, &[48, 47, 46]) };
        store.record_facts(id, &reported).await.unwrap();
    }
    let path = |number| test_run(number, 0).generation.store_path;
    let (seven, eight, none) = (path(47), path(48), path(1));
    let found = store.latest_test_runs(id, &[&seven, &eight, &none]).await.unwrap();
    assert_eq!(found, [test_run(47, 20), test_run(48, 10)]);
    assert_eq!(store.latest_test_runs(id, &[]).await.unwrap(), []);
    assert_eq!(store.latest_test_runs(HostId::new(), &[&seven]).await.unwrap(), []);
}

pub(super) async fn facts_of_an_unknown_host_are_ignored(bench: &mut impl Bench) {
    let store = bench.store();
    let nobody = HostId::new();
    store.record_facts(nobody, &facts(1, &[48])).await.unwrap();
    store.record_seen(&[(nobody, start())]).await.unwrap();
    assert_eq!(store.generations(nobody).await.unwrap(), []);
}

pub(super) async fn facts_of_another_version_do_not_hide_the_host(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48])).await.unwrap();
    bench.run("UPDATE hosts SET facts = '{\"unheard\":\"of\"}'").await.unwrap();
    assert_eq!(store.hosts().await.unwrap()[0].facts, None);
    let reported = facts(2, &[48]);
    store.record_facts(id, &reported).await.unwrap();
    assert_eq!(store.host(id).await.unwrap().unwrap().facts, Some(reported));
    assert_eq!(store.generations(id).await.unwrap()[0].generation.number, generation(48).number);
}

pub(super) async fn labels_are_set_with_their_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let labels = Labels { tags: vec!["cloud".into(), "web".into()], notes: "Rack 4\n“spare”".into() };
    store.set_labels(id, &labels, &entry("host.labels")).await.unwrap();
    store.set_labels(HostId::new(), &Labels::default(), &entry("host.labels")).await.unwrap();
    assert_eq!(store.host(id).await.unwrap().unwrap().labels, labels);
    let labels_only = AuditQuery { action: Some("host.labels".into()), ..AuditQuery::default() };
    assert_eq!(store.audit(&labels_only, 10).await.unwrap().len(), 1, "no entry for an unknown host");
}

pub(super) async fn a_test_timeout_is_set_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let set = async || store.host(id).await.unwrap().unwrap().test_timeout;
    assert_eq!(set().await, None);
    let timeout = TestTimeout::from_secs(90).ok();
    store.set_test_timeout(id, timeout, &entry("host.test-timeout")).await.unwrap();
    assert_eq!(set().await, timeout);
    store.set_test_timeout(HostId::new(), timeout, &entry("host.test-timeout")).await.unwrap();
    store.set_test_timeout(id, None, &entry("host.test-timeout")).await.unwrap();
    assert_eq!(set().await, None);
    assert_eq!(audited(&*store).await.len(), 2, "no entry for an unknown host");
}

pub(super) async fn auto_test_is_set_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.set_auto_test(id, false, &entry("auto-test.off")).await.unwrap();
    assert!(!store.host(id).await.unwrap().unwrap().auto_test);
    store.set_auto_test(HostId::new(), true, &entry("auto-test.on")).await.unwrap();
    assert_eq!(audited(&*store).await, ["auto-test.off"], "no entry for an unknown host");
}

pub(super) async fn a_removed_host_is_gone_but_its_ops_stay(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let op = new_op(host.id, OpAction::Test);
    store.insert_op(&op, &entry("test.requested")).await.unwrap();
    store.step_op(op.id, &OpStep::to(OpStatus::Cancelled)).await.unwrap().unwrap();
    assert!(store.remove_host(host.id, at(9), &entry("host.removed")).await.unwrap());

    assert_eq!(store.hosts().await.unwrap(), []);
    assert_eq!(store.host(host.id).await.unwrap(), None);
    assert_eq!(store.host_by_name("gpc0").await.unwrap(), None);
    assert_eq!(store.host_by_token(&TokenHash::of("token of gpc0")).await.unwrap(), None);
    assert_eq!(store.op(op.id).await.unwrap().unwrap().host_name, "gpc0");
    assert!(
        !store.remove_host(host.id, at(10), &entry("host.removed")).await.unwrap(),
        "it was removed already"
    );
    assert_eq!(audited(&*store).await, ["test.requested", "host.removed"]);

    // Its join token admits nobody again. Another host may take its name.
    let join = TokenHash::of("join gpc0");
    assert!(store.enrol(&new_host("gpc0"), &join).await.is_err());
    let again = join_token("a second token");
    store.insert_join_token(&again).await.unwrap();
    let second = store.enrol(&new_host("GPC0"), &again.token).await.unwrap();
    assert_ne!(second.id, host.id);
    assert_eq!(store.host_by_name("gpc0").await.unwrap(), Some(second));
}

pub(super) async fn a_host_that_an_op_holds_is_not_removed(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await;
    let op = new_op(host.id, OpAction::Test);
    store.insert_op(&op, &entry("test.requested")).await.unwrap();
    assert!(!store.remove_host(host.id, at(9), &entry("host.removed")).await.unwrap());
    assert_eq!(store.host(host.id).await.unwrap(), Some(host));
    assert_eq!(audited(&*store).await, ["test.requested"]);
}

pub(super) async fn only_the_newest_generations_that_left_the_profile_are_kept(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let many: Vec<u32> = (1..=GENERATIONS_KEPT + 10).collect();
    store.record_facts(id, &facts(1, &many)).await.unwrap();
    assert_eq!(store.generations(id).await.unwrap().len(), many.len(), "the profile lists them all");
    store.record_facts(id, &facts(2, &[5_000, 1])).await.unwrap();
    let kept = store.generations(id).await.unwrap();
    let numbers: Vec<_> = kept.iter().map(|known| (known.generation.number, known.in_profile)).collect();
    assert_eq!(numbers.first(), Some(&(5_000, true)));
    assert_eq!(numbers.last(), Some(&(1, true)), "old, and still in the profile");
    let gone = &numbers[1..numbers.len() - 1];
    assert_eq!(gone.len(), GENERATIONS_KEPT as usize);
    assert_eq!((gone[0], gone[gone.len() - 1]), ((GENERATIONS_KEPT + 10, false), (11, false)));
}

pub(super) async fn only_the_newest_test_runs_are_kept(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    let newest = i64::from(TEST_RUNS_KEPT) + 9;
    let runs = (0..=newest).map(|started| test_run(48, started)).collect();
    let reported = backstay_model::Facts { test_runs: runs, ..facts(1, &[48]) };
    store.record_facts(id, &reported).await.unwrap();
    let kept = store.test_runs(id, 2 * TEST_RUNS_KEPT).await.unwrap();
    assert_eq!(kept.len(), TEST_RUNS_KEPT as usize);
    assert_eq!((&kept[0], &kept[kept.len() - 1]), (&test_run(48, newest), &test_run(48, 10)));
}

pub(super) async fn a_removed_host_takes_its_history_with_it(bench: &mut impl Bench) {
    let store = bench.store();
    let (id, other) = (enrolled(&*store, "gpc0").await.id, enrolled(&*store, "imac0").await.id);
    let reported = backstay_model::Facts { test_runs: vec![test_run(48, 1)], ..facts(1, &[48]) };
    let history = async |host| {
        let generations = store.generations(host).await.unwrap().len();
        (generations, store.test_runs(host, 10).await.unwrap().len())
    };
    for host in [id, other] {
        store.record_facts(host, &reported).await.unwrap();
        assert_eq!(history(host).await, (1, 1));
    }
    assert!(store.remove_host(id, at(9), &entry("host.removed")).await.unwrap());
    assert_eq!((history(id).await, history(other).await), ((0, 0), (1, 1)));
    // Its agent may just be reporting.
    store.record_facts(id, &reported).await.unwrap();
    assert_eq!(history(id).await, (0, 0));
}

pub(super) async fn a_host_is_read_without_its_facts(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48])).await.unwrap();
    let whole = store.host(id).await.unwrap().unwrap();
    let without = store.host_without_facts(id).await.unwrap();
    assert_eq!(without, Some(HostRecord { facts: None, ..whole }));
    assert!(store.remove_host(id, at(9), &entry("host.removed")).await.unwrap());
    assert_eq!(store.host_without_facts(id).await.unwrap(), None);
}
