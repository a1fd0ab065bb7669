//! The audit log shows tampering.

use backstay_model::OpId;
use backstay_model::view::{AuditQuery, Search};

use super::Bench;
use super::fixture::{at, entry, start};
use crate::store::{AuditCheck, AuditCheckpoint, AuditMark, NewAuditEntry, Store};

async fn five(store: &dyn Store) {
    for i in 1..=5 {
        store.append_audit(&entry(&format!("e{i}"))).await.unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

pub(super) async fn entries_come_newest_first(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    let op = OpId::new();
    let last = NewAuditEntry { at: at(9), reason: Some("why".to_owned()), op: Some(op), ..entry("e6") };
    store.append_audit(&last).await.unwrap();
    let newest = &store.audit(&AuditQuery::default(), 1).await.unwrap()[0];
    assert_eq!((newest.seq, newest.at, newest.actor.as_str()), (6, at(9), "maria"));
    assert_eq!((newest.action.as_str(), newest.host_name.as_deref()), ("e6", Some("gpc0")));
    assert_eq!((newest.from_gen, newest.to_gen, newest.op), (Some(48), Some(47), Some(op)));
    assert_eq!((newest.reason.as_deref(), newest.detail.as_str()), (Some("why"), "Requested."));
    let seqs = async |before, limit| -> Vec<_> {
        store
            .audit(&AuditQuery { before, ..AuditQuery::default() }, limit)
            .await
            .unwrap()
            .into_iter()
            .map(|e| e.seq)
            .collect()
    };
    assert_eq!(seqs(None, 100).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(seqs(Some(4), 2).await, [3, 2]);
    assert_eq!(seqs(Some(1), 2).await, [0_u64; 0]);
}

pub(super) async fn entries_are_filtered(bench: &mut impl Bench) {
    let store = bench.store();
    let elsewhere = |action: &str| NewAuditEntry { host_name: Some("imac0".into()), ..entry(action) };
    let by_otto = |action: &str| NewAuditEntry { actor: "otto".into(), host_name: None, ..entry(action) };
    for new in
        [entry("rollback.requested"), elsewhere("rollback.failed"), by_otto("rollbacks"), entry("pr.merged")]
    {
        store.append_audit(&new).await.unwrap();
    }
    let chosen = async |query: AuditQuery| -> Vec<_> {
        store.audit(&query, 10).await.unwrap().into_iter().map(|e| e.seq).collect()
    };
    let any = AuditQuery::default;
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(chosen(AuditQuery { host: said("GPC0"), ..any() }).await, [4, 1]);
    assert_eq!(chosen(AuditQuery { actor: said("otto"), ..any() }).await, [3]);
    assert_eq!(chosen(AuditQuery { action: said("rollback"), ..any() }).await, [2, 1]);
    assert_eq!(chosen(AuditQuery { action: said("rollback.failed"), ..any() }).await, [2]);
    assert_eq!(chosen(AuditQuery { action: said("r%"), ..any() }).await, [0_u64; 0]);
    let search = |from: &str, to: &str, text: &str| {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        AuditQuery { search: Search { from: some(from), to: some(to), text: some(text) }, ..any() }
    };
    assert_eq!(chosen(search("", "", "IMAC0")).await, [2]);
    assert_eq!(chosen(search("", "", "requested. ")).await, [0_u64; 0]);
    assert_eq!(chosen(search("", "", "%")).await, [0_u64; 0], "no wildcards");
    let day = at(0).format("%Y-%m-%d").to_string();
    assert_eq!(chosen(search(&day, &day, "")).await, [4, 3, 2, 1], "both days are included");
    assert_eq!(chosen(search("9999-01-01", "", "")).await, [0_u64; 0]);
    assert_eq!(chosen(search("", "1999-01-01", "")).await, [0_u64; 0]);
    for log_in in ["login", "login.refused"] {
        store.append_audit(&by_otto(log_in)).await.unwrap();
    }
    assert_eq!(chosen(AuditQuery { without_log_ins: true, ..any() }).await, [4, 3, 2, 1]);
    let both = AuditQuery { action: said("rollback"), host: said("gpc0"), before: Some(2), ..any() };
    assert_eq!(chosen(both).await, [1]);
}

pub(super) async fn an_untouched_log_verifies(bench: &mut impl Bench) {
    let store = bench.store();
    assert_eq!(store.verify_audit().await.unwrap(), None, "an empty log verifies too");
    five(&*store).await;
    let nothing = NewAuditEntry { host_name: None, from_gen: None, to_gen: None, ..entry("“\u{0}\n") };
    store.append_audit(&nothing).await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

pub(super) async fn many_writers_make_one_chain(bench: &mut impl Bench) {
    let (store, other) = (bench.store(), bench.another().await);
    let tasks: Vec<_> = (0..20)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            tokio::spawn(async move { store.append_audit(&entry("e")).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.audit(&AuditQuery::default(), 100).await.unwrap().len(), 20);
    assert_eq!(store.verify_audit().await.unwrap(), None);
}

pub(super) async fn a_changed_entry_shows(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    for change in [
        "UPDATE audit_log SET at = '2025-12-28T14:40:00.123457Z' WHERE seq = 3",
        "UPDATE audit_log SET actor = 'mallory' WHERE seq = 3",
        "UPDATE audit_log SET action = 'e' WHERE seq = 3",
        "UPDATE audit_log SET host_name = NULL WHERE seq = 3",
        "UPDATE audit_log SET host_name = 'gpc1' WHERE seq = 3",
        "UPDATE audit_log SET from_gen = 47 WHERE seq = 3",
        "UPDATE audit_log SET to_gen = NULL WHERE seq = 3",
        "UPDATE audit_log SET reason = '' WHERE seq = 3",
        "UPDATE audit_log SET detail = detail || ' ' WHERE seq = 3",
        "UPDATE audit_log SET op_id = 'x' WHERE seq = 3",
        "UPDATE audit_log SET hash = 'x' WHERE seq = 3",
        // Text that moves from one field to the next is a change too.
        "UPDATE audit_log SET actor = 'mari', action = 'ae3' WHERE seq = 3",
    ] {
        bench.run("CREATE TABLE kept AS SELECT * FROM audit_log").await.unwrap();
        bench.run(change).await.unwrap();
        assert_eq!(store.verify_audit().await.unwrap(), Some(3), "{change}");
        bench.run("DELETE FROM audit_log").await.unwrap();
        bench.run("INSERT INTO audit_log SELECT * FROM kept").await.unwrap();
        bench.run("DROP TABLE kept").await.unwrap();
        assert_eq!(store.verify_audit().await.unwrap(), None, "{change}");
    }
}

pub(super) async fn a_removed_entry_shows(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    bench.run("DELETE FROM audit_log WHERE seq = 2").await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(2));
    // Renumbering the others does not hide it.
    for up in [3, 4, 5] {
        let sql: &'static str = match up {
            3 => "UPDATE audit_log SET seq = 2 WHERE seq = 3",
            4 => "UPDATE audit_log SET seq = 3 WHERE seq = 4",
            _ => "UPDATE audit_log SET seq = 4 WHERE seq = 5",
        };
        bench.run(sql).await.unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap(), Some(2));
}

pub(super) async fn a_truncated_log_shows(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    bench.run("DELETE FROM audit_log WHERE seq > 3").await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(4));
    store.append_audit(&entry("later")).await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(4), "later entries do not hide it");
    bench.run("DELETE FROM audit_log").await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(1));
}

