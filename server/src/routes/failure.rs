//! Requests whose answer fails: they are answered all the same, and never wait for ever.

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

/// How long an answer may take to be made. A page takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// The address that asks a host what lies between two generations.
const COMPARING: &str = "/api/compare_generations";
/// How long that may take: a little longer than the fleet waits for the host's answer.
const COMPARING_PATIENCE: Duration = Duration::from_secs(160);

/// What brings requests to their end.
#[derive(Clone)]
pub(super) struct Ending {
    tasks: TaskTracker,
    patience: Duration,
    comparing: Duration,
}

impl Ending {
    /// Has the server wait at its own end for what is under way.
    pub(super) fn new(lifecycle: &Lifecycle) -> Self {
        Self { tasks: lifecycle.tasks.clone(), patience: PATIENCE, comparing: COMPARING_PATIENCE }
    }

    fn patience(&self, path: &str) -> Duration {
        if path == COMPARING { self.comparing } else { self.patience }
    }
}

/// Brings a request to its end even where whoever sent it has gone, and the parts of a page, which are rendered at once,
/// do not lose halfway what they share.
///
/// What a person asked for is done whole: when patience ends, so does the waiting and not the work. Only a page that is
/// never ready is given up, for nobody is waiting for it.
pub(super) async fn to_the_end(State(ending): State<Ending>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let only_reads = request.method().is_safe();
    let caller = Caller::of(&request);
    let patience = ending.patience(&path);
    let work = ending.tasks.spawn(next.run(request).in_current_span());
    let whole = work.abort_handle();
    match timeout(patience, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(ended)) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping."),
        },
        Err(_) if only_reads => {
            whole.abort();
            tracing::error!(path, "an answer was given up: it took longer than {}s", patience.as_secs());
            answer(StatusCode::SERVICE_UNAVAILABLE, "The server took too long to answer.")
        }
        Err(_) => {
            tracing::warn!(path, "a request is still at work after {}s", patience.as_secs());
            caller.still_being_done()
        }
    }
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A browser that shows what it is answered.
    Browser,
    /// A page of ours, which shows the sentence of an [`ApiError`].
    Page,
}

impl Caller {
    fn of(request: &Request) -> Self {
        let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accepts.is_some_and(|accepts| accepts.contains("text/html")) { Self::Browser } else { Self::Page }
    }

    fn still_being_done(self) -> Response {
        let status = StatusCode::GATEWAY_TIMEOUT;
        let sentence =
            "The server is still at work on this and will finish it. Look at the ops before you ask again.";
        match self {
            Self::Browser => answer(status, "The server is still at work on this and will finish it."),
            Self::Page => (status, Json(ApiError::said(sentence))).into_response(),
        }
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
         <p>Its log says more. Look at <a href=\"/ops\">the ops</a> before you ask for anything again: what you asked for \
         may have been done.</p></body></html>"
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

    /// Serves one handler as the pages are served; the address.
    async fn serve<F: Future<Output = &'static str> + Send + 'static>(
        patience: Duration,
        handler: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> String {
        let ending = Ending { tasks: TaskTracker::new(), patience, comparing: LONG };
        let app = Router::new()
            .route("/", any(handler.clone()))
            .route(COMPARING, any(handler))
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

    /// A piece of work that begins, waits until it may go on, and is done.
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
    async fn what_was_asked_for_is_done_though_nobody_waits() {
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
    async fn what_was_asked_for_is_done_though_the_answer_says_that_it_takes_too_long() {
        for (accept, body) in [("text/html", "</html>"), ("application/json", "before you ask again.\"}")] {
            let work = Work::default();
            let works = work.clone();
            let address = serve(Duration::from_millis(1), move || works.clone().work()).await;
            let request = reqwest::Client::new().post(address).header(header::ACCEPT, accept);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
            let text = answer.text().await.unwrap();
            assert!(
                text.contains("is still at work on this and will finish it.") && text.ends_with(body),
                "{text}"
            );
            work.is_done().await;
        }
    }

    #[tokio::test]
    async fn the_question_what_lies_between_two_generations_may_take_longer() {
        let address = serve(Duration::ZERO, || async {
            tokio::task::yield_now().await;
            "compared"
        })
        .await;
        let answer = reqwest::Client::new().post(format!("{address}{COMPARING}")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "compared");
        assert!(COMPARING_PATIENCE > backstay_fleet::compare::ANSWER_TIMEOUT);
    }
}
