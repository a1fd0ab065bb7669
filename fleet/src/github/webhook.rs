//! Deliveries of GitHub's webhook, signed with a shared secret.
//!
//! A delivery is only a hint to read something again. The server never trusts its content, so a delivery that arrives twice, late,
//! or forged by somebody with the secret does no harm.
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::secret::Secret;

/// Upper bound on the size of a delivery, in bytes. GitHub sends at most 25 MB, but the relevant ones are far smaller.
pub const DELIVERY_BYTES: usize = 5 * 1024 * 1024;

/// The hint in a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A branch has moved.
    Pushed {
        /// The branch.
        branch: String,
    },
    /// A pull request was opened, changed, merged or closed.
    PullRequest {
        /// Its number.
        number: u64,
    },
    /// Nothing relevant.
    Other,
}

/// Why a delivery is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is not signed, or signed with another secret.
    #[error("the delivery is not signed with the webhook's secret")]
    Signature,
    /// Its body cannot be read.
    #[error("the delivery cannot be read")]
    Malformed,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
}

#[derive(Deserialize)]
struct PullRequestEvent {
    number: u64,
}

/// Returns the hint in a delivery, if it was signed with this secret. `signature` is the header `X-Hub-Signature-256`, `event`
/// the header `X-GitHub-Event`, and `body` the raw body.
///
/// # Errors
/// [`Rejected`]
pub fn hint(secret: &Secret, signature: &str, event: &str, body: &[u8]) -> Result<Hint, Rejected> {
    verify(secret, signature, body)?;
    match event {
        "push" => {
            let push: Push = serde_json::from_slice(body).map_err(|_| Rejected::Malformed)?;
            // A pushed tag is not a branch.
            let branch = push.reference.strip_prefix("refs/heads/");
            Ok(branch.map_or(Hint::Other, |branch| Hint::Pushed { branch: branch.to_owned() }))
        }
        "pull_request" => {
            let event: PullRequestEvent = serde_json::from_slice(body).map_err(|_| Rejected::Malformed)?;
            Ok(Hint::PullRequest { number: event.number })
        }
        _ => Ok(Hint::Other),
    }
}

/// Compares in constant time.
fn verify(secret: &Secret, signature: &str, body: &[u8]) -> Result<(), Rejected> {
    let given = signature.strip_prefix("sha256=").and_then(unhex).ok_or(Rejected::Signature)?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| Rejected::Signature)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks(2).map(pair).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's own documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secret() -> Secret {
        Secret::from_text(SECRET)
    }

    fn signed(body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        format!("sha256={}", crate::secret::hex(&mac.finalize().into_bytes()))
    }

    #[test]
    fn the_documented_example_is_taken() {
        assert_eq!(hint(&secret(), SIGNATURE, "ping", b"Hello, World!"), Ok(Hint::Other));
    }

    #[test]
    fn what_is_not_signed_with_the_secret_is_not() {
        let upper = SIGNATURE.replace("757107ea", "757107eb");
        for signature in ["", "sha256=", "sha256=zz", "sha1=757107ea", &SIGNATURE[..40], &upper, "sha256=ä"]
        {
            let told = hint(&secret(), signature, "ping", b"Hello, World!");
            assert_eq!(told, Err(Rejected::Signature), "{signature}");
        }
        assert_eq!(hint(&secret(), SIGNATURE, "ping", b"Hello, World"), Err(Rejected::Signature));
    }

    #[test]
    fn hints_are_read() {
        let read = |event: &str, body: &str| hint(&secret(), &signed(body), event, body.as_bytes());
        assert_eq!(
            read("push", r#"{"ref":"refs/heads/main","after":"x"}"#),
            Ok(Hint::Pushed { branch: "main".into() })
        );
        assert_eq!(read("push", r#"{"ref":"refs/tags/v1"}"#), Ok(Hint::Other));
        assert_eq!(
            read("pull_request", r#"{"action":"closed","number":42}"#),
            Ok(Hint::PullRequest { number: 42 })
        );
        assert_eq!(read("push", "{}"), Err(Rejected::Malformed));
        assert_eq!(read("star", "no JSON"), Ok(Hint::Other));
    }
}
