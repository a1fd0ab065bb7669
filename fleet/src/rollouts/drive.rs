//! Advances the roll-outs, in a task of their own.

use crate::fleet::Fleet;
use crate::store::StoreError;

impl Fleet {
    /// Advances the roll-outs soon. Neither an agent's message nor a person's request waits for that: a turn may have to send
    /// to many hosts.
    pub(crate) fn advance_rollouts_soon(&self) {
        self.rollout_driver.wake();
    }

    /// Advances the roll-outs whenever something happened to them. Runs until it is dropped.
    pub(crate) async fn advance_rollouts(self) {
        loop {
            self.rollout_driver.woken().await;
            let fleet = self.clone();
            // In a task of its own: a panic ends this turn only, and a shutdown does not interrupt it.
            let turn = tokio::spawn(async move { fleet.advance_all().await });
            if let Err(fault) = turn.await {
                tracing::error!(%fault, "advancing the roll-outs was interrupted");
            }
        }
    }

    /// Advances every roll-out until nothing more can be done now. Errors are logged, and the next tick tries again.
    async fn advance_all(&self) {
        if let Err(error) = self.try_advance_all().await {
            tracing::error!(%error, "a roll-out cannot advance now; retrying later");
        }
    }

    async fn try_advance_all(&self) -> Result<(), StoreError> {
        let mut known = self.rollout_driver.hosts.lock().await;
        let open = self.store.open_rollouts().await?;
        known.retain(|id, _| open.contains(id));
        for id in open {
            let mut hosts = known.remove(&id);
            while self.advance(id, &mut hosts).await? {}
            known.extend(hosts.map(|hosts| (id, hosts)));
        }
        Ok(())
    }
}

#[cfg(test)]
impl Fleet {
    /// Takes the turns that are due, for a fleet without background work.
    pub(crate) async fn settle(&self) {
        while self.rollout_driver.is_woken() {
            self.advance_all().await;
        }
    }
}
