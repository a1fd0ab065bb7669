//! Text in documents that are written by hand, and in elements that the framework does not escape.

/// As text or an attribute of a document.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text that stands in a `textarea` or a `title`. The framework writes it into the page as it is, and so the server has
/// to escape it; in the browser it never becomes markup.
pub(crate) fn raw_text(text: String) -> String {
    if cfg!(feature = "ssr") { escaped(&text) } else { text }
}
