//! Connections over real sockets, with times short enough to be waited for.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::routing::{get, post};
use futures::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;

/// Nothing here takes longer, unless it is broken.
const LONG: Duration = Duration::from_secs(30);

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

fn times() -> Times {
    Times { head: LONG, body: LONG, stalled: LONG, grace: LONG }
}

/// Serves “/”, and “/endless”, whose answer has no end.
async fn start(times: Times) -> (SocketAddr, Running) {
    let endless =
        || async { Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 64 * 1024]))) };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/endless", get(endless))
        .route("/read", post(|_: Bytes| async { "read" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let places = Places::new(Limits::of(1_000));
    let serving = tokio::spawn(serve(listener, router, places.clone(), times, stop.clone()));
    (address, Running { places, stop, serving })
}

struct Running {
    places: Places,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Running {
    async fn ends(self) {
        self.stop.cancel();
        soon("the server to end", self.serving).await.unwrap();
    }
}

/// Sends this; the connection.
async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// What comes until the server hangs up.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = vec![];
    // A reset is an end as well.
    let _ = soon("the server to hang up", stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let (address, ..) = start(Times { head: Duration::from_millis(20), ..times() }).await;
    for part in ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let said = rest(send(address, part).await).await;
        assert!(!said.contains("200"), "{part}: {said}");
    }
    let idle = rest(send(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await).await;
    assert!(idle.ends_with("here"), "answered, and closed once it was idle: {idle}");
}

#[tokio::test]
async fn a_body_that_does_not_come_to_its_end_is_not_waited_for() {
    let (address, ..) = start(Times { body: Duration::from_millis(20), ..times() }).await;
    let half = "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf of it";
    let said = rest(send(address, half).await).await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
}

#[tokio::test]
async fn who_reads_nothing_of_an_answer_is_hung_up_on() {
    let (address, running) = start(Times { stalled: Duration::from_millis(20), ..times() }).await;
    let _unread = send(address, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (mut came, mut pause) = (false, tokio::time::interval(Duration::from_millis(2)));
    let given_up = async {
        while !(came && running.places.unauthenticated() == 0) {
            came |= running.places.unauthenticated() == 1;
            pause.tick().await;
        }
    };
    soon("the server to give up", given_up).await;
}

#[tokio::test]
async fn one_who_reads_slowly_does_not_keep_the_server_from_ending() {
    let (address, running) = start(Times { grace: Duration::from_millis(20), ..times() }).await;
    let mut stream = send(address, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    soon("the first byte", stream.read_u8()).await.unwrap();
    running.ends().await;
}

#[tokio::test]
async fn an_idle_connection_ends_with_the_server() {
    let (address, running) = start(times()).await;
    let idle = TcpStream::connect(address).await.unwrap();
    assert!(
        rest(send(address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await)
            .await
            .ends_with("here")
    );
    running.ends().await;
    assert_eq!(rest(idle).await, "");
}
