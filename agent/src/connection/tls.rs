//! Decides which server certificates the agent trusts.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::Connector;

use crate::config::{Config, socket_address};

/// Returns the TLS settings of the connection. A server that is reached by `http` or `ws` needs none.
pub(super) fn connector(config: &Config) -> Result<Connector> {
    let secure = socket_address(&config.server).is_ok_and(|address| address.scheme_str() == Some("wss"));
    if !secure {
        return Ok(Connector::Plain);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(config)?)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(tls)))
}

/// Returns the certificates that the system trusts, and those that the configuration names.
fn roots(config: &Config) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some system certificates cannot be read");
    }
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = &config.ca_certificate {
        let wrong = || format!("no certificate can be read from {}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(wrong)? {
            roots.add(certificate.with_context(wrong)?).with_context(wrong)?;
        }
    }
    anyhow::ensure!(!roots.is_empty(), "the system trusts no certificates, and ca_certificate names none");
    Ok(roots)
}
