//! Decides which server certificates the agent trusts.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::Connector;

use crate::config::{Config, socket_address};
use crate::trust;

/// Returns the TLS settings of the connection. A server that is reached by `http` or `ws` needs none.
pub(super) fn connector(config: &Config) -> Result<Connector> {
    let secure = socket_address(&config.server).is_ok_and(|address| address.scheme_str() == Some("wss"));
    if !secure {
        return Ok(Connector::Plain);
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(trust::provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(config)?)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(tls)))
}

/// Returns the certificates that the system trusts, and those that the configuration names.
fn roots(config: &Config) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trust::of_system());
    if let Some(path) = &config.ca_certificate {
        for certificate in trust::in_file(path)? {
            let wrong = || format!("{} holds something else than certificates", path.display());
            roots.add(certificate).with_context(wrong)?;
        }
    }
    anyhow::ensure!(!roots.is_empty(), "the system trusts no certificates, and ca_certificate names none");
    Ok(roots)
}
