//! The stream of events: lines out of an endless answer, rubbish skipped and counted.

use super::parse::{EngineEvent, Line, line};
use crate::{client::Engine, error::EngineError};
use bytes::BytesMut;
use futures::{Stream, future::BoxFuture, ready};
use http::Response;
use hyper::body::{Body, Incoming};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

const OPERATION: &str = "tell its events";
/// The longest line that is kept, in bytes; a longer one is skipped to its end.
const LINE_LIMIT: usize = 1024 * 1024;
/// How long to wait for the answer's head. Docker sends it at once; Podman only with the first event, and is
/// subscribed to all the same.
const HEAD_WAIT: Duration = Duration::from_millis(300);

impl Engine {
    /// Subscribes to what happens to containers, from `since` (the engine's clock, in nanoseconds) when given.
    ///
    /// When this returns, the engine has taken the subscription (Docker), or has been sent it (Podman). The stream
    /// ends with an error when the engine goes. Silence is normal, so silence never ends it: ping the engine.
    ///
    /// # Errors
    /// Anything of [`EngineError`].
    pub async fn events(&self, since: Option<i64>) -> Result<EventStream, EngineError> {
        self.ready().await?;
        let since = since.map(|nanos| {
            format!(
                "since={}.{:09}&",
                nanos.div_euclid(1_000_000_000),
                nanos.rem_euclid(1_000_000_000)
            )
        });
        // {"type":["container"]}, percent-encoded.
        let filters = "filters=%7B%22type%22%3A%5B%22container%22%5D%7D";
        let path = format!("/events?{}{filters}", since.unwrap_or_default());
        let request = self.wire.question(&path)?;
        let wire = self.wire.clone();
        let mut head: BoxFuture<'static, _> =
            Box::pin(async move { wire.accepted(OPERATION, request).await });
        let source = match tokio::time::timeout(HEAD_WAIT, &mut head).await {
            Ok(response) => Source::Body(response?.into_body()),
            Err(_) => Source::Head(head),
        };
        Ok(EventStream {
            source,
            buffer: BytesMut::new(),
            skipping: false,
            rubbish: 0,
        })
    }
}

/// A subscription; dropping it ends it.
pub struct EventStream {
    source: Source,
    buffer: BytesMut,
    /// The rest of an overlong line is being thrown away.
    skipping: bool,
    rubbish: u64,
}

enum Source {
    Head(BoxFuture<'static, Result<Response<Incoming>, EngineError>>),
    Body(Incoming),
    Ended,
}

impl EventStream {
    /// How many lines were no events at all and were skipped.
    pub fn rubbish(&self) -> u64 {
        self.rubbish
    }

    /// The next event in what was received, if any.
    fn take(&mut self) -> Option<EngineEvent> {
        loop {
            let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') else {
                if self.buffer.len() > LINE_LIMIT {
                    self.skipping = true;
                    self.buffer.clear();
                }
                return None;
            };
            let text = self.buffer.split_to(end + 1);
            if std::mem::take(&mut self.skipping) {
                self.rubbish += 1;
                continue;
            }
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match line(text) {
                Line::Event(event) => return Some(event),
                Line::Other => {}
                Line::Rubbish => self.rubbish += 1,
            }
        }
    }

    fn ended(&mut self, error: EngineError) -> Poll<Option<Result<EngineEvent, EngineError>>> {
        self.source = Source::Ended;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for EventStream {
    type Item = Result<EngineEvent, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.take() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut self.source {
                Source::Head(head) => match ready!(head.as_mut().poll(cx)) {
                    Ok(response) => self.source = Source::Body(response.into_body()),
                    Err(error) => return self.ended(error),
                },
                Source::Body(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            self.buffer.extend_from_slice(&data);
                        }
                    }
                    Some(Err(_)) | None => return self.ended(EngineError::Gone { operation: OPERATION }),
                },
                Source::Ended => return Poll::Ready(None),
            }
        }
    }
}
