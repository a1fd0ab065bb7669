//! The server certificates that the agent trusts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
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

    fn url(&self) -> String {
        format!("https://localhost:{}", self.listener.local_addr().unwrap().port())
    }

    /// Starts an agent that connects to this server.
    fn agent(&self, host: &Host, more: &str) -> AgentProcess {
        let url = self.url();
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

/// A test of the configuration (`tests.probes`) runs as this command.
#[tokio::test]
async fn a_web_service_is_trusted_like_the_server() {
    let server = SecureServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &server.certificate).unwrap();
    let probe = |ca_certificate: Option<&Path>| {
        let http = json!({ "url": server.url(), "body": "fine", "ca_certificate": ca_certificate });
        let mut command = Command::new(AGENT);
        command.args(["probe", &json!({ "http": http }).to_string()]).kill_on_drop(true);
        command
    };
    let trusting = async {
        let (stream, _) = server.listener.accept().await.unwrap();
        let mut stream = server.acceptor.accept(stream).await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall fine\n").await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let answer = Box::pin(async { tokio::join!(probe(Some(&ca)).output(), trusting) });
    let (asked, ()) = within("an answer", answer).await;
    let asked = asked.unwrap();
    assert!(asked.status.success(), "{asked:?}");

    let stranger = probe(None).spawn().unwrap();
    within("an attempt", async {
        let (stream, _) = server.listener.accept().await.unwrap();
        assert!(server.acceptor.accept(stream).await.is_err());
    })
    .await;
    drop(stranger);
}
