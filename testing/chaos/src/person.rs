//! A person with a browser, without the browser.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, StatusCode};

/// The first administrator's password.
pub(crate) const PASSWORD: &str = "a-password-for-chaos";
/// Nothing here takes longer unless it is broken. A busy machine does not count against the server.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Person {
    url: String,
    client: Client,
}

impl Person {
    pub(crate) fn new(url: String) -> Result<Self> {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { url, client })
    }

    /// Host and port of the server.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }

    /// Posts a form like a page, and logs in first if necessary.
    pub(crate) async fn post(&self, function: &str, fields: &[(&str, &str)]) -> Result<()> {
        let status = self.try_post(function, fields).await?;
        if status != StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        // The session is gone, for example because the server's clock has jumped past its end.
        self.log_in().await?;
        self.try_post(function, fields).await.map(drop)
    }

    pub(crate) async fn log_in(&self) -> Result<()> {
        let fields = [("name", "admin"), ("password", PASSWORD), ("next", "/")];
        self.try_post("log_in", &fields).await.context("cannot log in").map(drop)
    }

    async fn try_post(&self, function: &str, fields: &[(&str, &str)]) -> Result<StatusCode> {
        let answer = self.client.post(format!("{}/api/{function}", self.url)).form(fields).send().await?;
        let status = answer.status();
        let fine = status.is_success() || status.is_redirection() || status == StatusCode::UNAUTHORIZED;
        if !fine {
            bail!("{function} was answered with {status}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(status)
    }
}
