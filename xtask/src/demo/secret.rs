//! Passwords and tokens.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Result;

/// A random password that is easy to type: letters that cannot be mistaken for others.
pub(crate) fn new() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut random = [0; 15];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    Ok(letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

/// Writes a secret to a file that only its owner can read.
pub(crate) fn write(path: &Path, secret: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(path)?.write_all(secret.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_are_long_enough() {
        let one = new().unwrap();
        assert_eq!(one.len(), 17, "{one}");
        assert_ne!(one, new().unwrap());
    }
}
