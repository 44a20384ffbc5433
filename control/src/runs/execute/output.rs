//! What a command or a container writes, on its way into the log.
//!
//! Of each attempt the beginning is kept as it comes, and the end in memory until it is over: however much is written,
//! the log stays small, and both the start and the last words are there. Bytes that are no text are written as `\xNN`.

use super::{
    Stop,
    actions::{Cut, Job},
};
use domain::runs::LogLine;
use engine::{EngineError, Output, Piece, Stream};
use std::{collections::VecDeque, fmt::Write as _, time::Duration};
use tokio::time::Instant;

/// How much of the beginning and of the end is kept, in bytes.
const HEAD: usize = 256 * 1024;
const TAIL: usize = 256 * 1024;
/// A longer line is cut into several.
const LINE: usize = 16 * 1024;
/// What is kept for the step after this one, in bytes.
const FOR_NEXT: usize = 64 * 1024;
/// Lines wait at most this long, and at most this many bytes of them, before they are written.
const SOON: Duration = Duration::from_millis(500);
const MUCH: usize = 64 * 1024;

/// How the reading ended.
#[derive(Debug)]
pub(super) enum End {
    Whole,
    /// The connection to the engine broke.
    Broken,
    Cut(Cut),
}

/// Reads to the end, or until there is a reason to stop; everything that came is in the log then. Gives what was written
/// to stdout, its end at least, without secrets.
pub(super) async fn read(job: &Job<'_>, output: &mut Output) -> Result<(End, String), Stop> {
    let mut kept = Kept::default();
    let mut written_at = Instant::now();
    let cut = job.cut();
    tokio::pin!(cut);
    let end = loop {
        tokio::select! {
            biased;
            cut = &mut cut => break End::Cut(cut),
            next = tokio::time::timeout(SOON, output.next()) => match next {
                Ok(Ok(Some(piece))) => kept.push(&piece, |text| job.mask.hide(&text)),
                Ok(Ok(None)) => break End::Whole,
                Ok(Err(EngineError::Gone { .. })) => break End::Broken,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "output could not be read to its end");
                    break End::Broken;
                }
                // Silence: what waits is written.
                Err(_) => {}
            },
        }
        if kept.waiting_bytes >= MUCH || (!kept.waiting.is_empty() && written_at.elapsed() >= SOON) {
            write(job, kept.take()).await?;
            written_at = Instant::now();
        }
    };
    if matches!(end, End::Cut(Cut::Lost)) {
        return Err(Stop::Lost);
    }
    let (lines, stdout) = kept.finish(|text| job.mask.hide(&text));
    for part in parts(lines) {
        write(job, part).await?;
    }
    Ok((end, stdout))
}

