//! Codes that a person's device computes from a shared seed and the time (RFC 6238): six digits, HMAC-SHA-1, a new one every 30
//! seconds, because that is what every authenticator app supports.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp};

/// Bytes in a seed, as RFC 4226, section 4 recommends.
pub(super) const SEED_BYTES: usize = 20;
/// Digits in a code.
const DIGITS: u8 = 6;
/// Seconds that a code is shown.
const STEP_SECS: u64 = 30;
/// Steps before and after the current one whose codes are taken: clocks differ, and people type slowly (RFC 6238, section 5.2).
const SKEW: u16 = 1;

fn totp(seed: &[u8]) -> Totp {
    Builder::new()
        .with_secret(Secret::new(seed.into()))
        .with_digits(DIGITS)
        .with_step_duration(STEP_SECS)
        .with_skew(SKEW)
        .build_noncompliant()
}

/// Returns the step that the code belongs to, if it is right at this time. Each step may be used once.
pub(super) fn step(seed: &[u8], code: &str, now: DateTime<Utc>) -> Option<u64> {
    let is_code = code.len() == usize::from(DIGITS) && code.bytes().all(|b| b.is_ascii_digit());
    let secs = u64::try_from(now.timestamp()).ok().filter(|_| is_code)?;
    totp(seed).check(code, secs)
}

/// The seed as people type it into a device.
pub(super) fn base32(seed: &[u8]) -> String {
    Secret::new(seed.into()).to_base32()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix B of RFC 6238, SHA-1; the last six of its eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];
    const SEED: &[u8] = b"12345678901234567890";

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    #[test]
    fn the_published_codes_are_taken_in_their_step_and_the_ones_beside_it() {
        for (secs, code) in VECTORS {
            let expected = u64::try_from(secs / 30).unwrap();
            for (later, is_taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
                let found = step(SEED, code, at(secs + later));
                assert_eq!(found, is_taken.then_some(expected), "{secs} {later}");
            }
        }
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in ["", "28708", "2870822", "28708a", "287 082", "２８７０８２", "-87082", "+87082"] {
            assert_eq!(step(SEED, text, at(59)), None, "{text}");
        }
        assert_eq!(step(SEED, "287082", at(-59)), None);
    }

    #[test]
    fn a_seed_is_typed_in_base32() {
        assert_eq!(base32(SEED), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
