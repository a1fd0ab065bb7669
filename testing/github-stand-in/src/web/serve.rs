//! From a connection to an endpoint and back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::answer::json_response;
use super::finish::Finish;
use super::gate::Verdict;
use super::{Asked, Away, Moment, Refusal};
use crate::world::World;

/// Upper bound on a body's size.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
struct HangUp;

/// A period of listening. It ends when this is dropped.
pub(crate) struct Uptime {
    end: CancellationToken,
    connections: TaskTracker,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Uptime {
    /// Listens at the same address again.
    pub(crate) fn again(address: SocketAddr, world: &Arc<World>, router: &Router) -> std::io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::on(socket.listen(128)?, world, router))
    }

    /// Serves requests.
    pub(crate) fn on(listener: TcpListener, world: &Arc<World>, router: &Router) -> Self {
        let (end, connections) = (CancellationToken::new(), TaskTracker::new());
        let listening = listen(listener, world.clone(), router.clone(), end.clone(), connections.clone());
        Self { end, connections, listening: Some(tokio::spawn(listening)) }
    }

    /// Stops listening, and waits until all connections have ended.
    pub(crate) async fn end(mut self) {
        self.end.cancel();
        if let Some(listening) = self.listening.take() {
            drop(listening.await);
        }
        self.connections.close();
        self.connections.wait().await;
    }
}

impl Drop for Uptime {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn listen(
    listener: TcpListener,
    world: Arc<World>,
    router: Router,
    end: CancellationToken,
    connections: TaskTracker,
) {
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(talk(stream, world.clone(), router.clone(), end.clone()))),
                Err(error) => tracing::warn!(%error, "a connection could not be taken"),
            },
        }
    }
}

async fn talk(stream: TcpStream, world: Arc<World>, router: Router, end: CancellationToken) {
    let service = hyper::service::service_fn(move |request| answer(world.clone(), router.clone(), request));
    let talking = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = end.cancelled() => {}
        talked = talking => if let Err(error) = talked {
            tracing::debug!(%error, "a connection ended");
        },
    }
}

async fn answer(world: Arc<World>, router: Router, request: Request<Incoming>) -> Result<Response, HangUp> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES).collect().await.map(http_body_util::Collected::to_bytes)
    else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let request = Whole { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let asked = world.log.add(request.asked(&world));
    let mut response = match world.gates.pass(Moment::Before, &asked).await {
        Verdict::Go => {
            // A request is completed even if its client is gone, as at GitHub.
            let (world, what) = (world.clone(), asked.what.clone());
            let handled = tokio::spawn(async move { handle(&world, router, request, &what).await });
            handled.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        Verdict::HangUp => return Err(HangUp),
        Verdict::Answer(status, body) => json_response(status, &body),
    };
    match world.gates.pass(Moment::After, &asked).await {
        Verdict::Go => {}
        Verdict::HangUp => return Err(HangUp),
        Verdict::Answer(status, body) => response = json_response(status, &body),
    }
    world.log.answered(asked.number, response.status().as_u16());
    Ok(response)
}

/// A request that has arrived completely.
struct Whole {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Whole {
    fn asked(&self, world: &World) -> Asked {
        let path = self.uri.path();
        let inside = world.links.below_base(path).map(|path| match world.links.within(path) {
            Some(within) => within.trim_start_matches('/').to_owned(),
            None => path.to_owned(),
        });
        Asked {
            number: 0,
            method: self.method.to_string(),
            path: path.to_owned(),
            what: inside.unwrap_or_else(|| path.to_owned()),
            query: self.uri.query().unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
            status: None,
        }
    }
}

async fn handle(world: &World, router: Router, request: Whole, what: &str) -> Response {
    if let Some(page) = away(world) {
        return page;
    }
    if !request.headers.contains_key(header::USER_AGENT) {
        return without_user_agent();
    }
    if world.links.below_base(request.uri.path()).is_none() {
        return crate::api::page(world, request.uri.path()).await;
    }
    let is_free = what == "/rate_limit";
    let (method, headers) = (request.method.clone(), request.headers.clone());
    let finish = Finish { method: &method, what, headers: &headers, counts: !is_free };
    let response = match limit(world, is_free) {
        Some(limited) => limited,
        None => route(world, router, request).await.unwrap_or_else(Refusal::into_response),
    };
    finish.finish(world, response).await
}

async fn route(world: &World, router: Router, request: Whole) -> Result<Response, Refusal> {
    let now = world.clock.now();
    let caller = world.door().recognise(&request.headers, world.app.as_ref(), now)?;
    let path = world.links.below_base(request.uri.path()).ok_or_else(Refusal::not_found)?;
    if let Some(moved) = world.links.moved(path) {
        return Ok(redirect(&request, &moved));
    }
    let path = match world.links.within(path) {
        // An app asks for its own installation before it has any permission on the repository.
        Some("/installation") => "/repo/installation".to_owned(),
        Some(within) => {
            let private = world.state.lock().await.private;
            caller.admit(&request.method, private)?;
            format!("/repo{within}")
        }
        None => path.to_owned(),
    };
    let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut inner = Request::builder().method(request.method).uri(format!("{path}{query}"));
    if let Some(headers) = inner.headers_mut() {
        *headers = request.headers;
    }
    let inner = inner.extension(caller).extension(OriginalUri(request.uri)).body(Body::from(request.body));
    let inner = inner.map_err(|_| Refusal::not_found())?;
    let response: Result<Response, Infallible> = router.oneshot(inner).await;
    Ok(response.unwrap_or_else(|never| match never {}))
}

/// The redirect from the repository's former name: 301 for a read, 307 for anything else, so that it is sent
/// again with its body.
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>
fn redirect(request: &Whole, moved: &str) -> Response {
    let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    let status = if reads { StatusCode::MOVED_PERMANENTLY } else { StatusCode::TEMPORARY_REDIRECT };
    let address = format!("{moved}{query}");
    let body = serde_json::json!({
        "message": "Moved Permanently",
        "url": address,
        "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    });
    let mut response = json_response(status, &body);
    if let Ok(address) = http::HeaderValue::from_str(&address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// The path as the client wrote it.
#[derive(Debug, Clone)]
pub(crate) struct OriginalUri(pub(crate) Uri);

fn away(world: &World) -> Option<Response> {
    let status = match world.door().away? {
        Away::Refused => return None,
        Away::BadGateway => StatusCode::BAD_GATEWAY,
        Away::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let page = "<!DOCTYPE html><html><body><h1>Unicorn!</h1><p>No server is available to handle this.</p></body></html>";
    Some((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}

fn without_user_agent() -> Response {
    let said = "\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.\n";
    (StatusCode::FORBIDDEN, said).into_response()
}

/// The answer to a client that asks too often.
fn limit(world: &World, is_free: bool) -> Option<Response> {
    let mut door = world.door();
    door.limits.turn(world.clock.now());
    if let Some(secondary) = door.limits.take_secondary() {
        let said =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let documentation = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits";
        let mut response = Refusal::new(secondary.status, said).documented(documentation).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, secondary.retry_after.into());
        return Some(response);
    }
    if is_free || !door.limits.is_used_up() {
        return None;
    }
    let said = "API rate limit exceeded for user ID 1.";
    let documentation = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api";
    Some(Refusal::forbidden(said).documented(documentation).into_response())
}
