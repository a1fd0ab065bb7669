//! Sends requests to GitHub, and reads the answers.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use octocrab::Octocrab;
use octocrab::models::{AppId, InstallationId};
use octocrab::service::middleware::retry::RetryConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{GitHubError, Limit};
use super::pull_request::MergeMethod;
use super::quiet::Quiet;
use super::update_rule::UpdateRule;
use crate::secret::Secret;

/// How long GitHub may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Upper bound on the size of an answer, in bytes.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The version of the API. <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");

/// The configuration repository, and the access to it.
#[derive(Debug, Clone)]
pub struct GitHubConfig {
    /// The address of the API: `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server.
    pub api: String,
    /// The repository's owner.
    pub owner: String,
    /// The repository's name.
    pub name: String,
    /// The branch that hosts follow.
    pub branch: String,
    /// The credentials.
    pub access: Access,
    /// How pull requests are merged.
    pub merge_method: MergeMethod,
    /// Which pull requests update the fleet.
    pub updates: UpdateRule,
}

/// The credentials for GitHub.
#[derive(Debug, Clone)]
pub enum Access {
    /// A personal access token.
    Token(Secret),
    /// An installation of a GitHub App.
    App {
        /// The identifier of the app.
        app: u64,
        /// The identifier of its installation.
        installation: u64,
        /// Its private key, in PEM.
        key: Secret,
    },
}

/// The client for GitHub's API.
#[derive(Clone)]
pub(super) struct Client {
    octocrab: Octocrab,
    /// The client as the app itself, if the credentials are an app's. It can read its installation and nothing else.
    app: Option<Octocrab>,
    /// The address of the API.
    api: Arc<str>,
    quiet: Arc<Quiet>,
}

/// An answer, and the tag that detects a later change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fresh<T> {
    /// Unchanged.
    Same,
    /// Changed.
    New {
        /// The new value.
        value: T,
        /// Sent with the next request.
        etag: Option<String>,
    },
}

