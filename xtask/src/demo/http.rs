//! Just enough HTTP to talk to the demo's own server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

/// A client of a server on this machine, with its cookie.
pub(crate) struct Client {
    /// Host and port.
    address: String,
    cookie: Option<String>,
}

impl Client {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").with_context(|| format!("{url} is not an http address"))?;
        Ok(Self { address: address.trim_end_matches('/').to_owned(), cookie: None })
    }

    /// Posts a form and returns the body of the answer.
    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Result<String> {
        self.ask(path, "application/x-www-form-urlencoded", &encode(form))
    }

    /// Posts JSON and returns the body of the answer.
    pub(crate) fn post_json(&mut self, path: &str, body: &Value) -> Result<String> {
        self.ask(path, "application/json", &body.to_string())
    }

    fn ask(&mut self, path: &str, kind: &str, body: &str) -> Result<String> {
        let answer = self.exchange(&self.request(path, kind, body))?;
        let answer = Answer::read(&answer).with_context(|| format!("{path} was not answered in HTTP"))?;
        if let Some(cookie) = answer.cookie {
            self.cookie = Some(cookie);
        }
        if !(200..400).contains(&answer.status) {
            bail!("{path} was answered with status {}: {}", answer.status, answer.body.trim());
        }
        Ok(answer.body)
    }

    /// HTTP/1.0, so that the answer ends with the connection.
    fn request(&self, path: &str, kind: &str, body: &str) -> String {
        let cookie = self.cookie.as_ref().map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        format!(
            "POST {path} HTTP/1.0\r\nHost: {}\r\n{cookie}Accept: application/json\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }

    fn exchange(&self, request: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

struct Answer {
    status: u16,
    /// The first cookie that it sets, in the form to send back.
    cookie: Option<String>,
    body: String,
}

impl Answer {
    fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let cookie = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            let pair = value.split(';').next()?.trim();
            name.eq_ignore_ascii_case("set-cookie").then(|| pair.to_owned())
        });
        Some(Self { status, cookie, body: body.to_owned() })
    }
}

/// What is not unreserved (RFC 3986).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn encode(form: &[(&str, &str)]) -> String {
    let pairs = form.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer() {
        let text = "HTTP/1.0 302 Found\r\nset-cookie: backstay_session=abc; HttpOnly\r\nlocation: /\r\n\r\nbody\r\n\r\n2";
        let answer = Answer::read(text).unwrap();
        assert_eq!(answer.status, 302);
        assert_eq!(answer.cookie.as_deref(), Some("backstay_session=abc"));
        assert_eq!(answer.body, "body\r\n\r\n2");
        assert!(Answer::read("no HTTP").is_none());
    }

    #[test]
    fn forms_keep_what_they_are_given() {
        assert_eq!(
            encode(&[("name", "admin"), ("next", "/a?b=ü&c")]),
            "name=admin&next=%2Fa%3Fb%3D%C3%BC%26c"
        );
    }
}
