//! A channel of an SSH session as a stream of bytes.
//!
//! All channels share one connection, and the library waits for a channel whose reader is slow before it reads the
//! next one's bytes. So every channel is emptied at once into a buffer of its own, and one whose buffer stays full is
//! cut: it must not silence the others.

use crate::transport::TransportError;
use russh::{Channel, ChannelMsg, client::Msg};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, SimplexStream, WriteHalf, simplex};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a channel keeps for its reader, in bytes.
const BUFFER: usize = 4 * 1024 * 1024;
/// How long a full buffer's reader is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How much a command's complaints may be, in bytes.
const COMPLAINT: usize = 4096;

/// Counts a running command while it lives.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(super) fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A channel; dropping it closes it.
pub(super) struct Stream {
    read: ReadHalf<SimplexStream>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    /// Why it ended before its time.
    fault: Arc<OnceLock<TransportError>>,
    _open: DropGuard,
}

/// Says what a command's failure means: from its exit status, if any, and its complaint.
pub(super) type Judge = Box<dyn FnOnce(Option<u32>, &str) -> TransportError + Send>;

impl Stream {
    /// The stream of a channel. A command's comes with its `judge`, asked when it ends without having said anything.
    pub(super) fn new(channel: Channel<Msg>, command: Option<(Counted, Judge)>) -> Self {
        let (read, write) = simplex(BUFFER);
        let fault = Arc::new(OnceLock::new());
        let open = CancellationToken::new();
        let outgoing = Box::new(channel.make_writer());
        let pump = pump(channel, write, command, fault.clone(), open.clone());
        tokio::spawn(pump);
        Self {
            read,
            write: outgoing,
            fault,
            _open: open.drop_guard(),
        }
    }
}

async fn pump(
    mut channel: Channel<Msg>,
    mut reader: WriteHalf<SimplexStream>,
    command: Option<(Counted, Judge)>,
    fault: Arc<OnceLock<TransportError>>,
    open: CancellationToken,
) {
    let (counted, judge) = command.map_or((None, None), |(counted, judge)| (Some(counted), Some(judge)));
    let (mut said, mut status, mut complaint) = (false, None, Vec::new());
    loop {
        let message = tokio::select! {
            message = channel.wait() => message,
            () = open.cancelled() => break,
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                said = true;
                match tokio::time::timeout(PATIENCE, reader.write_all(&data)).await {
                    Ok(Ok(())) => {}
                    _ => break,
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                let room = COMPLAINT.saturating_sub(complaint.len());
                complaint.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => status = Some(exit_status),
            Some(ChannelMsg::Failure) => complaint.extend_from_slice(b"the server refuses to run commands"),
            // A command's status comes after the end of its output.
            Some(ChannelMsg::Eof) if judge.is_none() => {
                let _ = reader.shutdown().await;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
    if let Some(judge) = judge.filter(|_| !said && !open.is_cancelled()) {
        let _ = fault.set(judge(status, String::from_utf8_lossy(&complaint).trim()));
    }
    let _ = reader.shutdown().await;
    let _ = channel.close().await;
    drop(counted);
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.read).poll_read(cx, buf))?;
        if buf.filled().len() == before
            && buf.remaining() > 0
            && let Some(fault) = self.fault.get()
        {
            return Poll::Ready(Err(fault.clone().into_io()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(cx)
    }
}
