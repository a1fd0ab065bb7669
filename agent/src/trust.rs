//! The certificates that the agent trusts, and the cryptography that it checks them with.

use std::path::Path;

use anyhow::{Context as _, Result};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The implementation of TLS's algorithms.
pub(crate) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// The certificates that the system trusts. Those that cannot be read are logged and left out.
pub(crate) fn of_system() -> Vec<CertificateDer<'static>> {
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some system certificates cannot be read");
    }
    native.certs
}

/// The certificates in a file of PEM form.
///
/// # Errors
/// If it cannot be read, or holds something else.
pub(crate) fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = || format!("no certificate can be read from {}", path.display());
    let found = CertificateDer::pem_file_iter(path).with_context(wrong)?;
    found.map(|certificate| certificate.with_context(wrong)).collect()
}
