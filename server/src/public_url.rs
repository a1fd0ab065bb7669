//! The address that browsers use.

use axum::http::Uri;

/// Checks `--public-url` and returns it as an origin, without a slash at its end.
///
/// # Errors
/// The URL is not `http` or `https`, or holds more than a host and a port. The pages' links begin at the root of a host, so
/// that a path cannot work.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let like = "use one such as https://backstay.example.org";
    let uri: Uri = text.parse().map_err(|_| format!("not a URL; {like}"))?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
    let (Some(scheme), Some(authority)) = (scheme, uri.authority()) else {
        return Err(format!("a URL begins with http:// or https:// and names a host; {like}"));
    };
    if authority.as_str().contains('@') {
        return Err(format!("it must not hold a user name or a password; {like}"));
    }
    if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
        return Err(format!("Backstay needs a host name of its own, without a path; {like}"));
    }
    Ok(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_scheme_a_host_and_a_port() {
        for (text, origin) in [
            ("https://backstay.example.org", "https://backstay.example.org"),
            ("https://backstay.example.org/", "https://backstay.example.org"),
            ("http://10.0.0.1:7340", "http://10.0.0.1:7340"),
            ("http://[::1]:7340/", "http://[::1]:7340"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin));
        }
    }

    #[test]
    fn a_public_url_that_cannot_work_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("https://example.org/backstay", "without a path"),
            ("https://example.org/?a=b", "without a path"),
            ("example.org", "begins with http:// or https://"),
            ("ftp://example.org", "begins with http:// or https://"),
            ("https://me:secret@example.org", "password"),
            ("https://exa mple.org", "not a URL"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
