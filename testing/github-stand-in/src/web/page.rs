//! Pagination.

use axum::response::Response;
use http::{HeaderValue, Uri, header};
use serde::Deserialize;

/// The requested page.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Page {
    page: Option<usize>,
    per_page: Option<usize>,
}

impl Page {
    pub(crate) fn size(self) -> usize {
        self.per_page.unwrap_or(30).clamp(1, 100)
    }

    fn number(self) -> usize {
        self.page.unwrap_or(1).max(1)
    }

    /// The number of entries before it.
    pub(crate) fn skip(self) -> usize {
        self.number().saturating_sub(1).saturating_mul(self.size())
    }

    /// The entries of this page.
    pub(crate) fn of<T>(self, all: Vec<T>) -> (Vec<T>, bool) {
        let has_more = all.len() > self.skip().saturating_add(self.size());
        (all.into_iter().skip(self.skip()).take(self.size()).collect(), has_more)
    }

    /// Adds the `Link` header with the neighbouring pages.
    pub(crate) fn link(self, mut response: Response, root: &str, uri: &Uri, has_more: bool) -> Response {
        let at = |number: usize, rel: &str| {
            let kept = uri
                .query()
                .unwrap_or_default()
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
            let query: Vec<String> = kept.map(str::to_owned).chain([format!("page={number}")]).collect();
            format!("<{root}{}?{}>; rel=\"{rel}\"", uri.path(), query.join("&"))
        };
        let number = self.number();
        let mut links = vec![];
        if number > 1 {
            links.push(at(number - 1, "prev"));
        }
        if has_more {
            links.push(at(number + 1, "next"));
        }
        if number > 1 {
            links.push(at(1, "first"));
        }
        if let Some(value) = HeaderValue::from_str(&links.join(", ")).ok().filter(|_| !links.is_empty()) {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }
}
