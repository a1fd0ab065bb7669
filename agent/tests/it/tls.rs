//! The server certificates that the agent trusts.

use std::fs;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::host::Host;
use crate::process::{AGENT, AgentProcess};
use crate::wait::{until, within};

/// A server with a self-signed certificate, and that certificate.
struct SecureServer {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    certificate: String,
}

impl SecureServer {
    async fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), certificate: cert.pem() }
    }

    /// Starts an agent that connects to this server.
    fn agent(&self, host: &Host, more: &str) -> AgentProcess {
        let url = format!("https://localhost:{}", self.listener.local_addr().unwrap().port());
        let mut command = host.command(AGENT);
        command.arg("--config").arg(host.configuration(&url, more));
        AgentProcess::start(command, &host.at("agent.log"))
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_configured_is_trusted() {
    let host = Host::with_three();
    let server = SecureServer::start().await;
    fs::write(host.at("ca.pem"), &server.certificate).unwrap();
    let _agent = server.agent(&host, &format!("ca_certificate = \"{}\"", host.at("ca.pem").display()));
    within("a secure connection", async {
        let (stream, _) = server.listener.accept().await.unwrap();
        let stream = server.acceptor.accept(stream).await.unwrap();
        Box::pin(tokio_tungstenite::accept_async(stream)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn any_other_is_not() {
    let host = Host::with_three();
    let server = SecureServer::start().await;
    let other = SecureServer::start().await;
    fs::write(host.at("ca.pem"), &other.certificate).unwrap();
    let _agent = server.agent(&host, &format!("ca_certificate = \"{}\"", host.at("ca.pem").display()));
    within("an attempt", async {
        let (stream, _) = server.listener.accept().await.unwrap();
        assert!(server.acceptor.accept(stream).await.is_err());
    })
    .await;
    until("the agent to say so", || host.log().contains("certificate")).await;
}
