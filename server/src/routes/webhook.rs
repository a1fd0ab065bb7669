//! `POST /webhooks/github`: what GitHub tells by itself.
//!
//! A delivery that is signed with the webhook's secret is a hint to read the repository, and no more: one that is sent
//! again, late or by the thousand comes to the same few readings. It is answered at once.

use std::sync::Once;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use backstay_fleet::Fleet;
use backstay_fleet::github::webhook::{Hint, Rejected, hint};

use super::WebhookSecret;

/// That somebody sends deliveries with another secret was written to the log.
static TOLD: Once = Once::new();

/// Takes a delivery: 202 where something is read for it, 204 where it says nothing that matters, 401 where it is not signed
/// with the secret, 400 where it cannot be read, 404 where no secret is configured. One that is too large is answered with
/// 413 before it comes here.
pub(crate) async fn deliver(
    State(fleet): State<Fleet>,
    State(secret): State<WebhookSecret>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(secret) = secret.0 else { return StatusCode::NOT_FOUND };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match hint(&secret, header("x-hub-signature-256"), header("x-github-event"), &body) {
        Ok(hint) if matters(&fleet, &hint) => {
            fleet.hint_from_github();
            StatusCode::ACCEPTED
        }
        Ok(_) => StatusCode::NO_CONTENT,
        Err(Rejected::Signature) => {
            // Once: whoever floods the address does not flood the log.
            TOLD.call_once(|| tracing::warn!("a delivery to the webhook was not signed with its secret"));
            StatusCode::UNAUTHORIZED
        }
        Err(Rejected::Malformed) => StatusCode::BAD_REQUEST,
    }
}

fn matters(fleet: &Fleet, hint: &Hint) -> bool {
    match hint {
        Hint::Pushed { branch } => *branch == fleet.pull_requests().branch,
        Hint::PullRequest { .. } => true,
        Hint::Other => false,
    }
}
