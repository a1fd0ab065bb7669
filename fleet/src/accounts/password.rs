//! Which passwords may be set: one decision for pages, commands and the first administrator.
//!
//! NIST SP 800-63B-4, section 3.1.1: a password that is the only factor has at least 15 characters, no rules
//! about kinds of characters, and is not a known or an expected one.

use super::AccountError;
use crate::secret::hash_password;

/// The shortest password that may be set, in characters.
pub const MIN_PASSWORD_CHARS: usize = 15;
/// The longest password that the server checks, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// It is too short.
    #[error(
        "The password has fewer than {MIN_PASSWORD_CHARS} characters. Nothing was changed. Use a longer one, \
         such as four random words."
    )]
    Short,
    /// It is too long.
    #[error("The password has more than {MAX_PASSWORD_BYTES} bytes. Nothing was changed. Use a shorter one.")]
    Long,
    /// It is a known password, or made of known ones, of keys in a row, or of the person's name.
    #[error(
        "The password is easy to guess. Nothing was changed. Use words that have nothing to do with each other."
    )]
    Guessable,
}

/// Checks that this person may have this password.
fn check(name: &str, password: &str) -> Result<(), PasswordFault> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(PasswordFault::Short);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordFault::Long);
    }
    match zxcvbn::zxcvbn(password, &[name, "backstay"]).score() {
        zxcvbn::Score::Three | zxcvbn::Score::Four => Ok(()),
        _ => Err(PasswordFault::Guessable),
    }
}

/// Checks and hashes a new password.
pub(super) async fn hash(name: &str, password: &str) -> Result<String, AccountError> {
    let (name, password) = (name.to_owned(), password.to_owned());
    let hashed = tokio::task::spawn_blocking(move || -> Result<String, AccountError> {
        check(&name, &password)?;
        Ok(hash_password(&password)?)
    });
    hashed.await?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::random_password;

    #[test]
    fn a_password_is_judged_by_length_and_by_how_easily_it_is_guessed() {
        let check = |password: &str| check("maria", password);
        for short in ["", "Tr0ub4dor&3", "fourteen chars"] {
            assert_eq!(check(short), Err(PasswordFault::Short), "{short}");
        }
        for known in [
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaaa",
            "backstaybackstay",
            "maria-maria-maria",
        ] {
            assert_eq!(check(known), Err(PasswordFault::Guessable), "{known}");
        }
        for good in ["lamp otter seven violin", "a long sentence nobody else writes", &random_password()] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check(&"ü".repeat(MAX_PASSWORD_BYTES)), Err(PasswordFault::Long));
    }
}
