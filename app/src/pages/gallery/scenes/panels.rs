//! Panels above the hosts.

use backstay_model::deployment::Deployment;
use backstay_model::rollout::Rollout;
use leptos::prelude::*;

use super::super::sample::{self, start};
use crate::components::{NewestDeployment, NewestRollout, PullRequests};
use crate::live::Live;

/// The open pull requests.
pub(super) fn pull_requests(live: Live) -> AnyView {
    let mut start = start();
    start.snapshot.pull_requests = sample::pull_requests();
    live.begin(start);
    view! { <PullRequests/> }.into_any()
}

/// A deployment as the newest one.
pub(super) fn deployment(live: Live, deployment: Deployment) -> AnyView {
    let mut start = start();
    start.snapshot.deployment = Some(deployment);
    live.begin(start);
    view! { <NewestDeployment/> }.into_any()
}

/// A roll-out as the newest one.
pub(super) fn rollout(live: Live, rollout: Rollout) -> AnyView {
    let mut start = start();
    start.snapshot.rollout = Some(rollout);
    live.begin(start);
    view! { <NewestRollout/> }.into_any()
}
