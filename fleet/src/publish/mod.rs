//! Sends open pages what changed in the store.

mod notices;
mod rows;

use backstay_model::wire::event::Event;
use backstay_model::{DeploymentId, HostId, OpId, RolloutId};

use crate::fleet::Fleet;
use crate::state::unpublished::Update;
use crate::store::StoreError;

impl Fleet {
    /// Publishes an update to every open page. What is recorded stays recorded even if it cannot be published now: a failure
    /// is logged, and the next [look](Fleet::publish_pending) publishes it.
    pub(crate) async fn publish(&self, update: Update) {
        let published = match update {
            Update::Hosts => self.try_publish_hosts().await,
            Update::Host(id) => self.try_publish_host(id).await,
            Update::Op(id) => self.try_publish_op(id).await,
            Update::Rollout(id) => self.try_publish_rollout(id).await,
            Update::RolloutHost(id, host) => self.try_publish_rollout_host(id, host).await,
            Update::Deployment(id) => self.try_publish_deployment(id).await,
            Update::DeploymentHost(id, host) => self.try_publish_deployment_host(id, host).await,
            Update::Opened(id) => self.try_publish_opened(id).await,
        };
        if let Err(error) = published {
            self.publish_later(update, &error);
        }
    }

    fn publish_later(&self, update: Update, error: &StoreError) {
        tracing::error!(%error, ?update, "an update could not be published; retrying later");
        self.unpublished.put(update);
    }

    /// Publishes what could not be published before.
    pub(crate) async fn publish_pending(&self) {
        for update in self.unpublished.take() {
            self.publish(update).await;
        }
    }

    /// Reads and publishes an op under one lock, so that no page receives an older state after a newer one.
    async fn try_publish_op(&self, id: OpId) -> Result<(), StoreError> {
        let _in_order = self.publishing.lock().await;
        if let Some(op) = self.store.op(id).await? {
            self.events.publish(&Event::Op { op: Box::new(op) });
        }
        Ok(())
    }

    async fn try_publish_rollout(&self, id: RolloutId) -> Result<(), StoreError> {
        let _in_order = self.publishing.lock().await;
        if let Some(rollout) = self.store.rollout(id).await? {
            self.events.publish(&Event::Rollout { rollout: Box::new(rollout) });
        }
        Ok(())
    }

    async fn try_publish_rollout_host(&self, id: RolloutId, host: HostId) -> Result<(), StoreError> {
        let _in_order = self.publishing.lock().await;
        if let Some(rollout) = self.store.rollout_part(id, Some(host)).await? {
            self.events.publish(&Event::Rollout { rollout: Box::new(rollout) });
        }
        Ok(())
    }

    async fn try_publish_deployment_host(&self, id: DeploymentId, host: HostId) -> Result<(), StoreError> {
        let _in_order = self.publishing.lock().await;
        if let Some(deployment) = self.store.deployment_on(host, Some(id)).await? {
            self.events.publish(&Event::Deployment { deployment: Box::new(deployment) });
        }
        Ok(())
    }

    async fn try_publish_opened(&self, id: DeploymentId) -> Result<(), StoreError> {
        for before in self.store.deployments(Some(id), 1).await? {
            self.try_publish_deployment(before.id).await?;
        }
        self.try_publish_deployment(id).await
    }

    async fn try_publish_deployment(&self, id: DeploymentId) -> Result<(), StoreError> {
        let _in_order = self.publishing.lock().await;
        if let Some(deployment) = self.store.deployment(id).await? {
            self.events.publish(&Event::Deployment { deployment: Box::new(deployment) });
        }
        Ok(())
    }
}
