//! The connection to the server: made, kept, and made again.

mod background_reader;
mod backoff;
mod follow;
pub(crate) mod probe;
mod recent;
mod session;
mod socket;
mod tls;

use std::time::Instant;

use anyhow::Result;
use tokio_tungstenite::Connector;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use backoff::Backoff;
use session::{Disconnect, Session};

/// Connects and serves the connection, again and again until `stop` is cancelled.
pub(crate) async fn stay_connected(agent: &Agent, stop: &CancellationToken) -> Result<()> {
    let connector = tls::connector(&agent.config)?;
    let mut backoff = Backoff::default();
    loop {
        let mut welcomed = None;
        let ended = attempt(agent, connector.clone(), stop, || welcomed = Some(Instant::now())).await;
        if let Some(since) = welcomed {
            backoff.after(since.elapsed(), matches!(ended, Ok(Disconnect::Dismissed(_))));
        }
        match ended {
            Ok(Disconnect::Stopped) => return Ok(()),
            Ok(Disconnect::Refused(reason)) => tracing::warn!(%reason, "the server refused this agent"),
            Ok(Disconnect::Dismissed(reason)) => tracing::warn!(%reason, "the server ended the connection"),
            Ok(Disconnect::Closed) => tracing::info!("the server closed the connection"),
            Err(error) => tracing::warn!("no connection: {error:#}"),
        }
        let pause = backoff.next();
        tracing::info!("reconnecting in {:.1} s", pause.as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Runs one connection from the attempt to its end. Calls `welcomed` once the server has accepted this agent.
async fn attempt(
    agent: &Agent,
    connector: Connector,
    stop: &CancellationToken,
    welcomed: impl FnOnce(),
) -> Result<Disconnect> {
    let socket = tokio::select! {
        socket = socket::connect(agent, connector) => socket?,
        () = stop.cancelled() => return Ok(Disconnect::Stopped),
    };
    Session::new(agent, socket).run(stop, welcomed).await
}