pub(super) async fn a_log_is_verified_from_a_mark_on(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    let from = async |mark: &AuditMark, limit| store.verify_audit_after(mark, limit).await.unwrap();
    let AuditCheck::Intact { to: second, end: false } = from(&AuditMark::default(), 2).await else {
        panic!("two of five")
    };
    assert_eq!(second.seq, 2);
    let AuditCheck::Intact { to: last, end: true } = from(&second, 100).await else { panic!("the rest") };
    assert_eq!(last.seq, 5);
    assert_eq!(from(&last, 100).await, AuditCheck::Intact { to: last.clone(), end: true });
    // A step that reads exactly to the end does not know that it is the end.
    assert_eq!(from(&second, 3).await, AuditCheck::Intact { to: last.clone(), end: false });

    bench.drop_guards().await;
    bench.run("UPDATE audit_log SET actor = 'mallory' WHERE seq IN (1, 4)").await.unwrap();
    assert_eq!(from(&second, 100).await, AuditCheck::Broken(4), "what is before the mark is not read");
    assert_eq!(from(&AuditMark::default(), 100).await, AuditCheck::Broken(1));
    bench.run("DELETE FROM audit_log WHERE seq > 1; UPDATE audit_head SET seq = 1").await.unwrap();
    assert_eq!(from(&last, 100).await, AuditCheck::Broken(5), "the mark's own entry is gone");
}

