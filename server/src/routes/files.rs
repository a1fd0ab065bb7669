//! The files that pages load. Their addresses contain a hash of the content, so that browsers cache them for a year and never use an
//! old one. Beside each may lie a compressed one, from a release build.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use tower_http::services::{ServeDir, ServeFile};

/// The files beside the pages: the icons, the offline page, and the manifest that makes the page installable.
const BESIDE: [&str; 8] = [
    "favicon.svg",
    "favicon-failed.svg",
    "icon-192.png",
    "icon-512.png",
    "manifest.webmanifest",
    "offline.html",
    "offline.js",
    "sw.js",
];
/// How long browsers may cache a file whose address contains its hash.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A file that may change: browsers ask again, and the answer is 304 if it is unchanged.
const ASKED_ANEW: HeaderValue = HeaderValue::from_static("no-cache");

/// A short hash of the page's files.
#[derive(Debug, Clone)]
pub(crate) struct Version(Arc<str>);

impl Version {
    /// Reads the files. If there are none, no page works, and any version will do.
    pub(crate) fn of(site: &Path) -> Self {
        let mut hash = Sha256::new();
        for name in ["backstay.css", "backstay.js", "backstay.wasm"] {
            hash.update(fs::read(site.join("pkg").join(name)).unwrap_or_default());
        }
        let whole = format!("{:x}", hash.finalize());
        Self(whole[..16].into())
    }

    /// The hash as addresses contain it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The files of this folder.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(site: &Path, version: Version) -> Router<S> {
    let compiled = ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip();
    let mut router = Router::new().nest_service("/pkg", compiled);
    for name in BESIDE {
        router = router.route_service(&format!("/{name}"), ServeFile::new(site.join(name)));
    }
    router.layer(from_fn_with_state(version, keep))
}

async fn keep(State(version): State<Version>, request: Request, next: Next) -> Response {
    let says = request.uri().query().and_then(|query| query.strip_prefix("v="));
    let is_this = says == Some(version.as_str());
    let mut response = next.run(request).await;
    let value = if is_this && response.status().is_success() { KEPT } else { ASKED_ANEW };
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}
