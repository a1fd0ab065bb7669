//! What the open pages are told of what is stored, and what could not be told because the database failed: that is told
//! with the next look, so that no page stays behind what is so.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use backstay_model::wire::event::Event;
use backstay_model::{DeploymentId, HostId, OpId, RolloutId};

use crate::fleet::Fleet;
use crate::store::StoreError;

/// Something that pages show, as it is stored now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum News {
    /// Every host that is not as it was told.
    Hosts,
    /// One host.
    Host(HostId),
    /// An op.
    Op(OpId),
    /// A roll-out.
    Rollout(RolloutId),
    /// A deployment.
    Deployment(DeploymentId),
    /// A new deployment, and the one that it took the place of.
    Opened(DeploymentId),
}

/// What is still to be told.
#[derive(Default)]
pub(crate) struct Untold(Mutex<HashSet<News>>);

impl Untold {
    fn put(&self, news: News) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(news);
    }

    fn take(&self) -> HashSet<News> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Fleet {
    /// Tells every open page. What was recorded is recorded, whether or not the pages can be told of it now: a failure is
    /// logged, and the next [look](Fleet::tell_again) tells it.
    pub(crate) async fn publish(&self, news: News) {
        let told = match news {
            News::Hosts => self.tell_hosts().await,
            News::Host(id) => self.tell_host(id).await,
            News::Op(id) => self.tell_op(id).await,
            News::Rollout(id) => self.tell_rollout(id).await,
            News::Deployment(id) => self.tell_deployment(id).await,
            News::Opened(id) => self.tell_opened(id).await,
        };
        if let Err(error) = told {
            tracing::error!(%error, ?news, "the pages could not be told, which is tried again");
            self.untold.put(news);
        }
    }

    /// Tells what could not be told before.
    pub(crate) async fn tell_again(&self) {
        for news in self.untold.take() {
            self.publish(news).await;
        }
    }

    /// An op is read and told in one turn, so that no page hears an older state of it after a newer one.
    async fn tell_op(&self, id: OpId) -> Result<(), StoreError> {
        let _in_order = self.turns.telling.lock().await;
        if let Some(op) = self.store.op(id).await? {
            self.events.publish(&Event::Op { op: Box::new(op) });
        }
        Ok(())
    }

    async fn tell_rollout(&self, id: RolloutId) -> Result<(), StoreError> {
        let _in_order = self.turns.telling.lock().await;
        if let Some(rollout) = self.store.rollout(id).await? {
            self.events.publish(&Event::Rollout { rollout: Box::new(rollout) });
        }
        Ok(())
    }

    async fn tell_opened(&self, id: DeploymentId) -> Result<(), StoreError> {
        for before in self.store.deployments(Some(id), 1).await? {
            self.tell_deployment(before.id).await?;
        }
        self.tell_deployment(id).await
    }

    async fn tell_deployment(&self, id: DeploymentId) -> Result<(), StoreError> {
        let _in_order = self.turns.telling.lock().await;
        if let Some(deployment) = self.store.deployment(id).await? {
            self.events.publish(&Event::Deployment { deployment: Box::new(deployment) });
        }
        Ok(())
    }
}
