//! Pauses and resumes roll-outs. While one is paused no host starts; hosts under way finish.

use backstay_model::rollout::{Rollout, RolloutState};
use backstay_model::wire::event::Tone;
use backstay_model::{Action, RolloutId};

use super::RolloutError;
use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::ops::SERVER;
use crate::store::{NewAuditEntry, StoreError};

impl Fleet {
    /// Pauses a roll-out: no host starts until a person resumes it. Does nothing if it is paused.
    ///
    /// # Errors
    /// [`RolloutError`]; in that case the roll-out continues.
    pub async fn pause_rollout(&self, actor: &Actor, id: RolloutId) -> Result<(), RolloutError> {
        actor.require(Action::HoldRollout)?;
        let rollout = self.running(id).await?;
        let ops = self.ops_under_way(&rollout).await?;
        if !rollout.can_be_stopped(|op| ops.is_queued(op)) {
            return Err(RolloutError::NothingToStop);
        }
        let to = Rollout {
            paused_at: Some(self.clock.now()),
            paused_by: Some(actor.name().to_owned()),
            ..rollout
        };
        let detail = "No host starts until it is resumed. Hosts already running will finish.";
        self.set_pause(&to, self.pause_entry(actor.name(), "paused", &to, detail)).await?;
        Ok(())
    }

    /// Resumes a roll-out. Does nothing if it is not paused.
    ///
    /// # Errors
    /// [`RolloutError`]; in that case the roll-out stays as it was.
    pub async fn resume_rollout(&self, actor: &Actor, id: RolloutId) -> Result<(), RolloutError> {
        actor.require(Action::RollOut)?;
        let rollout = self.running(id).await?;
        let ops = self.ops_under_way(&rollout).await?;
        // It would pause again at once.
        let is_reached = rollout.has_reached_pause(|op| ops.is_queued(op));
        let pause_after = rollout.pause_after.filter(|_| !is_reached);
        let to = Rollout { paused_at: None, paused_by: None, pause_after, ..rollout };
        let entry =
            self.pause_entry(actor.name(), "resumed", &to, "The remaining hosts start in their order.");
        self.set_pause(&to, entry).await?;
        self.advance_rollouts_soon();
        Ok(())
    }

    /// Pauses a roll-out whose first hosts have finished.
    pub(super) async fn pause_automatically(&self, rollout: &Rollout) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let to = Rollout { paused_at: Some(now), paused_by: None, pause_after: None, ..rollout.clone() };
        let told = format!("{} is paused: {}", rollout.title(), rollout.summary(None));
        let is_paused =
            self.set_pause(&to, self.pause_entry(SERVER, "paused", &to, &format!("{told}."))).await?;
        if is_paused {
            self.notify_begun_by(&rollout.requested_by, Tone::Neutral, told);
        }
        Ok(is_paused)
    }

    async fn set_pause(&self, to: &Rollout, entry: NewAuditEntry) -> Result<bool, StoreError> {
        let is_taken = self.store.pause_rollout(to, &entry).await?.is_some();
        if is_taken {
            self.publish_rollout(to.id).await;
        }
        Ok(is_taken)
    }

    /// Returns the roll-out if it still starts hosts.
    async fn running(&self, id: RolloutId) -> Result<Rollout, RolloutError> {
        let rollout = self.store.rollout(id).await?.ok_or(RolloutError::NoSuchRollout)?;
        match rollout.state {
            RolloutState::Running => Ok(rollout),
            RolloutState::Stopping { .. } => Err(RolloutError::Stopping),
            RolloutState::Done | RolloutState::Stopped { .. } => Err(RolloutError::Over),
        }
    }

    fn pause_entry(&self, by: &str, what: &str, rollout: &Rollout, detail: &str) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), by, format!("rollout.{what}"), detail)
            .reason(rollout.reason.as_deref())
    }
}
