//! `POST /webhooks/github`: deliveries of GitHub's webhook.
//!
//! A delivery that is signed with the webhook's secret is only a hint to read the repository: deliveries that are repeated, late or
//! arrive by the thousand cause the same few readings. The answer is immediate.

use std::sync::Once;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use backstay_fleet::Fleet;
use backstay_fleet::github::webhook::{Hint, Rejected, hint};

use super::WebhookSecret;

/// Whether a delivery with another secret was logged.
static LOGGED: Once = Once::new();

/// Accepts a delivery. The answer is 202 if the server reads the repository, 204 if the delivery is irrelevant, 401 if it is not signed
/// with the secret, 400 if it cannot be read, and 404 if no secret is configured. A delivery that is too large never reaches
/// this function; the answer is 413.
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
            // Once, so that a flood of deliveries does not flood the log.
            LOGGED.call_once(|| tracing::warn!("a delivery to the webhook was not signed with its secret"));
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
