//! How far the audit log is verified.
//!
//! A page must not wait until millions of hashes are recomputed, so the background work verifies the log step by
//! step, and pages show how far it is. What was verified once is verified again every day, because entries can be
//! changed behind the server's back.

use std::sync::Arc;

use backstay_model::Clock;
use backstay_model::view::AuditChain;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::store::{AUDIT_BATCH, AuditCheck, AuditMark, Store, StoreError};

/// How often the verification begins again at the first entry.
const WHOLE: TimeDelta = TimeDelta::days(1);

/// Verifies the audit log step by step.
pub(crate) struct AuditVerifier {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Held during a step.
    position: tokio::sync::Mutex<Position>,
    shown: Mutex<AuditChain>,
}

/// Where the next step begins.
struct Position {
    mark: AuditMark,
    /// When the first entry was verified.
    since: DateTime<Utc>,
}

impl AuditVerifier {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let since = clock.now();
        let shown = AuditChain { verified: 0, is_complete: false, since, broken_at: None };
        let position = Position { mark: AuditMark::default(), since };
        Self { store, clock, position: tokio::sync::Mutex::new(position), shown: Mutex::new(shown) }
    }

    /// Returns how far the log is verified.
    pub(crate) fn chain(&self) -> AuditChain {
        self.shown.lock().clone()
    }

    /// Verifies the next entries, and returns whether more are due. Does nothing if another step is in progress.
    pub(crate) async fn step(&self) -> Result<bool, StoreError> {
        let Ok(mut position) = self.position.try_lock() else { return Ok(false) };
        match self.store.verify_audit_after(&position.mark, AUDIT_BATCH).await? {
            AuditCheck::Intact { to, end } => {
                self.show(&to, end, position.since);
                position.mark = to;
                if end && self.clock.now() - position.since >= WHOLE {
                    *position = self.beginning();
                }
                Ok(!end)
            }
            AuditCheck::Broken(seq) => {
                tracing::error!(entry = seq, "the audit log was altered");
                let mut shown = self.shown.lock();
                (shown.broken_at, shown.is_complete) = (Some(seq), false);
                // From the beginning, so that a database that was restored is believed again.
                *position = self.beginning();
                Ok(false)
            }
        }
    }

    fn beginning(&self) -> Position {
        Position { mark: AuditMark::default(), since: self.clock.now() }
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
}