impl Client {
    pub(super) fn new(config: &GitHubConfig, clock: Arc<dyn Clock>) -> Result<Self, GitHubError> {
        let unusable = |error: octocrab::Error| {
            GitHubError::Unexpected(format!("the client cannot be set up ({error})"))
        };
        let builder = Octocrab::builder()
            .base_uri(config.api.as_str())
            .map_err(unusable)?
            // No automatic retries: not every request may be repeated.
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(ANSWER_TIMEOUT))
            .set_read_timeout(Some(ANSWER_TIMEOUT))
            .set_write_timeout(Some(ANSWER_TIMEOUT))
            .add_header(API_VERSION.0.parse().expect("it is a header's name"), API_VERSION.1.to_owned());
        let (octocrab, app) = match &config.access {
            Access::Token(token) => (builder.personal_token(token.reveal()).build().map_err(unusable)?, None),
            Access::App { app, installation, key } => {
                let key =
                    jsonwebtoken::EncodingKey::from_rsa_pem(key.reveal().as_bytes()).map_err(|error| {
                        GitHubError::Unexpected(format!("the app's key cannot be used ({error})"))
                    })?;
                let app = builder.app(AppId(*app), key).build().map_err(unusable)?;
                (app.installation(InstallationId(*installation)).map_err(unusable)?, Some(app))
            }
        };
        let (api, quiet) = (config.api.trim_end_matches('/').into(), Arc::new(Quiet::new(clock)));
        Ok(Self { octocrab, app, api, quiet })
    }

    /// The same client as the app itself, or `None` if the credentials are a token.
    pub(super) fn as_app(&self) -> Option<Self> {
        self.app.clone().map(|octocrab| Self { octocrab, app: None, ..self.clone() })
    }

    /// Reads `what` at `path`.
    pub(super) async fn get<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T, GitHubError> {
        let answer = self.ask(what, Method::GET, path, HeaderMap::new(), None::<&()>).await?;
        answer.read()
    }

    /// Reads the raw text at `path`.
    pub(super) async fn text(&self, what: &str, path: &str) -> Result<String, GitHubError> {
        let raw = "application/vnd.github.raw+json".parse().expect("it is a header's value");
        let headers = HeaderMap::from_iter([(ACCEPT, raw)]);
        Ok(self.ask(what, Method::GET, path, headers, None::<&()>).await?.body)
    }

    /// Reads `what` unless it still has this tag. An unchanged answer does not count against the rate limit.
    pub(super) async fn if_changed<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Fresh<T>, GitHubError> {
        let tag = etag.and_then(|tag| tag.parse().ok());
        let headers = tag.map(|tag| (IF_NONE_MATCH, tag)).into_iter().collect();
        let answer = self.ask(what, Method::GET, path, headers, None::<&()>).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Fresh::Same);
        }
        let etag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Ok(Fresh::New { value: answer.read()?, etag })
    }

    /// Sends `body`. Returns `None` if GitHub answers without content.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Option<T>, GitHubError> {
        let answer = self.ask(what, method, path, HeaderMap::new(), Some(body)).await?;
        if answer.status == StatusCode::NO_CONTENT { Ok(None) } else { answer.read().map(Some) }
    }

    /// Removes what is at `path`.
    pub(super) async fn delete(&self, what: &str, path: &str) -> Result<(), GitHubError> {
        self.ask(what, Method::DELETE, path, HeaderMap::new(), None::<&()>).await.map(drop)
    }

    async fn ask<B: Serialize + ?Sized>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<&B>,
    ) -> Result<Answer, GitHubError> {
        self.quiet.may_ask()?;
        let answered = self.ask_and_follow(method, path, &headers, body).await.and_then(|answer| {
            if answer.status.is_success() || answer.status == StatusCode::NOT_MODIFIED {
                Ok(answer)
            } else {
                Err(GitHubError::of(answer.status, answer.limit(), what, &answer.body))
            }
        });
        if let Err(error) = &answered {
            self.quiet.heed(error);
        }
        answered
    }

    async fn ask_and_follow<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Option<&B>,
    ) -> Result<Answer, GitHubError> {
        let answer = self.ask_at(method.clone(), path, headers, body).await?;
        match answer.moved_to(&self.api) {
            Some(moved) => self.ask_at(method, &moved, headers, body).await,
            None => Ok(answer),
        }
    }

    async fn ask_at<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Option<&B>,
    ) -> Result<Answer, GitHubError> {
        let mut builder = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let request = self.octocrab.build_request(builder, body).map_err(not_sent)?;
        let told = async {
            let response = self.octocrab.execute(request).await.map_err(not_sent)?;
            Answer::receive(response).await
        };
        tokio::time::timeout(ANSWER_TIMEOUT, told)
            .await
            .map_err(|_| GitHubError::Away(format!("it took longer than {} s", ANSWER_TIMEOUT.as_secs())))?
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn receive<B>(response: http::Response<B>) -> Result<Self, GitHubError>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        use http_body_util::BodyExt as _;

        let (parts, body) = response.into_parts();
        let body = http_body_util::Limited::new(body.map_err(|error| error.to_string()), ANSWER_BYTES);
        let bytes = body.collect().await.map_err(|error| GitHubError::Away(error.to_string()))?.to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { status: parts.status, headers: parts.headers, body })
    }

    /// The address to send the same request to again, if the repository was renamed. Only within the API, because nothing else
    /// may see the token. Reads follow redirects automatically. <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
    fn moved_to(&self, api: &str) -> Option<String> {
        if ![StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&self.status) {
            return None;
        }
        let path = self.headers.get(LOCATION)?.to_str().ok()?.strip_prefix(api)?;
        path.starts_with('/').then(|| path.to_owned())
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, GitHubError> {
        serde_json::from_str(&self.body).map_err(|error| GitHubError::Unexpected(error.to_string()))
    }

    /// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
    fn limit(&self) -> Limit {
        let number = |name: &str| self.headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let pause = number(RETRY_AFTER.as_str());
        let is_reached = pause.is_some() || number("x-ratelimit-remaining") == Some(0);
        let date = self.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        let now = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|at| at.to_utc());
        let after_pause =
            pause.and_then(TimeDelta::try_seconds).and_then(|pause| now?.checked_add_signed(pause));
        let reset = || DateTime::<Utc>::from_timestamp(number("x-ratelimit-reset")?, 0);
        Limit { is_reached, until: after_pause.or_else(reset) }
    }
}

/// Why there is no answer. Octocrab requests the app's token first, and GitHub may refuse that.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn not_sent(error: octocrab::Error) -> GitHubError {
    if let octocrab::Error::GitHub { source, .. } = &error {
        let said = source.message.trim_end_matches('.');
        return match source.status_code {
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => GitHubError::BadApp(said.to_owned()),
            status => GitHubError::of(status, Limit::default(), "token of the app", &source.message),
        };
    }
    // The outermost error says only that something failed; the innermost says what.
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    GitHubError::Away(innermost.to_string())
}
