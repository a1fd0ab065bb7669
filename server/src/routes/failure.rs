//! Requests whose answer fails or takes too long: each still gets an answer.

use std::any::Any;
use std::panic::resume_unwind;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use backstay_app::ApiError;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::lifecycle::Lifecycle;

/// Time limit for an answer. A page takes milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The address that asks a host to compare two generations.
const COMPARISON_PATH: &str = "/api/compare_generations";
/// Time limit for a comparison: slightly longer than the fleet waits for the host's answer.
const COMPARISON_TIMEOUT: Duration = Duration::from_secs(160);

/// The time limits of requests.
#[derive(Clone)]
pub(super) struct Deadlines {
    tasks: TaskTracker,
    answer: Duration,
    comparison: Duration,
}

impl Deadlines {
    /// Lets the shutdown wait for requests under way.
    pub(super) fn new(lifecycle: &Lifecycle) -> Self {
        Self { tasks: lifecycle.tasks.clone(), answer: ANSWER_TIMEOUT, comparison: COMPARISON_TIMEOUT }
    }

    fn for_path(&self, path: &str) -> Duration {
        if path == COMPARISON_PATH { self.comparison } else { self.answer }
    }
}

/// Runs a request to its end even if the client has gone, so that the concurrently rendered parts of a page keep their shared
/// context.
///
/// A person's action always completes: the time limit ends the waiting and not the work. Only a read is aborted, because nobody
/// waits for it any longer.
pub(super) async fn run_to_completion(
    State(deadlines): State<Deadlines>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let only_reads = request.method().is_safe();
    let caller = Caller::of(&request);
    let limit = deadlines.for_path(&path);
    let work = deadlines.tasks.spawn(next.run(request).in_current_span());
    let whole = work.abort_handle();
    match timeout(limit, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(ended)) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping."),
        },
        Err(_) if only_reads => {
            whole.abort();
            tracing::error!(path, "an answer was aborted: it took longer than {} s", limit.as_secs());
            answer(StatusCode::SERVICE_UNAVAILABLE, "The server took too long to answer.")
        }
        Err(_) => {
            tracing::warn!(path, "a request is still running after {} s", limit.as_secs());
            caller.still_running()
        }
    }
}

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A browser that shows the answer.
    Browser,
    /// One of our pages, which shows the sentence of an [`ApiError`].
    Page,
}

impl Caller {
    fn of(request: &Request) -> Self {
        let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accepts.is_some_and(|accepts| accepts.contains("text/html")) { Self::Browser } else { Self::Page }
    }

    fn still_running(self) -> Response {
        let status = StatusCode::GATEWAY_TIMEOUT;
        let sentence =
            "The server is still working on this and will finish it. Check the ops before you try again.";
        match self {
            Self::Browser => answer(status, "The server is still working on this and will finish it."),
            Self::Page => (status, Json(ApiError::said(sentence))).into_response(),
        }
    }
}

/// The answer after a handler panicked. The panic itself is in the log.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    answer(StatusCode::INTERNAL_SERVER_ERROR, "The server failed while answering.")
}

fn answer(status: StatusCode, what: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Failed · Backstay</title></head><body>\
         <h1>{what}</h1>\
         <p>See the server's log. Check <a href=\"/ops\">the ops</a> before you try again: your request may have been carried \
         out.</p></body></html>"
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
    use axum::routing::any;
    use tokio::net::TcpListener;
    use tokio::sync::Notify;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Serves one handler as the pages are served, and returns the address.
    async fn serve<F: Future<Output = &'static str> + Send + 'static>(
        limit: Duration,
        handler: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> String {
        let deadlines = Deadlines { tasks: TaskTracker::new(), answer: limit, comparison: LONG };
        let app = Router::new()
            .route("/", any(handler.clone()))
            .route(COMPARISON_PATH, any(handler))
            .layer(from_fn_with_state(deadlines, run_to_completion))
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
    async fn an_answer_that_never_comes_is_aborted() {
        let address = serve(Duration::from_millis(1), pending).await;
        let answer = reqwest::get(address).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text().await.unwrap().ends_with("</html>"));
    }

    /// Work that begins, waits for permission to continue, and finishes.
    #[derive(Clone, Default)]
    struct Work {
        begun: Arc<Notify>,
        go_on: Arc<Notify>,
        done: Arc<Notify>,
    }

    impl Work {
        async fn work(self) -> &'static str {
            self.begun.notify_one();
            self.go_on.notified().await;
            self.done.notify_one();
            "done"
        }

        async fn is_done(&self) {
            self.go_on.notify_one();
            timeout(LONG, self.done.notified()).await.expect("it was not brought to its end");
        }
    }

    #[tokio::test]
    async fn an_action_completes_though_nobody_waits() {
        let work = Work::default();
        let works = work.clone();
        let address = serve(LONG, move || works.clone().work()).await;
        let client = tokio::spawn(reqwest::get(address));
        work.begun.notified().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        work.is_done().await;
    }

    #[tokio::test]
    async fn an_action_completes_though_the_answer_says_that_it_takes_too_long() {
        for (accept, body) in [("text/html", "</html>"), ("application/json", "before you try again.\"}")] {
            let work = Work::default();
            let works = work.clone();
            let address = serve(Duration::from_millis(1), move || works.clone().work()).await;
            let request = reqwest::Client::new().post(address).header(header::ACCEPT, accept);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
            let text = answer.text().await.unwrap();
            assert!(
                text.contains("is still working on this and will finish it.") && text.ends_with(body),
                "{text}"
            );
            work.is_done().await;
        }
    }

    #[tokio::test]
    async fn a_comparison_of_two_generations_may_take_longer() {
        let address = serve(Duration::ZERO, || async {
            tokio::task::yield_now().await;
            "compared"
        })
        .await;
        let answer = reqwest::Client::new().post(format!("{address}{COMPARISON_PATH}")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "compared");
        assert!(COMPARISON_TIMEOUT > backstay_fleet::compare::ANSWER_TIMEOUT);
    }
}
