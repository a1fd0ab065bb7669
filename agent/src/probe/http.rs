//! A web service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Found;
use crate::trust;

/// Time limit for the whole answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Upper bound on what is read of an answer, in bytes.
const BODY: u64 = 1 << 20;

/// A web service, and what it must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Http {
    /// The address that is read. Redirects are not followed.
    pub(crate) url: String,
    /// The status; by default any from 200 to 299.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// A text that the answer must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// Certificates that are trusted in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_certificate: Option<PathBuf>,
}

/// The service answers as it must.
pub(super) fn answers(probe: &Http) -> Found {
    let url = &probe.url;
    let (status, body) = match ask(probe) {
        Ok(answer) => answer,
        Err(why) => return Found::NotYet(format!("{url} does not answer: {why}.")),
    };
    let is_right = match probe.status {
        Some(wanted) => status == wanted,
        None => (200..300).contains(&status),
    };
    if !is_right {
        let wanted = probe.status.map_or("2xx".to_owned(), |wanted| wanted.to_string());
        return Found::NotYet(format!("{url} answers with {status} instead of {wanted}."));
    }
    match (&probe.body, body) {
        (None, _) => Found::Well(format!("{url} answers with {status}.")),
        (Some(_), Err(why)) => Found::NotYet(format!("The answer of {url} cannot be read: {why}.")),
        (Some(text), Ok(body)) if body.contains(text) => {
            Found::Well(format!("{url} answers with {status} and “{text}”."))
        }
        (Some(text), Ok(_)) => Found::NotYet(format!("{url} answers with {status}, but without “{text}”.")),
    }
}

/// Returns the status and, if the probe looks at it, the body of an answer.
fn ask(probe: &Http) -> anyhow::Result<(u16, Result<String, ureq::Error>)> {
    let client = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        // A probe asks the service itself.
        .proxy(None)
        .user_agent(concat!("backstay-agent/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls(probe)?)
        .build()
        .new_agent();
    let mut response = client.get(&probe.url).call()?;
    let body = match probe.body {
        Some(_) => response.body_mut().with_config().limit(BODY).lossy_utf8(true).read_to_string(),
        None => Ok(String::new()),
    };
    Ok((response.status().as_u16(), body))
}

fn tls(probe: &Http) -> anyhow::Result<TlsConfig> {
    let mut trusted = vec![];
    if probe.url.starts_with("https:") {
        trusted.extend(trust::of_system());
        trusted.extend(probe.ca_certificate.as_deref().map(trust::in_file).transpose()?.unwrap_or_default());
    }
    let trusted: Vec<_> = trusted.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .unversioned_rustls_crypto_provider(Arc::new(trust::provider()))
        .build())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Serves these answers, one after the other, at an address.
    fn serve(answers: Vec<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/health", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (answer, stream) in answers.into_iter().zip(listener.incoming()) {
                let mut stream = stream.unwrap();
                let asked = BufReader::new(stream.try_clone().unwrap());
                assert!(asked.lines().map(Result::unwrap).take_while(|line| !line.is_empty()).count() > 1);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn look(answer: &'static str, status: Option<u16>, body: Option<&str>) -> Found {
        let url = serve(vec![answer]);
        answers(&Http { url, status, body: body.map(str::to_owned), ca_certificate: None })
    }

    const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhealthy";
    const AWAY: &str = "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n";
    const DOWN: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown";

    #[test]
    fn status_and_body_decide() {
        for (answer, status, body, is_well) in [
            (FINE, None, None, true),
            (FINE, Some(200), Some("health"), true),
            (FINE, Some(204), None, false),
            (FINE, None, Some("sick"), false),
            (DOWN, None, None, false),
            (DOWN, Some(503), None, true),
            (AWAY, None, None, false),
            (AWAY, Some(302), None, true),
        ] {
            let found = look(answer, status, body);
            assert_eq!(matches!(found, Found::Well(_)), is_well, "{found:?}");
            assert!(is_well || matches!(found, Found::NotYet(_)), "{found:?}");
        }
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let endless: &'static str =
            Box::leak(format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(2 << 20)).into());
        let found = look(endless, None, Some("b"));
        assert!(matches!(&found, Found::NotYet(why) if why.contains("cannot be read")), "{found:?}");
    }

    #[test]
    fn nobody_answers() {
        let url = "http://127.0.0.1:1/".to_owned();
        let found = answers(&Http { url, status: None, body: None, ca_certificate: None });
        assert!(matches!(&found, Found::NotYet(why) if why.contains("does not answer")), "{found:?}");
    }
}
