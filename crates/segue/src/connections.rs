//! Open connections: how many there may be, and how long they may keep silent.
//!
//! Whoever connects has to ask for something soon ([`Limits::first_request`]), and a connection on which nothing is asked
//! any more is closed ([`Limits::next_request`]), so that strangers who only connect use nothing up. The second time is
//! longer than proxies keep connections that they use again: whoever closes first must not be this side, in the moment in
//! which the proxy sends the next request.
//!
//! The body of a request has to arrive, too: whoever sends nothing of it for [`Limits::silence`], or has not sent all of it
//! after [`Limits::body`], is not waited for, whichever route reads it.
//!
//! A line that dies without a word is given up when what was written into it has not been confirmed for five minutes
//! ([`UNCONFIRMED`]), and not after the quarter of an hour that operating systems try: streams of events end with it.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{BoxError, Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{
    body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, Sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

/// Milliseconds for which what was written may stay unconfirmed by the other side, or unread: Linux makes no difference, and
/// somebody may rest in the middle of a long download. That a console is gone is told sooner, by its beats.
const UNCONFIRMED: u32 = 300_000;
/// How long to wait when no connection can be taken, because there are no more files to be had.
const PAUSE: Duration = Duration::from_secs(1);

/// What connections may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Open ones at most; further ones wait to be taken.
    pub(crate) most: usize,
    /// From connecting to the end of the first request's head.
    pub(crate) first_request: Duration,
    /// From an answer to the end of the next request's head.
    pub(crate) next_request: Duration,
    /// For which nothing of a request's body may come, while it is waited for.
    pub(crate) silence: Duration,
    /// From the end of a request's head to the end of its body.
    pub(crate) body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most: 16_384,
            first_request: Duration::from_secs(10),
            next_request: Duration::from_secs(180),
            silence: Duration::from_secs(30),
            body: Duration::from_secs(300),
        }
    }
}

/// Answers what comes in until the shutdown, and then what has come in.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: CancellationToken) {
    let (places, tasks) = (Arc::new(Semaphore::new(limits.most)), TaskTracker::new());
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                tasks.spawn(async move {
                    answer(stream, peer, router, limits, shutdown).await;
                    drop(place);
                });
            }
            Err(error) if is_of_one(error.kind()) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// Whether only the connection that was to be taken is affected.
const fn is_of_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

async fn answer(stream: TcpStream, peer: SocketAddr, router: Router, limits: Limits, shutdown: CancellationToken) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNCONFIRMED) {
        tracing::debug!(%error, "a line that dies will be noticed late");
    }
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&has_asked);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request.map(|body| Body::new(Arriving::new(body, limits))))
    });
    // In clear text browsers and proxies speak HTTP/1.1; what bounds silence below is about that.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.next_request);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut patience = pin!(tokio::time::sleep(limits.first_request));
    let (mut is_ending, mut is_watched) = (false, true);
    loop {
        tokio::select! {
            // What a client does wrong is no fault of ours.
            _ = connection.as_mut() => return,
            () = shutdown.cancelled(), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            () = patience.as_mut(), if is_watched => {
                if !has_asked.load(Ordering::Relaxed) {
                    return;
                }
                is_watched = false;
            }
        }
    }
}

