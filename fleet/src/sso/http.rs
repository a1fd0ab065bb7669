//! The requests to the provider: bounded in time and size, and no redirect is followed.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// How long the provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the size of an answer, in bytes.
const ANSWER_BYTES: usize = 512 * 1024;

/// The client for the provider.
pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The provider did not answer in time.
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// The connection failed.
    #[error("{0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    /// The answer was cut off, or is larger than [`ANSWER_BYTES`].
    #[error("the answer cannot be read: {0}")]
    Answer(Box<dyn std::error::Error + Send + Sync>),
}

impl Http {
    /// A client that trusts the certificates that this machine trusts.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn new() -> std::io::Result<Self> {
        let connector =
            HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.request(request.map(|body| Full::new(body.into()))).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(HttpError::Answer)?;
        Ok(Response::from_parts(head, body.to_bytes().to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            tokio::time::timeout(TIMEOUT, self.send(request)).await.unwrap_or(Err(HttpError::Timeout))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with this head, and with zeros until nobody reads on. Returns its address.
    async fn served(head: &'static str, bytes: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let read = stream.read(&mut [0; 4096]).await.unwrap();
            assert!(read > 0);
            let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // Fails once the client has enough.
            let _ = stream.write_all(&vec![b'0'; bytes]).await;
        });
        format!("http://{address}/")
    }

    async fn get(address: String) -> Result<HttpResponse, HttpError> {
        let request = http::Request::builder().uri(address).body(vec![]).unwrap();
        Http::new().unwrap().call(request).await
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_a_bound() {
        assert_eq!(get(served("200 OK", 1_000).await).await.unwrap().body().len(), 1_000);
        let cut_off = get(served("200 OK", ANSWER_BYTES + 1).await).await;
        assert!(matches!(cut_off, Err(HttpError::Answer(_))), "{cut_off:?}");
    }

    #[tokio::test]
    async fn a_redirect_of_the_provider_is_not_followed() {
        let answer = get(served("302 Found\r\nlocation: http://127.0.0.1:1/", 0).await).await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::FOUND);
    }
}
