//! What a server function answers when it does not do what it was asked.

use backstay_model::OpId;
use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// Why a server function did not do what it was asked. Each reads as a sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApiError {
    /// Nobody is logged in, or no longer.
    #[error("You are not logged in, or no longer. Nothing was changed. Log in and try again.")]
    NotLoggedIn,
    /// The person's role does not allow it; the sentence says which one does.
    #[error("{0}")]
    NotAllowed(String),
    /// A refusal, in a sentence.
    #[error("{0}")]
    Said(String),
    /// Another op holds the host; the sentence says which one.
    #[error("{sentence}")]
    Busy {
        /// The refusal.
        sentence: String,
        /// The op that holds the host.
        op: OpId,
    },
    /// The server's answer was not understood: it is of another version than this page.
    #[error("The server was updated and this page is from before. Reload the page, and look again.")]
    Outdated,
    /// The server did not answer, or not in a way that was understood.
    #[error(
        "The server could not be reached, and it is not known whether it did anything. Look again. ({0})"
    )]
    Unreachable(String),
}

impl ApiError {
    /// A refusal with this sentence.
    pub fn said(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }
}

/// On the server: a request that cannot be read is no failure of the server's.
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
