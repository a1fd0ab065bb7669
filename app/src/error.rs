//! The error that every server function returns.

use backstay_model::OpId;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// Why a server function did nothing. Each variant displays as a sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApiError {
    /// Nobody is logged in.
    #[error("You are not logged in. Nothing was changed. Log in and try again.")]
    NotLoggedIn,
    /// The person's role does not allow it; the sentence names the role that does.
    #[error("{0}")]
    NotAllowed(String),
    /// A refusal, in a sentence.
    #[error("{0}")]
    Said(String),
    /// Another op holds the host; the sentence names it.
    #[error("{sentence}")]
    Busy {
        /// The refusal.
        sentence: String,
        /// The op that holds the host.
        op: OpId,
    },
    /// The server's answer could not be read: server and page differ in version.
    #[error("Backstay was updated. Reload the page to continue.")]
    Outdated,
    /// The server did not answer, or not intelligibly.
    #[error(
        "The server did not answer, so the request may or may not have been carried out. Reload the page. ({0})"
    )]
    Unreachable(String),
}

impl ApiError {
    /// Makes a refusal with this sentence.
    pub fn said(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }
}

/// On the server, answers 400: a request that cannot be read is not the server's failure.
fn malformed() {
    #[cfg(feature = "ssr")]
    crate::session::refuse(axum::http::StatusCode::BAD_REQUEST);
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                malformed();
                Self::said(
                    "The server did not understand this request. Nothing was changed. Reload the page.",
                )
            }
            ServerFnErrorErr::Deserialization(_) => {
                malformed();
                Self::Outdated
            }
            other => Self::Unreachable(other.to_string()),
        }
    }
}
