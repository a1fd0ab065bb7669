//! Secrets: tokens that machines and browsers present, and passwords that people type.
//!
//! A token is 32 random bytes, so the store can keep a fast hash of it. A password needs argon2id, which is
//! slow on purpose: call [`hash_password`] and [`verify_password`] only where blocking is allowed.

use std::fmt;

use argon2::password_hash::{self, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use rand::rngs::OsRng;
use rand::seq::IndexedRandom;
use rand::{RngCore, TryRngCore};
use sha2::{Digest, Sha256};

use crate::store::TokenHash;

/// Random bytes in a token.
const TOKEN_BYTES: usize = 32;
/// Random bytes in a password's salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;
/// Digits and letters that are not confused with one another.
const READABLE: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Groups in a random password: with the next, 20 of 31 characters, which is 99 bits.
const PASSWORD_GROUPS: usize = 4;
/// Characters in each group.
const GROUP_CHARS: usize = 5;

/// A token as its holder presents it. It is shown once, when it is made; the store keeps its [`TokenHash`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a new secret from the operating system's random numbers.
    ///
    /// # Panics
    /// If the operating system cannot provide random numbers.
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()))
    }

    /// A secret that was made elsewhere, such as a key in a file. Surrounding white space is removed.
    pub fn from_text(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text that proves its holder. Never log it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash that the store keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl TokenHash {
    /// The hash of a presented token.
    pub fn of(token: &str) -> Self {
        Self(hex(&Sha256::digest(token)))
    }
}

/// Encodes bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Makes a password that can be read aloud and typed: four groups of five characters, 99 bits.
///
/// # Panics
/// If the operating system cannot provide random numbers.
pub fn random_password() -> String {
    let mut random = OsRng.unwrap_err();
    let mut group = || -> String {
        (0..GROUP_CHARS).filter_map(|_| READABLE.choose(&mut random)).copied().map(char::from).collect()
    };
    (0..PASSWORD_GROUPS).map(|_| group()).collect::<Vec<_>>().join("-")
}

/// Returns the argon2id hash of a password, in PHC string format, with a new salt. Takes about 20 ms of
/// processor time.
///
/// # Errors
/// If argon2 rejects the password; it accepts every length that [`accounts`](crate::accounts) allows.
pub fn hash_password(password: &str) -> Result<String, password_hash::Error> {
    // OWASP's first choice of parameters: 19 MiB, two passes, one lane.
    let (params, salt) = (Params::default(), SaltString::encode_b64(&random_bytes::<SALT_BYTES>())?);
    let output = argon2id(&params, Version::V0x13, password, salt.as_salt())?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(salt.as_salt()),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Returns whether `hash` is of this password. As slow as [`hash_password`]; an unreadable hash matches no
/// password.
pub fn verify_password(hash: &str, password: &str) -> bool {
    recompute(hash, password).is_some_and(|(stored, output)| stored == output)
}

/// Returns the output in a stored hash, and that of the password with the same salt and parameters. They compare
/// in constant time.
fn recompute(hash: &str, password: &str) -> Option<(Output, Output)> {
    let parsed = PasswordHash::new(hash).ok().filter(|parsed| parsed.algorithm == ARGON2ID_IDENT)?;
    let version = parsed.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    Some((parsed.hash?, argon2id(&params, version, password, parsed.salt?).ok()?))
}

/// Memory of finished hashes, for the next ones. If each attempt allocated its 19 MiB, the allocator would keep
/// more and more of them, and wrong log-ins would grow the server to a gibibyte.
static MEMORY: Mutex<Vec<Vec<Block>>> = Mutex::new(vec![]);
/// Number of hashes whose memory is kept: as many as [`accounts`](crate::accounts) compute at once.
const KEPT: usize = 2;

fn argon2id(
    params: &Params,
    version: Version,
    password: &str,
    salt: Salt<'_>,
) -> password_hash::Result<Output> {
    let mut decoded = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut decoded)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params.clone());
    let mut memory = MEMORY.lock().pop().unwrap_or_default();
    memory.resize(params.block_count(), Block::default());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let output = Output::init_with(length, |out| {
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut memory)?)
    });
    let mut kept = MEMORY.lock();
    if kept.len() < KEPT {
        kept.push(memory);
    }
    output
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.unwrap_err().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_32_random_bytes() {
        let (one, other) = (Secret::random(), Secret::random());
        assert_eq!(URL_SAFE_NO_PAD.decode(one.reveal()).unwrap().len(), TOKEN_BYTES);
        assert_ne!(one, other);
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::random();
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn a_token_hash_is_sha_256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(TokenHash::of("abc").0, known);
    }

    #[test]
    fn a_random_password_is_readable_and_strong() {
        let password = random_password();
        let groups: Vec<_> = password.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|g| g.len() == 5), "{password}");
        assert!(password.bytes().all(|b| b == b'-' || READABLE.contains(&b)), "{password}");
        assert_ne!(password, random_password());
        let characters = u32::try_from(PASSWORD_GROUPS * GROUP_CHARS).unwrap();
        assert!(f64::from(characters) * f64::from(u32::try_from(READABLE.len()).unwrap()).log2() >= 95.0);
    }

    #[test]
    fn a_password_matches_only_its_own_hash() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password(&hash, "correct horse"));
        assert!(!verify_password(&hash, "correct horsf"));
        assert!(!verify_password("not a hash", "correct horse"));
        assert_ne!(hash, hash_password("correct horse").unwrap(), "each has its own salt");
    }

    #[test]
    fn a_password_hash_is_checked_against_the_reference_implementation() {
        // The output of `echo -n password | argon2 somesalt -id -t 2 -k 19456 -p 1 -l 32 -e`, argon2 0~20171227.
        let known = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$PL01amPyeUuxG7H0vIr5X+qHkZvWnHmGBGXFYvh8z2E";
        assert!(verify_password(known, "password"));
        assert!(!verify_password(known, "Password"));
        assert!(!verify_password(&known.replace("argon2id", "argon2i"), "password"));
    }

    #[test]
    fn the_memory_of_a_hash_is_used_again() {
        let attempts = || (0..4).for_each(|_| drop(hash_password("correct horse")));
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(attempts))));
        assert!((1..=KEPT).contains(&MEMORY.lock().len()));
    }
}
