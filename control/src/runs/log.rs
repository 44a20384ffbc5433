//! The log of a run: lines in chunks, compressed where it pays.

use crate::{
    Control,
    error::{Error, Result},
    pages::ListQuery,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::RunId,
    pages::Page,
    runs::LogLine,
};

/// A chunk's first byte: how the rest is written.
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Below this many bytes compression costs more than it saves.
const WORTHWHILE: usize = 400;
/// The largest chunk that is unpacked, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// Lines on their way into the table: one JSON object per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub bytes: Vec<u8>,
    /// Before compression.
    pub size: i32,
    pub lines: i32,
}

impl Chunk {
    pub fn pack(lines: &[LogLine]) -> Result<Option<Self>> {
        if lines.is_empty() {
            return Ok(None);
        }
        let mut text = Vec::with_capacity(lines.len() * 160);
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(|source| Error::Stored {
                what: "a log line",
                source,
            })?;
            text.push(b'\n');
        }
        let size = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let mut bytes = vec![PLAIN];
        if text.len() < WORTHWHILE {
            bytes.append(&mut text);
        } else {
            bytes[0] = ZSTD;
            let packed =
                zstd::bulk::compress(&text, 3).map_err(|error| Error::Internal(error.to_string()))?;
            bytes.extend_from_slice(&packed);
        }
        Ok(Some(Self {
            bytes,
            size,
            lines: i32::try_from(lines.len()).unwrap_or(i32::MAX),
        }))
    }
}

fn unpack(bytes: &[u8]) -> Result<Vec<LogLine>> {
    let broken = |what: &str| Error::Internal(format!("a chunk of a log is broken: {what}"));
    let text = match bytes.split_first() {
        Some((&PLAIN, rest)) => rest.to_vec(),
        Some((&ZSTD, rest)) => {
            zstd::bulk::decompress(rest, LARGEST).map_err(|error| broken(&error.to_string()))?
        }
        _ => return Err(broken("it is written in an unknown way")),
    };
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line).map_err(|source| Error::Stored {
                what: "a log line",
                source,
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct ChunkRow {
    #[diesel(sql_type = Binary)]
    chunk: Vec<u8>,
    /// Lines in the chunks before this one.
    #[diesel(sql_type = BigInt)]
    before: i64,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// The run's log, oldest line first. The cursor is the number of lines before.
///
/// # Errors
/// 403; 404; 400 `cursor_invalid`.
pub async fn log(control: &Control, actor: &Actor, id: RunId, page: ListQuery) -> Result<Page<LogLine>> {
    actor.require(Permission::RunsRead)?;
    let limit = page.limit();
    let from: i64 = match &page.cursor {
        None => 0,
        Some(text) => text.parse::<u32>().map_err(|_| bad_cursor())?.into(),
    };
    let mut conn = control.db().conn().await?;
    let total: Total = diesel::sql_query(
        "select (select coalesce(sum(lines), 0) from run_logs where run_id = $2)::bigint as total, \
         (select count(*) from runs where org_id = $1 and id = $2) as found",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(id.0)
    .get_result(&mut conn)
    .await?;
    if total.found == 0 {
        return Err(Problem::not_found("run").into());
    }
    let chunks: Vec<ChunkRow> = diesel::sql_query(
        "select chunk, before from (\
           select chunk, lines, attempt, seq, \
             coalesce(sum(lines) over (order by attempt, seq rows between unbounded preceding and 1 preceding), 0)::bigint \
               as before \
           from run_logs where run_id = $1) as counted \
         where before + lines > $2 and before < $3 order by attempt, seq",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(from + limit)
    .load(&mut conn)
    .await?;
    let mut items = Vec::new();
    for chunk in chunks {
        for (index, line) in unpack(&chunk.chunk)?.into_iter().enumerate() {
            let place = chunk.before + index as i64;
            if place >= from && place < from + limit {
                items.push(line);
            }
        }
    }
    let read = from + items.len() as i64;
    Ok(Page {
        total: total.total.try_into().unwrap_or_default(),
        next: (read < total.total && !items.is_empty()).then(|| read.to_string()),
        items,
    })
}

fn bad_cursor() -> Problem {
    Problem::new(
        ErrorClass::BadRequest,
        "cursor_invalid",
        "The cursor is not one that this log gave out. Start again without it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_from_both_kinds_of_chunk() {
        let line = |text: &str| LogLine {
            at: chrono::DateTime::UNIX_EPOCH,
            step: Some(0),
            target: Some("web".to_owned()),
            level: "info".to_owned(),
            text: text.to_owned(),
        };
        let few = vec![line("short \n and \u{0} odd")];
        let many: Vec<_> = (0..200).map(|n| line(&format!("line {n}"))).collect();
        for (lines, kind) in [(few, PLAIN), (many, ZSTD)] {
            let chunk = Chunk::pack(&lines).unwrap().unwrap();
            assert_eq!(chunk.bytes[0], kind);
            assert_eq!(unpack(&chunk.bytes).unwrap(), lines);
        }
        assert_eq!(Chunk::pack(&[]).unwrap(), None);
        assert!(unpack(&[9, 9]).is_err());
    }
}
