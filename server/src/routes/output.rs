//! `GET /ops/{id}/output.txt`: all that an op wrote, as a plain text, for people who are logged in.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_app::ansi;
use backstay_fleet::Fleet;
use backstay_model::{OpId, OpView};
use futures::{Stream, stream};

use super::logged_in::LoggedIn;

/// Sends the text in pieces, so that a long one never lies in memory as a whole. As a file to keep, or with `?show` to
/// look at.
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
    // The names of hosts and of ops are made of letters that need no quoting.
    if let Ok(value) = HeaderValue::from_str(&format!("{kind}; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// The text, without escape sequences, as many lines at a time as the store hands out.
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
