//! Answers and refusals in GitHub's form.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::git::GitError;

/// The result of an endpoint.
pub(crate) type Answered = Result<Response, Refusal>;

/// An entry of `errors`, in the refusal of a body.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) resource: &'static str,
    pub(crate) field: Option<&'static str>,
    pub(crate) code: &'static str,
    pub(crate) message: Option<String>,
}

/// A refusal. `finish` adds the URL of the documentation, once the request is known.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
    problem: Option<Problem>,
    documentation: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), problem: None, documentation: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// “Validation Failed”, with details.
    pub(crate) fn invalid(problem: Problem) -> Self {
        let mut refusal = Self::unprocessable("Validation Failed");
        refusal.problem = Some(problem);
        refusal
    }

    /// Names a page of the documentation other than the endpoint's own.
    pub(crate) fn documented(mut self, address: &'static str) -> Self {
        self.documentation = Some(address);
        self
    }

    /// The body, with the endpoint's documentation unless another one was named.
    pub(crate) fn body(&self, documentation: &str) -> Value {
        let mut body = json!({
            "message": self.message,
            "documentation_url": self.documentation.unwrap_or(documentation),
            "status": self.status.as_str(),
        });
        if let Some(problem) = &self.problem {
            let mut error = json!({ "resource": problem.resource, "code": problem.code });
            if let Some(field) = problem.field {
                error["field"] = json!(field);
            }
            if let Some(message) = &problem.message {
                error["message"] = json!(message);
            }
            body["errors"] = json!([error]);
        }
        body
    }
}

impl From<GitError> for Refusal {
    fn from(error: GitError) -> Self {
        tracing::error!(%error, "git failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Server Error")
    }
}

impl IntoResponse for Refusal {
    /// `finish` writes the body, because it knows the request.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// 200 with JSON.
#[expect(clippy::unnecessary_wraps, reason = "it is what an endpoint comes to")]
pub(crate) fn ok(body: &Value) -> Answered {
    Ok(json_response(StatusCode::OK, body))
}

/// 201 with JSON, and its URL.
#[expect(clippy::unnecessary_wraps, reason = "it is what an endpoint comes to")]
pub(crate) fn created(body: &Value) -> Answered {
    let mut response = json_response(StatusCode::CREATED, body);
    if let Some(url) = body["url"].as_str().and_then(|url| HeaderValue::from_str(url).ok()) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    Ok(response)
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "it is what an endpoint comes to")]
pub(crate) fn no_content() -> Answered {
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