pub(super) async fn a_mark_of_another_history_is_not_held(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    let foreign = AuditMark { seq: 3, hash: "0".repeat(64) };
    assert_eq!(store.verify_audit_after(&foreign, 100).await.unwrap(), AuditCheck::Broken(3));
}

pub(super) async fn an_inserted_entry_shows(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    bench
        .run(
            "INSERT INTO audit_log (seq, at, actor, action, detail, hash)
             SELECT 6, at, actor, action, detail, hash FROM audit_log WHERE seq = 5",
        )
        .await
        .unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(6));
    bench
        .run("DELETE FROM audit_log WHERE seq = 6; UPDATE audit_log SET seq = 0 WHERE seq = 1")
        .await
        .unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(1), "before the first");
}

pub(super) async fn an_entry_from_another_history_shows(bench: &mut impl Bench) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    bench
        .run(
            "CREATE TABLE other AS SELECT * FROM audit_log; DELETE FROM audit_log;
             UPDATE audit_head SET seq = 0, hash = '';",
        )
        .await
        .unwrap();
    for action in ["e1", "what happened", "e3", "e4", "e5"] {
        store.append_audit(&entry(action)).await.unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
    bench
        .run(
            "DELETE FROM audit_log WHERE seq = 2;
             INSERT INTO audit_log SELECT * FROM other WHERE seq = 2;",
        )
        .await
        .unwrap();
    // The foreign entry matches its own hash and the one before; the next entry does not.
    assert_eq!(store.verify_audit().await.unwrap(), Some(3));
}

pub(super) async fn an_entry_that_cannot_be_read_shows<B: Bench>(bench: &mut B) {
    let store = bench.store();
    five(&*store).await;
    bench.drop_guards().await;
    bench.run(B::MAKE_UNREADABLE).await.unwrap();
    assert_eq!(store.verify_audit().await.unwrap(), Some(2));
}

pub(super) async fn the_database_itself_refuses_to_change_the_log<B: Bench>(bench: &mut B) {
    let store = bench.store();
    five(&*store).await;
    for change in [
        "UPDATE audit_log SET actor = 'mallory' WHERE seq = 3",
        "DELETE FROM audit_log WHERE seq = 5",
        "DELETE FROM audit_log",
        B::PAST_THE_GUARDS,
        "INSERT INTO audit_log SELECT seq + 2, at, actor, action, host_name, from_gen, to_gen, reason, \
         detail, op_id, hash FROM audit_log WHERE seq = 5",
    ] {
        let refused = bench.run(change).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
    assert_eq!(store.audit(&AuditQuery::default(), 10).await.unwrap().len(), 5);
}

pub(super) async fn how_far_the_log_is_verified_is_kept(bench: &mut impl Bench) {
    let store = bench.store();
    assert_eq!(store.audit_checkpoint().await.unwrap(), None);
    for seq in [7, 5] {
        let mark = AuditMark { seq, hash: "0a".repeat(32) };
        let checkpoint = AuditCheckpoint { mark, since: start() };
        store.keep_audit_checkpoint(&checkpoint).await.unwrap();
        assert_eq!(store.audit_checkpoint().await.unwrap(), Some(checkpoint));
    }
}
