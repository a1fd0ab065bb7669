//! Requests whose answer fails: they are answered all the same, and never wait for ever.

use std::any::Any;
use std::panic::resume_unwind;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::lifecycle::Lifecycle;

/// How long an answer may take to be made. A page takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What brings requests to their end.
#[derive(Clone)]
pub(super) struct Ending {
    tasks: TaskTracker,
    patience: Duration,
}

impl Ending {
    /// Has the server wait at its own end for what is under way.
    pub(super) fn new(lifecycle: &Lifecycle) -> Self {
        Self { tasks: lifecycle.tasks.clone(), patience: PATIENCE }
    }
}

/// Brings a request to its end even where whoever sent it has gone. What a person asked for is done whole, and the
/// parts of a page, which are rendered at once, do not lose halfway what they share.
pub(super) async fn to_the_end(State(ending): State<Ending>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let work = timeout(ending.patience, next.run(request)).in_current_span();
    match ending.tasks.spawn(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(
                path,
                "an answer was given up: it took longer than {}s",
                ending.patience.as_secs()
            );
            answer(StatusCode::SERVICE_UNAVAILABLE, "The server took too long to answer.")
        }
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping."),
        },
    }
}

/// Answers where a handler panicked. The panic itself is in the log.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    answer(StatusCode::INTERNAL_SERVER_ERROR, "The server failed while it was answering.")
}

fn answer(status: StatusCode, what: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Failed · Backstay</title></head><body>\
         <h1>{what}</h1>\
         <p>Its log says more. If you asked for something to be done, it may have been taken in or not: look at \
         <a href=\"/ops\">the ops</a> before you ask again.</p></body></html>"
    );
    let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tokio::sync::Notify;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Serves one handler as the pages are served; the address.
    async fn serve<F: Future<Output = &'static str> + Send + 'static>(
        patience: Duration,
        handler: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> String {
        let ending = Ending { tasks: TaskTracker::new(), patience };
        let app = Router::new()
            .route("/", get(handler))
            .layer(from_fn_with_state(ending, to_the_end))
            .layer(CatchPanicLayer::custom(panicked));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    #[tokio::test]
    async fn a_panic_is_answered() {
        let address = serve(LONG, || async { panic!("on purpose") }).await;
        let answer = reqwest::get(address).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.text().await.unwrap().ends_with("</html>"));
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_given_up() {
        let address = serve(Duration::from_millis(1), pending).await;
        let answer = reqwest::get(address).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text().await.unwrap().ends_with("</html>"));
    }

    #[tokio::test]
    async fn what_was_asked_for_is_done_though_nobody_waits() {
        let (begun, go_on, done) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (starts, waits, ends) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
        let address = serve(LONG, move || {
            let (starts, waits, ends) = (Arc::clone(&starts), Arc::clone(&waits), Arc::clone(&ends));
            async move {
                starts.notify_one();
                waits.notified().await;
                ends.notify_one();
                "done"
            }
        })
        .await;
        let client = tokio::spawn(reqwest::get(address));
        begun.notified().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        go_on.notify_one();
        timeout(LONG, done.notified()).await.expect("it was not brought to its end");
    }
}
