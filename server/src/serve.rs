//! Serving.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backstay_fleet::desired::Repository;
use backstay_fleet::{Fleet, FleetConfig};
use backstay_model::SystemClock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{ServeOptions, open_store};
use crate::lifecycle::Lifecycle;
use crate::listen::{self, Limits, Places, Times};
use crate::routes;

/// Serves until told to stop.
pub(crate) async fn serve(options: ServeOptions) -> anyhow::Result<()> {
    let room = listen::room_for_connections();
    // Before anything else: what is wrong here is for who starts the server to repair.
    let configured = options.github.configure(&options.branch, options.repository.as_deref())?;
    let (github, webhook_secret) =
        configured.map_or((None, None), |configured| (Some(configured.github), configured.webhook_secret));
    let fleet = Fleet::new(FleetConfig {
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        store: open_store(&options.database).await?,
        clock: Arc::new(SystemClock),
        queue_time: Duration::from_secs(options.queue_seconds),
        github,
    });
    first_admin(&fleet, &options).await?;
    fleet.resume_rollouts().await?;

    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", options.listen))?;
    let address = listener.local_addr()?;
    let lifecycle = Lifecycle::default();
    lifecycle.stop_on_signal()?;
    if let Some(repository) = repository(&options) {
        lifecycle.tasks.spawn(follow(
            fleet.clone(),
            repository,
            options.poll_seconds,
            lifecycle.stop.clone(),
        ));
    }
    lifecycle.tasks.spawn(watch_github(fleet.clone(), options.poll_seconds, lifecycle.stop.clone()));
    lifecycle.tasks.spawn(take_up_reverts(fleet.clone(), lifecycle.stop.clone()));
    lifecycle.tasks.spawn(sweep(fleet.clone(), lifecycle.stop.clone()));
    lifecycle.tasks.spawn(close_due(fleet.clone(), lifecycle.stop.clone()));
    let app = routes::router(fleet, &options, address, webhook_secret, lifecycle.clone())?;

    // The one line on standard output: whoever started the server waits for it.
    println!("listening on http://{address}");
    let places = Places::new(Limits::of(room));
    listen::serve(listener, app, places, Times::default(), lifecycle.stop.clone()).await;
    lifecycle.drained().await;
    Ok(())
}

fn repository(options: &ServeOptions) -> Option<Repository> {
    Some(Repository {
        url: options.repository.clone()?,
        branch: options.branch.clone(),
        folder: options.repository_folder.clone(),
    })
}

/// Looks at the branch again and again, until the server stops.
async fn follow(fleet: Fleet, repository: Repository, seconds: u64, stop: CancellationToken) {
    let mut next = tokio::time::interval(Duration::from_secs(seconds));
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(next.tick()).await.is_some() {
        let read = fleet.read_desired(&repository);
        if let Some(Err(error)) = stop.run_until_cancelled(read).await {
            tracing::error!(%error, "the hosts could not be compared with the branch");
        }
    }
}

/// Looks at the repository at GitHub again and again, where one is configured, until the server stops.
async fn watch_github(fleet: Fleet, seconds: u64, stop: CancellationToken) {
    stop.run_until_cancelled(fleet.follow_github(Duration::from_secs(seconds))).await;
}

/// Takes up the reverts that were under way when the server ended.
async fn take_up_reverts(fleet: Fleet, stop: CancellationToken) {
    if let Some(Err(error)) = stop.run_until_cancelled(fleet.resume_reverts()).await {
        tracing::error!(%error, "the reverts that were under way could not be taken up");
    }
}

/// Forgets expired sessions and join tokens every hour, until the server stops.
async fn sweep(fleet: Fleet, stop: CancellationToken) {
    let mut next = tokio::time::interval(Duration::from_hours(1));
    while stop.run_until_cancelled(next.tick()).await.is_some() {
        if let Err(error) = fleet.forget_expired().await {
            tracing::error!(%error, "expired sessions and join tokens could not be forgotten");
        }
    }
}

/// Closes ops that were waited for long enough, until the server stops.
async fn close_due(fleet: Fleet, stop: CancellationToken) {
    let mut next = tokio::time::interval(Duration::from_secs(1));
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(next.tick()).await.is_some() {
        if let Err(error) = fleet.close_due().await {
            tracing::error!(%error, "ops that are due could not be closed");
        }
    }
}

async fn first_admin(fleet: &Fleet, options: &ServeOptions) -> anyhow::Result<()> {
    let made =
        fleet.accounts().ensure_first_admin(&options.admin_user, options.admin_password.clone()).await?;
    if let Some(password) = made {
        eprintln!(
            "\nFirst start: log in as “{}” with the password\n\n    {password}\n\nIt is not shown again.\n",
            options.admin_user
        );
    }
    Ok(())
}