/// The body of a request, given up when it does not arrive in time.
struct Arriving {
    body: Incoming,
    silence: Duration,
    end: Instant,
    /// Set while nothing is there: time in which nobody asks for more is not the sender's.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    fn new(body: Incoming, limits: Limits) -> Self {
        Self { body, silence: limits.silence, end: Instant::now() + limits.body, patience: None }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.patience = None;
            return Poll::Ready(frame.map(|read| read.map_err(BoxError::from)));
        }
        let until = this.end.min(Instant::now() + this.silence);
        let patience = this.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        patience.as_mut().poll(context).map(|()| {
            let late = io::Error::new(ErrorKind::TimedOut, "the body of the request did not arrive in time");
            Some(Err(late.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Form,
        body::to_bytes,
        http::StatusCode,
        routing::{get, post},
    };
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: segue.test\r\n\r\n";

    struct Running {
        address: SocketAddr,
        shutdown: CancellationToken,
        serving: tokio::task::JoinHandle<()>,
    }

    async fn start(limits: Limits) -> Running {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new()
            .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { format!("at {}", peer.ip()) }))
            .route("/form", post(|Form(_): Form<Vec<(String, String)>>| async { "taken" }))
            .route("/task", post(in_a_task));
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        Running { address, shutdown, serving }
    }

    /// As the API works: the answer does not wait for what the task does with the body.
    async fn in_a_task(request: Request<Body>) -> StatusCode {
        let task = tokio::spawn(async move { to_bytes(request.into_body(), 100).await.is_ok() });
        match tokio::time::timeout(Duration::from_millis(20), task).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The head of a request to a path, and the first byte of the ten of its body.
    fn begun(path: &str) -> String {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        format!("POST {path} HTTP/1.1\r\nHost: segue.test\r\n{kind}\r\nContent-Length: 10\r\n\r\na")
    }

    /// What comes until the other side closes.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("it is closed in time");
        read.unwrap();
        String::from_utf8(text).unwrap()
    }

    async fn one_answer(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        let mut text = String::new();
        while !text.contains("at 127.0.0.1") {
            let mut part = [0; 1_024];
            let length = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
            assert_ne!(length, 0, "{text}");
            text.push_str(std::str::from_utf8(&part[..length]).unwrap());
        }
        text
    }

    #[tokio::test]
    async fn http_2_whose_silence_is_not_bounded_is_not_spoken() {
        let patient = Limits { first_request: 10 * PATIENCE, next_request: 10 * PATIENCE, ..Limits::default() };
        let running = start(patient).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // The preface and empty settings, which a server that speaks it answers and waits on.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let mut text = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await;
        assert!(closed.is_ok(), "it is closed");
        running.shutdown.cancel();
        running.serving.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_does_not_ask_is_not_waited_for() {
        let short = Limits { first_request: Duration::from_millis(100), ..Limits::default() };
        let running = start(short).await;
        for begun in ["", "GET / HTTP/1.1\r\nHost: segue"] {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            assert_eq!(rest(&mut stream).await, "", "{begun}");
        }
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 200"), "whoever has asked may ask again later");
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_more_is_asked_is_closed() {
        let running = start(Limits { next_request: Duration::from_millis(100), ..Limits::default() }).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        one_answer(&mut stream).await;
        rest(&mut stream).await;
    }

    #[tokio::test]
    async fn further_connections_wait_until_one_has_ended() {
        let running = start(Limits { most: 1, ..Limits::default() }).await;
        let mut first = TcpStream::connect(running.address).await.unwrap();
        one_answer(&mut first).await;
        let mut second = TcpStream::connect(running.address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        let mut part = [0; 1];
        let waited = tokio::time::timeout(Duration::from_millis(200), second.read(&mut part)).await;
        assert!(waited.is_err(), "it is not taken yet");
        drop(first);
        let read = tokio::time::timeout(PATIENCE, second.read(&mut part)).await.expect("now it is").unwrap();
        assert_eq!(read, 1);
    }

    #[tokio::test]
    async fn bodies_that_never_arrive_use_no_places_up() {
        let short = Limits { most: 2, silence: Duration::from_millis(100), ..Limits::default() };
        let running = start(short).await;
        for path in ["/form", "/task"] {
            let mut held = Vec::new();
            for _ in 0..2 {
                let mut stream = TcpStream::connect(running.address).await.unwrap();
                stream.write_all(begun(path).as_bytes()).await.unwrap();
                held.push(stream);
            }
            let mut third = TcpStream::connect(running.address).await.unwrap();
            let answered = tokio::time::timeout(PATIENCE, one_answer(&mut third)).await;
            assert!(answered.is_ok_and(|text| text.starts_with("HTTP/1.1 200")), "{path}");
            drop(third);
            for mut stream in held {
                assert!(!rest(&mut stream).await.starts_with("HTTP/1.1 200"), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_comes_drop_by_drop_is_waited_for_until_its_end() {
        let drops = Limits { silence: 10 * PATIENCE, body: Duration::from_millis(400), ..Limits::default() };
        let running = start(drops).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begun("/form").as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"=23456789").await.unwrap();
        let mut part = [0; 12];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut part)).await.expect("it is answered").unwrap();
        assert_eq!(&part, b"HTTP/1.1 200", "what comes in time is taken");

        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begun("/form").as_bytes()).await.unwrap();
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 400"), "what does not is given up");
    }

    #[tokio::test]
    async fn a_shutdown_closes_what_is_idle() {
        let running = start(Limits::default()).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        one_answer(&mut stream).await;
        running.shutdown.cancel();
        rest(&mut stream).await;
        tokio::time::timeout(PATIENCE, running.serving).await.expect("nothing is left").unwrap();
        assert!(TcpStream::connect(running.address).await.is_err());
    }
}