async fn write(job: &Job<'_>, lines: Vec<(Stream, String)>) -> Result<(), Stop> {
    let lines: Vec<LogLine> = lines
        .into_iter()
        .map(|(stream, text)| {
            let level = match stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            };
            job.line(level, text)
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    job.log(&lines).await
}

/// Lines in portions that are not too large for one write.
fn parts(lines: Vec<(Stream, String)>) -> Vec<Vec<(Stream, String)>> {
    let mut parts: Vec<Vec<(Stream, String)>> = Vec::new();
    let mut size = MUCH;
    for line in lines {
        if size >= MUCH {
            parts.push(Vec::new());
            size = 0;
        }
        size += line.1.len() + 1;
        if let Some(part) = parts.last_mut() {
            part.push(line);
        }
    }
    parts
}

/// What is kept of the output.
#[derive(Default)]
struct Kept {
    /// The line that is being written, of each stream.
    open: [Vec<u8>; 2],
    /// On their way to the log.
    waiting: Vec<(Stream, String)>,
    waiting_bytes: usize,
    head: usize,
    tail: VecDeque<(Stream, String)>,
    tail_bytes: usize,
    /// What neither the head nor the tail had room for.
    left_out: (u64, u64),
    stdout: VecDeque<u8>,
}

impl Kept {
    fn push(&mut self, piece: &Piece, hide: impl Fn(String) -> String) {
        let at = usize::from(piece.stream == Stream::Stderr);
        let mut rest: &[u8] = &piece.bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            self.open[at].extend_from_slice(line);
            self.close(piece.stream, &hide, true);
        }
        self.open[at].extend_from_slice(rest);
        while self.open[at].len() > LINE {
            self.close(piece.stream, &hide, false);
        }
    }

    /// Ends the open line; one that is too long gives its beginning only.
    fn close(&mut self, stream: Stream, hide: &impl Fn(String) -> String, whole: bool) {
        let at = usize::from(stream == Stream::Stderr);
        let mut bytes = std::mem::take(&mut self.open[at]);
        let over = bytes.len() > LINE;
        if over {
            let mut cut = LINE;
            while cut > LINE - 4 && bytes[cut] & 0b1100_0000 == 0b1000_0000 {
                cut -= 1;
            }
            self.open[at] = bytes.split_off(cut);
        }
        let text = hide(readable(&bytes));
        if stream == Stream::Stdout {
            self.stdout.extend(text.as_bytes());
            if !over {
                self.stdout.push_back(b'\n');
            }
            let more = self.stdout.len().saturating_sub(FOR_NEXT);
            self.stdout.drain(..more);
        }
        self.keep(stream, text);
        if over && whole {
            self.close(stream, hide, whole);
        }
    }

    fn keep(&mut self, stream: Stream, text: String) {
        let size = text.len() + 1;
        if self.head + size <= HEAD && self.tail.is_empty() {
            self.head += size;
            self.waiting_bytes += size;
            self.waiting.push((stream, text));
            return;
        }
        self.tail_bytes += size;
        self.tail.push_back((stream, text));
        while self.tail_bytes > TAIL {
            let Some((_, gone)) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= gone.len() + 1;
            self.left_out.0 += 1;
            self.left_out.1 += gone.len() as u64 + 1;
        }
    }

    fn take(&mut self) -> Vec<(Stream, String)> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// What is still to be written, and the end of stdout.
    fn finish(mut self, hide: impl Fn(String) -> String) -> (Vec<(Stream, String)>, String) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.open[usize::from(stream == Stream::Stderr)].is_empty() {
                self.close(stream, &hide, true);
            }
        }
        let mut lines = self.take();
        let (left_out, bytes) = self.left_out;
        if left_out > 0 {
            let note = format!(
                "… {left_out} lines ({:.1} MB) were left out here; the beginning and the end are kept …",
                bytes as f64 / 1e6
            );
            lines.push((Stream::Stderr, note));
        }
        lines.extend(self.tail);
        let stdout: Vec<u8> = self.stdout.into();
        let stdout = String::from_utf8_lossy(&stdout);
        (lines, stdout.trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// Text as it is, and what is none as `\xNN`. A carriage return at the end belongs to the line's end.
fn readable(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(stream: Stream, bytes: &[u8]) -> Piece {
        Piece {
            stream,
            bytes: bytes.to_vec().into(),
        }
    }

    fn all(pieces: &[Piece]) -> (Vec<(Stream, String)>, String) {
        let mut kept = Kept::default();
        let mut lines = Vec::new();
        for piece in pieces {
            kept.push(piece, |text| text);
            lines.extend(kept.take());
        }
        let (rest, stdout) = kept.finish(|text| text);
        lines.extend(rest);
        (lines, stdout)
    }

    #[test]
    fn lines_come_whole_whatever_pieces_they_come_in() {
        let pieces = [
            piece(Stream::Stdout, b"one\ntw"),
            piece(Stream::Stderr, b"bad \xff\x00\n"),
            piece(Stream::Stdout, b"o\r\n\nlast"),
        ];
        let (lines, stdout) = all(&pieces);
        let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["one", "bad \\xff\0", "two", "", "last"]);
        assert_eq!(stdout, "one\ntwo\n\nlast");
    }

    #[test]
    fn of_much_output_the_beginning_and_the_end_are_kept() {
        let mut pieces = Vec::new();
        for n in 0..200_000 {
            pieces.push(piece(Stream::Stdout, format!("line {n} of many\n").as_bytes()));
        }
        let (lines, stdout) = all(&pieces);
        assert_eq!(lines[0].1, "line 0 of many");
        assert_eq!(lines.last().unwrap().1, "line 199999 of many");
        assert!(lines.iter().any(|(_, text)| text.contains("were left out here")));
        let size: usize = lines.iter().map(|(_, text)| text.len() + 1).sum();
        assert!(size < HEAD + TAIL + 200, "{size}");
        assert!(stdout.len() <= FOR_NEXT && stdout.ends_with("line 199999 of many"));
        assert!(
            parts(lines)
                .iter()
                .all(|part| part.iter().map(|line| line.1.len()).sum::<usize>() < MUCH + LINE)
        );
    }

    #[test]
    fn an_endless_line_is_cut_between_characters() {
        let (lines, _) = all(&[piece(Stream::Stdout, "ä".repeat(30_000).as_bytes())]);
        assert!(lines.len() > 2 && lines.iter().all(|(_, text)| text.len() <= LINE));
        let joined: String = lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(joined, "ä".repeat(30_000));
    }
}
