//! `GET /ops/{id}/output.txt`: the whole output of an op as plain text, for people who are logged in.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_app::ansi;
use backstay_fleet::Fleet;
use backstay_model::{OpId, OpView};
use futures::{Stream, stream};

use super::logged_in::LoggedIn;

/// Streams the text, so that a long one is never in memory as a whole. The browser saves it, or shows it with `?show`.
pub(crate) async fn download(
    _: LoggedIn,
    State(fleet): State<Fleet>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(id) = id.parse::<OpId>() else { return StatusCode::NOT_FOUND.into_response() };
    match fleet.op_detail(id).await {
        Ok(Some(detail)) => text(fleet, &detail.op, query.as_deref() == Some("show")),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "an op's output could not be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn text(fleet: Fleet, op: &OpView, show: bool) -> Response {
    let kind = if show { "inline" } else { "attachment" };
    let name = format!("backstay-{}-{}-{}.txt", op.host_name, op.action.kind(), op.id);
    let mut response = Body::from_stream(pieces(fleet, op.id)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The names of hosts and ops need no quoting.
    if let Ok(value) = HeaderValue::from_str(&format!("{kind}; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// The text without escape sequences, in batches of lines.
fn pieces(fleet: Fleet, op: OpId) -> impl Stream<Item = Result<String, std::io::Error>> {
    stream::try_unfold(0, move |after| {
        let fleet = fleet.clone();
        async move {
            let lines = fleet.output_after(op, after).await.map_err(std::io::Error::other)?;
            let Some(last) = lines.last().map(|line| line.seq) else { return Ok(None) };
            let text: String = lines.iter().map(|line| ansi::plain(&line.text) + "\n").collect();
            Ok(Some((text, last)))
        }
    })
}
