//! The signature that proves an event's origin.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The value of `X-Hub-Signature-256`.
pub(super) fn of(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(body);
    format!("sha256={}", crate::hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_that_of_the_documentation() {
        // <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
        assert_eq!(
            super::of("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
