//! Seals texts so that nobody else can read or change them (RFC 8439).

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand::TryRngCore as _;
use rand::rngs::OsRng;

/// Bytes in a key.
pub(crate) const KEY_BYTES: usize = 32;

/// A key that seals and opens.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    /// The key with these bytes, or `None` if there are not [`KEY_BYTES`] of them.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        UnboundKey::new(&CHACHA20_POLY1305, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Seals a text for this context. No other context opens it. Returns `None` if the operating system provides no random numbers.
    pub(crate) fn seal(&self, context: &str, text: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        OsRng.try_fill_bytes(&mut nonce).ok()?;
        let mut sealed = text.to_vec();
        let for_once = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(for_once, Aad::from(context), &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens what [`Self::seal`] sealed for this context.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), sealed.to_vec());
        self.0.open_in_place(nonce, Aad::from(context), &mut text).ok().map(|text| text.to_vec())
    }
}
