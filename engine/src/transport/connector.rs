//! Makes a [`Transport`] the HTTP client's connector.

use super::{Io, Transport};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Dials its one transport whatever address it is asked for, within its time.
#[derive(Clone)]
pub(crate) struct Connector {
    transport: Transport,
    /// The longest time for one dial, name resolution included.
    limit: Duration,
}

impl Connector {
    pub(crate) fn new(transport: Transport, limit: Duration) -> Self {
        Self { transport, limit }
    }
}

impl tower::Service<http::Uri> for Connector {
    type Response = Wired;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wired>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let Self { transport, limit } = self.clone();
        Box::pin(async move {
            match tokio::time::timeout(limit, transport.connect()).await {
                Ok(stream) => Ok(Wired(TokioIo::new(stream?))),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

/// A connection in hyper's terms.
pub(crate) struct Wired(TokioIo<Box<dyn Io>>);

impl Connection for Wired {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wired {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Wired {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
