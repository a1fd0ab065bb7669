//! Runs the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backstay_fleet::desired::Repository;
use backstay_fleet::store::Store;
use backstay_fleet::{Fleet, FleetConfig, Schedule};
use backstay_model::SystemClock;
use tokio::net::TcpListener;

use crate::cli::{ServeOptions, open_store};
use crate::lifecycle::Lifecycle;
use crate::listen::{self, Limits, Places, Times};
use crate::{routes, secret_file, server_lock};

/// Serves until a signal stops it.
pub(crate) async fn serve(options: ServeOptions) -> anyhow::Result<()> {
    let room = listen::room_for_connections();
    // First of all: errors in these options are for the person who starts the server.
    let configured = options.github.configure(&options.branch, options.repository.as_deref())?;
    let (github, webhook_secret) =
        configured.map_or((None, None), |configured| (Some(configured.github), configured.webhook_secret));
    let ways_in = options.sso.configure(options.public_url.as_deref())?;
    let lock = server_lock::take(&options.database.database).await?;
    let store = open_store(&options.database).await?;
    let fleet = Fleet::new(FleetConfig {
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        store: Arc::clone(&store),
        clock: Arc::new(SystemClock),
        queue_time: Duration::from_secs(options.queue_seconds),
        retention: options.retention.policy(),
        sessions: options.sessions.policy(),
        ways_in,
        master_key: Some(options.master_key.open(&options.database)?),
        github,
    });
    first_admin(&fleet, store.as_ref(), &options).await?;
    let lifecycle = Lifecycle::default();
    let background = fleet.start_background(schedule(&options), lifecycle.stop.clone()).await?;

    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    warn_if_exposed(address, options.public_url.as_deref());
    lifecycle.stop_on_signal()?;
    lifecycle.tasks.spawn(background);
    let app = routes::router(fleet.clone(), &options, address, webhook_secret, lifecycle.clone())?;

    // The only line on standard output: the program that started the server waits for it.
    println!("listening on http://{address}");
    let lock = lock.map(|lock| server_lock::watch(lock, lifecycle.stop.clone()));
    let places = Places::new(Limits::of(room));
    listen::serve(listener, app, places, Times::default(), lifecycle.stop.clone()).await;
    lifecycle.drained().await;
    // Held until the last write.
    let _lock = match lock {
        Some(lock) => Some(lock.await??),
        None => None,
    };
    fleet.store_last_seen().await.context("the times of the agents' last messages could not be stored")
}

/// Warns if others may read what people and agents send. It is a warning only: the proxy may be on another machine.
fn warn_if_exposed(address: SocketAddr, public_url: Option<&str>) {
    if is_exposed(address, public_url) {
        tracing::warn!(
            %address,
            "the server speaks plain http on the network: anybody on the way can read passwords, sessions and the tokens of \
             agents, and act with them; put a proxy that speaks https in front, and start with --public-url https://…"
        );
    }
}

fn is_exposed(address: SocketAddr, public_url: Option<&str>) -> bool {
    !address.ip().is_loopback() && !public_url.is_some_and(|url| url.starts_with("https://"))
}

fn schedule(options: &ServeOptions) -> Schedule {
    let repository = options.repository.clone().map(|url| Repository {
        url,
        branch: options.branch.clone(),
        folder: options.repository_folder.clone(),
    });
    Schedule { repository, poll: Duration::from_secs(options.poll_seconds) }
}

/// Creates the first administrator at the first start. The file with the password is read only then, so it can be removed
/// afterwards.
async fn first_admin(fleet: &Fleet, store: &dyn Store, options: &ServeOptions) -> anyhow::Result<()> {
    if store.count_users().await? > 0 {
        return Ok(());
    }
    let file = options.admin_password_file.as_deref();
    let password = file.map(|file| secret_file::read("--admin-password-file", file)).transpose()?;
    let password = password.map(|password| password.reveal().to_owned());
    let made = fleet.accounts().ensure_first_admin(&options.admin_user, password).await?;
    if let Some(password) = made {
        eprintln!(
            "\nFirst start: log in as “{}” with the password\n\n    {password}\n\nIt is not shown again.\n",
            options.admin_user
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_beyond_this_machine_is_warned_of() {
        for (listen, public_url, expected) in [
            ("127.0.0.1:7340", None, false),
            ("[::1]:7340", None, false),
            ("0.0.0.0:7340", None, true),
            ("192.0.2.1:7340", Some("http://backstay.lan"), true),
            ("0.0.0.0:7340", Some("https://backstay.example.org"), false),
        ] {
            assert_eq!(is_exposed(listen.parse().unwrap(), public_url), expected, "{listen} {public_url:?}");
        }
    }
}
