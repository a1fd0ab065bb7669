//! What the server says on the page after a plain form: in a cookie that the next page reads once. Nobody else
//! can put words there, as an address could.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::ApiError;
use crate::routes::Route;
use crate::session::{self, Cookie};

pub(crate) const COOKIE: Cookie = Cookie { by_https: "__Host-backstay-said", by_http: "backstay_said" };
/// Long enough for the redirect.
pub(crate) const SECONDS: u32 = 60;
/// The longest text, in characters: browsers drop a cookie of more than four kilobytes.
const CHARS: usize = 300;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It was done.
    Done(String),
    /// It was refused.
    Refused(String),
    /// Somebody is invited: the path of the link, which is shown once.
    Invited(String),
    /// The second factor is on: its recovery codes, which are shown once.
    RecoveryCodes(String),
}

impl Said {
    pub(crate) fn encoded(&self) -> String {
        let (kind, text) = match self {
            Self::Done(text) => ("done", text),
            Self::Refused(text) => ("refused", text),
            Self::Invited(path) => ("invited", path),
            Self::RecoveryCodes(codes) => ("codes", codes),
        };
        let text: String = text.chars().take(CHARS).collect();
        format!("{kind}.{}", utf8_percent_encode(&text, NON_ALPHANUMERIC))
    }

    fn decoded(text: &str) -> Option<Self> {
        let (kind, text) = text.split_once('.')?;
        let text = percent_decode_str(text).decode_utf8().ok()?.into_owned();
        match kind {
            "done" => Some(Self::Done(text)),
            "refused" => Some(Self::Refused(text)),
            "invited" => Some(Self::Invited(text)),
            "codes" => Some(Self::RecoveryCodes(text)),
            _ => None,
        }
    }
}

/// Returns what was said, for the page that is being written, and forgets it.
pub(crate) fn take() -> Option<Said> {
    let said = COOKIE.of_request()?;
    COOKIE.set(None, None);
    Said::decoded(&said)
}

/// Leads back to the page of a form, which says the result.
pub(crate) fn lead_back(to: &Route<'_>, result: Result<Said, ApiError>) -> Result<(), ApiError> {
    let said = match result {
        Ok(said) => said,
        Err(error) if session::is_plain_form() => Said::Refused(error.to_string()),
        Err(error) => return Err(error),
    };
    COOKIE.set(Some(&said.encoded()), Some(SECONDS));
    leptos_axum::redirect(&to.path());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_as_it_was_written() {
        for said in [
            Said::Done("“Ana María” is now viewer; a=b, c.".to_owned()),
            Said::Refused("No.".to_owned()),
            Said::Invited("/invite/abc_-".to_owned()),
            Said::RecoveryCodes("abcde-fghjk mnpqr-stuvw".to_owned()),
        ] {
            let text = said.encoded();
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"%.".contains(&b)), "{text}");
            assert_eq!(Said::decoded(&text), Some(said));
        }
        for nonsense in ["", "done", "other.x", "done.%ff"] {
            assert_eq!(Said::decoded(nonsense), None, "{nonsense}");
        }
        assert!(Said::Refused("ü".repeat(5000)).encoded().len() < 4000);
    }
}
