//! Keys of GitHub Apps, for tests.

use std::io;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;

/// A key of an app, as its owner downloads it from GitHub.
#[derive(Debug, Clone)]
pub struct AppKey {
    /// The private key, in PEM.
    pub private: String,
    /// The public key, in PEM.
    pub public: String,
}

impl AppKey {
    /// Generates one.
    ///
    /// # Errors
    /// If the machine's randomness fails.
    pub fn generate() -> io::Result<Self> {
        let failed = |_| io::Error::other("a key could not be made");
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let private: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(failed)?;
        Ok(Self { private: pem("PRIVATE KEY", private.as_ref()), public: pem("PUBLIC KEY", public.as_ref()) })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<String> =
        encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
