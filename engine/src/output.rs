//! What a command or a container writes, as it comes.

use crate::error::EngineError;
use bytes::{Buf, Bytes, BytesMut};
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Where a piece was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Some bytes of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub stream: Stream,
    pub bytes: Bytes,
}

/// Output that is being read. Dropping it stops the reading and not the command.
#[derive(Debug)]
pub struct Output {
    operation: &'static str,
    body: Incoming,
    frames: Frames,
}

impl Output {
    pub(crate) fn new(operation: &'static str, response: Response<Incoming>) -> Self {
        Self {
            operation,
            body: response.into_body(),
            frames: Frames::default(),
        }
    }

    /// The next piece; nothing at the end. However long the command is silent, this waits.
    ///
    /// # Errors
    /// `Gone` when the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Piece>, EngineError> {
        loop {
            if let Some(piece) = self.frames.take() {
                return Ok(Some(piece));
            }
            match self.body.frame().await {
                None => return Ok(self.frames.rest()),
                Some(Err(_)) => {
                    return Err(EngineError::Gone {
                        operation: self.operation,
                    });
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.frames.push(&data);
                    }
                }
            }
        }
    }
}

/// Docker's frames (API, "Attach to a container"): a byte for the stream, three zeros, four bytes of length, the data.
#[derive(Debug, Default)]
struct Frames {
    buffer: BytesMut,
    /// Of the frame that is being read: its stream, and how much of it is still to come.
    open: Option<(Stream, usize)>,
    /// What came is not in frames: a terminal's output, taken as it is.
    raw: bool,
}

const HEAD: usize = 8;

impl Frames {
    fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// What of the buffer can be given now, also a part of a frame: one that is large is not waited for.
    fn take(&mut self) -> Option<Piece> {
        loop {
            if self.buffer.is_empty() {
                return None;
            }
            if self.raw {
                return Some(Piece {
                    stream: Stream::Stdout,
                    bytes: self.buffer.split().freeze(),
                });
            }
            if let Some((stream, left)) = self.open {
                let size = left.min(self.buffer.len());
                let bytes = self.buffer.split_to(size).freeze();
                self.open = (left > size).then_some((stream, left - size));
                return Some(Piece { stream, bytes });
            }
            if self.buffer.len() < HEAD {
                return None;
            }
            let stream = match &self.buffer[..4] {
                [0 | 1, 0, 0, 0] => Stream::Stdout,
                [2, 0, 0, 0] => Stream::Stderr,
                _ => {
                    self.raw = true;
                    continue;
                }
            };
            self.buffer.advance(4);
            let size = self.buffer.get_u32() as usize;
            if size > 0 {
                self.open = Some((stream, size));
            }
        }
    }

    /// What is left at the end, although no frame is complete.
    fn rest(&mut self) -> Option<Piece> {
        (!self.buffer.is_empty()).then(|| Piece {
            stream: Stream::Stdout,
            bytes: self.buffer.split().freeze(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, data: &[u8]) -> Vec<u8> {
        let mut all = vec![stream, 0, 0, 0];
        all.extend((data.len() as u32).to_be_bytes());
        all.extend(data);
        all
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let mut all = frame(1, b"one\n\0\xff");
        all.extend(frame(1, b""));
        all.extend(frame(2, b"two"));
        for size in 1..all.len() {
            let mut frames = Frames::default();
            let mut read: Vec<(Stream, Vec<u8>)> = Vec::new();
            for part in all.chunks(size) {
                frames.push(part);
                while let Some(piece) = frames.take() {
                    match read.last_mut() {
                        Some((stream, bytes)) if *stream == piece.stream => bytes.extend(&piece.bytes),
                        _ => read.push((piece.stream, piece.bytes.to_vec())),
                    }
                }
            }
            assert_eq!(
                read,
                [
                    (Stream::Stdout, b"one\n\0\xff".to_vec()),
                    (Stream::Stderr, b"two".to_vec())
                ],
                "{size}"
            );
            assert_eq!(frames.rest(), None);
        }
    }

    #[test]
    fn what_is_not_in_frames_is_taken_as_it_is() {
        let mut frames = Frames::default();
        frames.push(b"plain text of a terminal");
        assert_eq!(&frames.take().expect("a piece").bytes[..5], b"plain");
        frames.push(b"x");
        assert_eq!(&frames.take().expect("a piece").bytes[..], b"x");
    }
}
