//! How far the audit log is verified.
//!
//! A page must not wait until millions of hashes are recomputed, so the background work verifies the log step by
//! step, and pages show how far it is. The store keeps a checkpoint, from which a restarted server continues. What was
//! verified once is verified again every day, because entries can be changed behind the server's back.

use std::sync::Arc;

use backstay_model::Clock;
use backstay_model::view::AuditChain;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::store::{AUDIT_BATCH, AuditCheck, AuditCheckpoint, AuditMark, Store, StoreError};

/// How often the verification begins again at the first entry.
const WHOLE: TimeDelta = TimeDelta::days(1);

/// Number of entries after which the checkpoint is kept, even if there are more.
const KEPT_EVERY: u64 = 100_000;

/// Verifies the audit log step by step.
pub(crate) struct AuditVerifier {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Held during a step. `None` before the first one.
    position: tokio::sync::Mutex<Option<Position>>,
    shown: Mutex<AuditChain>,
}

/// Where the next step begins.
struct Position {
    at: AuditCheckpoint,
    /// The store's checkpoint.
    kept: AuditCheckpoint,
}

impl AuditVerifier {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let shown = AuditChain { verified: 0, is_complete: false, since: clock.now(), broken_at: None };
        Self { store, clock, position: tokio::sync::Mutex::default(), shown: Mutex::new(shown) }
    }

    /// Returns how far the log is verified.
    pub(crate) fn chain(&self) -> AuditChain {
        self.shown.lock().clone()
    }

    /// Verifies the next entries, and returns whether more are due.
    pub(crate) async fn step(&self) -> Result<bool, StoreError> {
        let mut held = self.position.lock().await;
        if held.is_none() {
            *held = Some(self.load().await?);
        }
        let Some(position) = held.as_mut() else { return Ok(false) };
        match self.store.verify_audit_after(&position.at.mark, AUDIT_BATCH).await? {
            AuditCheck::Intact { to, end } => {
                self.show(&to, end, position.at.since);
                position.at.mark = to;
                let unkept = position.at.mark.seq.abs_diff(position.kept.mark.seq);
                if end || unkept >= KEPT_EVERY {
                    self.keep(position).await?;
                }
                if end && self.clock.now() - position.at.since >= WHOLE {
                    position.at = self.beginning();
                }
                Ok(!end)
            }
            AuditCheck::Broken(seq) => {
                tracing::error!(entry = seq, "the audit log was altered");
                {
                    let mut shown = self.shown.lock();
                    (shown.broken_at, shown.is_complete) = (Some(seq), false);
                }
                // From the beginning, also after a restart, so that a database that was restored is believed again.
                position.at = self.beginning();
                if position.kept.mark.seq > 0 {
                    self.keep(position).await?;
                }
                Ok(false)
            }
        }
    }

    /// The place where the server stopped before.
    async fn load(&self) -> Result<Position, StoreError> {
        let at = self.store.audit_checkpoint().await?.unwrap_or_else(|| self.beginning());
        self.show(&at.mark, false, at.since);
        Ok(Position { kept: at.clone(), at })
    }

    /// Records the position, unless the store knows it: while nobody does anything, nothing is written.
    async fn keep(&self, position: &mut Position) -> Result<(), StoreError> {
        if position.kept != position.at {
            self.store.keep_audit_checkpoint(&position.at).await?;
            position.kept = position.at.clone();
        }
        Ok(())
    }

    fn beginning(&self) -> AuditCheckpoint {
        AuditCheckpoint { mark: AuditMark::default(), since: self.clock.now() }
    }

    /// Shows the result of a step, once it is as far as the pass before.
    fn show(&self, to: &AuditMark, end: bool, since: DateTime<Utc>) {
        let mut shown = self.shown.lock();
        let is_further = to.seq > shown.verified || shown.broken_at.is_some_and(|broken| to.seq >= broken);
        if end || is_further {
            *shown = AuditChain { verified: to.seq, is_complete: end, since, broken_at: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::FixedClock;

    use super::*;
    use crate::store::NewAuditEntry;
    use crate::test_fleet::{Database, clock};

    async fn bench(entries: u32) -> (Database, Arc<FixedClock>, Arc<dyn Store>, AuditVerifier) {
        let (database, clock) = (Database::new(), clock());
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        append(&*store, &clock, entries).await;
        let verifier = AuditVerifier::new(Arc::clone(&store), Arc::<FixedClock>::clone(&clock));
        (database, clock, store, verifier)
    }

    async fn append(store: &dyn Store, clock: &FixedClock, entries: u32) {
        for _ in 0..entries {
            store
                .append_audit(&NewAuditEntry::new(clock.now(), "maria", "log-in", "Logged in."))
                .await
                .unwrap();
        }
    }

    /// Changes an entry behind the server's back.
    async fn alter(database: &Database, seq: i64, actor: &str) {
        let behind = database.connect().await;
        sqlx::query("DROP TRIGGER IF EXISTS audit_log_is_never_changed").execute(&behind).await.unwrap();
        sqlx::query("UPDATE audit_log SET actor = $1 WHERE seq = $2")
            .bind(actor)
            .bind(seq)
            .execute(&behind)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_long_log_is_verified_step_by_step_and_only_new_entries_after_that() {
        let (database, clock, store, verifier) = bench(AUDIT_BATCH + 5).await;
        assert_eq!(verifier.chain().verified, 0);
        assert!(verifier.step().await.unwrap());
        let chain = verifier.chain();
        assert_eq!((chain.verified, chain.is_complete), (u64::from(AUDIT_BATCH), false));
        assert!(!verifier.step().await.unwrap());
        let chain = verifier.chain();
        assert_eq!((chain.verified, chain.is_complete), (u64::from(AUDIT_BATCH) + 5, true));

        append(&*store, &clock, 1).await;
        alter(&database, 7, "mallory").await;
        verifier.step().await.unwrap();
        let chain = verifier.chain();
        assert_eq!(
            (chain.verified, chain.broken_at),
            (u64::from(AUDIT_BATCH) + 6, None),
            "entry 7 is not read again"
        );
    }

    #[tokio::test]
    async fn every_day_the_whole_log_is_verified_again() {
        let (database, clock, _, verifier) = bench(3).await;
        verifier.step().await.unwrap();
        alter(&database, 2, "mallory").await;
        clock.advance(TimeDelta::days(1));
        verifier.step().await.unwrap();
        assert_eq!(verifier.chain().broken_at, None, "this step only ends the first pass");
        verifier.step().await.unwrap();
        assert_eq!(verifier.chain().broken_at, Some(2));
        assert!(!verifier.chain().is_complete);

        alter(&database, 2, "maria").await;
        verifier.step().await.unwrap();
        let chain = verifier.chain();
        assert_eq!((chain.broken_at, chain.is_complete), (None, true), "restored");
        assert_eq!(chain.since, clock.now());
    }

    #[tokio::test]
    async fn a_restarted_server_continues_where_it_stopped() {
        let (database, clock, store, verifier) = bench(3).await;
        verifier.step().await.unwrap();
        let since = verifier.chain().since;
        let commits = database.commits();
        verifier.step().await.unwrap();
        assert_eq!(database.commits(), commits, "nothing is new, so nothing is written");

        append(&*store, &clock, 1).await;
        alter(&database, 2, "mallory").await;
        clock.advance(TimeDelta::hours(1));
        let restarted = AuditVerifier::new(Arc::clone(&store), Arc::<FixedClock>::clone(&clock));
        assert!(!restarted.step().await.unwrap());
        let chain = restarted.chain();
        let expected = AuditChain { verified: 4, is_complete: true, since, broken_at: None };
        assert_eq!(chain, expected, "only the new entry was read");

        clock.advance(TimeDelta::days(1));
        restarted.step().await.unwrap();
        restarted.step().await.unwrap();
        assert_eq!(restarted.chain().broken_at, Some(2), "a day after the last whole reading");
    }

    #[tokio::test]
    async fn an_altered_log_is_not_forgotten_by_a_restart() {
        let (database, clock, store, verifier) = bench(3).await;
        verifier.step().await.unwrap();
        append(&*store, &clock, 2).await;
        alter(&database, 4, "mallory").await;
        verifier.step().await.unwrap();
        assert_eq!(verifier.chain().broken_at, Some(4));
        let restarted = AuditVerifier::new(Arc::clone(&store), Arc::<FixedClock>::clone(&clock));
        restarted.step().await.unwrap();
        assert_eq!(restarted.chain().broken_at, Some(4));
    }
}
