//! A log-in that has left for the provider.
//!
//! It travels in a cookie, sealed with a key of this process. So strangers who begin log-ins fill no memory, and push nobody's out;
//! the price is that a restart ends the log-ins that are on their way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::sealing_key::SealingKey;
use crate::secret::Secret;
use crate::store::TokenHash;

/// How long a person may take at the provider.
pub const PENDING_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// The context of the seal.
const CONTEXT: &str = "single sign-on";

/// A log-in that has left for the provider.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Comes back in the address.
    pub(super) state: String,
    /// Comes back in the token.
    pub(super) nonce: String,
    /// Proves to the provider who began (RFC 7636).
    pub(super) verifier: String,
    /// The page to go to afterwards.
    pub(super) next: String,
    /// When it began.
    pub(super) at: DateTime<Utc>,
    /// The session whose person only proves again who they are.
    pub(super) proves: Option<String>,
}

impl Pending {
    /// Seals it for a cookie. Returns `None` if the operating system provides no random numbers.
    pub(super) fn sealed(&self, key: &SealingKey) -> Option<Secret> {
        let text = serde_json::to_vec(self).ok()?;
        Some(Secret::from_text(&URL_SAFE_NO_PAD.encode(key.seal(CONTEXT, &text)?)))
    }

    /// Opens the one that began with this state, if it has not expired.
    pub(super) fn open(key: &SealingKey, sealed: &str, state: &str, now: DateTime<Utc>) -> Option<Self> {
        let text = key.open(CONTEXT, &URL_SAFE_NO_PAD.decode(sealed).ok()?)?;
        let pending: Self = serde_json::from_slice(&text).ok()?;
        let is_this = TokenHash::of(&pending.state) == TokenHash::of(state);
        (is_this && pending.at <= now && now < pending.at + PENDING_LIFETIME).then_some(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing_key::KEY_BYTES;

    #[test]
    fn a_log_in_is_finished_in_the_browser_and_the_time_in_which_it_began() {
        let [key, other] = [[1; KEY_BYTES], [2; KEY_BYTES]].map(|bytes| SealingKey::new(&bytes).unwrap());
        let at = DateTime::UNIX_EPOCH;
        let pending = Pending {
            state: "state".to_owned(),
            nonce: "nonce".to_owned(),
            verifier: "verifier".to_owned(),
            next: "/audit".to_owned(),
            at,
            proves: None,
        };
        let sealed = pending.sealed(&key).unwrap();
        let open = |key, sealed: &str, state, now| Pending::open(key, sealed, state, now).map(|p| p.next);
        assert!(!sealed.reveal().contains("verifier"));
        assert_eq!(open(&key, sealed.reveal(), "state", at).as_deref(), Some("/audit"));
        assert_eq!(open(&key, sealed.reveal(), "another", at), None, "a state of somebody else");
        assert_eq!(open(&key, sealed.reveal(), "state", at + PENDING_LIFETIME), None, "too late");
        assert_eq!(open(&other, sealed.reveal(), "state", at), None, "a cookie that we did not make");
        assert_eq!(open(&key, &sealed.reveal()[1..], "state", at), None);
        assert_eq!(open(&key, "", "", at), None);
    }
}
