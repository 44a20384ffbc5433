//! The listener: accepts, serves HTTP/1.1, plain or over TLS, and at the end lets open answers finish.

use crate::security::PeerAddress;
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Redirect, Response},
    routing::any,
};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// How long a client may take to send the head of a request, and how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(60);
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What a TLS connection begins with (RFC 8446, section 5.1: a record of type handshake).
const TLS_BEGINS: u8 = 22;
/// Connections at once; more wait in the system's queue.
const CONNECTIONS: usize = 2048;
/// How long open answers may take to finish at the end.
pub const DRAIN: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets answers that have begun finish within [`DRAIN`].
pub async fn run(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let open = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
                open.spawn(async move {
                    // Who has not even greeted at the end waits for nothing.
                    let greeted = tokio::select! {
                        greeted = greet(stream, tls) => greeted,
                        () = stop.cancelled() => return,
                    };
                    let ended = match greeted {
                        Ok(Greeted::Plain(stream)) => serve_one(stream, address, false, router, stop).await,
                        Ok(Greeted::Tls(stream)) => serve_one(*stream, address, true, router, stop).await,
                        Ok(Greeted::Lost(stream)) => {
                            serve_one(stream, address, false, signpost(), stop).await
                        }
                        Err(error) => Err(error.into()),
                    };
                    if let Err(error) = ended {
                        // Clients go away in the middle all the time.
                        tracing::debug!(error, "a connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: waiting lets some connections end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(DRAIN, open.wait()).await.is_err() {
        tracing::warn!(
            "some answers did not end in {} s and are cut off",
            DRAIN.as_secs()
        );
    }
}

/// A connection before its first request.
enum Greeted {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Speaks plain HTTP where TLS is spoken.
    Lost(TcpStream),
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Greeted> {
    // Small answers are sent at once.
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(Greeted::Plain(stream));
    };
    let greeted = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != TLS_BEGINS {
            return Ok(Greeted::Lost(stream));
        }
        Ok(Greeted::Tls(Box::new(tls.accept(stream).await?)))
    };
    tokio::time::timeout(HANDSHAKE, greeted).await?
}

/// Sends whoever typed the address without `https` to the one with it.
fn signpost() -> Router {
    let answer = async |headers: HeaderMap, uri: Uri| -> Response {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let there = host.and_then(|host| {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            Uri::try_from(format!("https://{host}{path}")).ok()
        });
        match there {
            Some(there) => Redirect::permanent(&there.to_string()).into_response(),
            None => (
                StatusCode::BAD_REQUEST,
                "This port speaks HTTPS. Write https:// before the address.\n",
            )
                .into_response(),
        }
    };
    Router::new().fallback(any(answer))
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn serve_one<S>(
    stream: S,
    address: SocketAddr,
    encrypted: bool,
    router: Router,
    stop: CancellationToken,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let mut request = request.map(Body::new);
        request
            .extensions_mut()
            .insert(PeerAddress { address, encrypted });
        router.oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = stop.cancelled(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
