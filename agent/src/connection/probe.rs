//! Asks the server whether it knows this host, without taking the place of a running agent.

use anyhow::Result;
use backstay_model::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use http::header::{DATE, HeaderMap};
use tokio::time::timeout;
use tokio_tungstenite::connect_async_tls_with_config;
use tokio_tungstenite::tungstenite::{self, Error};

use super::socket::{TIMEOUT, request};
use super::tls::connector;
use crate::config::Config;
use crate::token::HostToken;

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it knows the token that was presented.
    pub(crate) knows: bool,
    /// How far this host's clock is ahead of the server's, to the second. `None` if the server did not name its time.
    pub(crate) ahead: Option<TimeDelta>,
}

/// Asks for the socket with the host's token, if it has one, and leaves before it says hello: only a hello makes a
/// connection the host's.
///
/// # Errors
/// The reason that the server could not be asked, or that what answered is no server of Backstay.
pub(crate) async fn probe(config: &Config, token: Option<&HostToken>, clock: &dyn Clock) -> Result<Answer> {
    let request = request(config, token.map(HostToken::secret), None)?;
    let connecting = connect_async_tls_with_config(request, None, true, Some(connector(config)?));
    let Ok(answered) = timeout(TIMEOUT, connecting).await else {
        anyhow::bail!("it does not answer within {} s", TIMEOUT.as_secs());
    };
    let now = clock.now();
    match answered {
        Ok((_socket, response)) => Ok(Answer { knows: true, ahead: ahead(now, response.headers()) }),
        Err(Error::Http(response)) if response.status() == StatusCode::UNAUTHORIZED => {
            Ok(Answer { knows: false, ahead: ahead(now, response.headers()) })
        }
        Err(Error::Http(response)) => anyhow::bail!("it answers {}{}", response.status(), hint(&response)),
        Err(error) => Err(error.into()),
    }
}

fn hint(response: &tungstenite::handshake::client::Response) -> &'static str {
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            ": this is another server, or a proxy that hides it"
        }
        StatusCode::MISDIRECTED_REQUEST => ": Backstay expects another host name there (its --public-url)",
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ": the proxy cannot reach Backstay"
        }
        _ => "",
    }
}

/// Reads the time of an answer (RFC 9110, 6.6.1).
fn ahead(now: DateTime<Utc>, headers: &HeaderMap) -> Option<TimeDelta> {
    let date = DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(TimeDelta::seconds((now - date.to_utc()).num_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_are_compared_to_the_second() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:50:07.9Z").unwrap().to_utc();
        let date = |text: &str| HeaderMap::from_iter([(DATE, text.parse().unwrap())]);
        assert_eq!(ahead(now, &date("Sun, 06 Nov 1994 08:49:37 GMT")), Some(TimeDelta::seconds(30)));
        assert_eq!(ahead(now, &date("Sun, 06 Nov 1994 08:51:07 GMT")), Some(TimeDelta::seconds(-59)));
        assert_eq!(ahead(now, &date("today")), None);
        assert_eq!(ahead(now, &HeaderMap::new()), None);
    }
}
