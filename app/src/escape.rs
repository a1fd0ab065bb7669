//! Escaping where the framework does not: in hand-written SVG, and in `textarea` and `title`.

/// Escapes text or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Escapes the text of a `textarea` or a `title` on the server, where the framework writes it unescaped. In
/// the browser it never becomes markup.
pub(crate) fn raw_text(text: String) -> String {
    if cfg!(feature = "ssr") { escaped(&text) } else { text }
}
