//! Changes of a host that no op made: a person with nixos-rebuild, a deployment tool, a reboot.

use backstay_model::{Facts, HostId};

use crate::fleet::Fleet;
use crate::store::{InsertOpError, StoreError};

impl Fleet {
    /// Requests the tests of a host that runs something else than when it last reported, if no op holds it: an op that
    /// changes the system brings its own tests.
    pub(crate) async fn test_what_others_changed(
        &self,
        host: HostId,
        before: Option<&Facts>,
        now: &Facts,
    ) -> Result<(), StoreError> {
        // If two agents claim to be this host, each change is only the other's turn.
        if self.is_shared(host) || !before.is_some_and(|before| runs_another(before, now)) {
            return Ok(());
        }
        let Some(request) = self.auto_test(host, now).await? else { return Ok(()) };
        let (op, entry) = *request;
        match self.store.insert_op(&op, &entry).await {
            Ok(op) => {
                tracing::info!(%host, op = %op.id, "the host runs another system, and no op brought it; testing it");
                self.publish_and_dispatch(op).await;
                Ok(())
            }
            Err(InsertOpError::HostBusy(_)) => Ok(()),
            Err(InsertOpError::Store(error)) => Err(error),
        }
    }
}

/// Returns whether a host runs another build, or another specialisation of it. If either is unknown, it does not.
fn runs_another(before: &Facts, now: &Facts) -> bool {
    let runs = |facts: &Facts| facts.running.clone().map(|build| (build, facts.specialisation.clone()));
    runs(before).zip(runs(now)).is_some_and(|(before, now)| before != now)
}
