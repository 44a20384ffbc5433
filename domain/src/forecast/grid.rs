//! Time cut into cells.

use crate::{
    Timestamp,
    next_times::{Segment, Zone},
};
use chrono::DateTime;

/// Cells are made of slots of 15 minutes: all offsets from UTC that are in use are whole numbers of them.
pub(super) const SLOT: i64 = 900;
const DAY: i64 = 86_400;

/// How wide a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellWidth {
    /// 15, 30 or 60, in elapsed time.
    Minutes(u32),
    /// From 00:00, 06:00, 12:00 or 18:00 on the wall to the next.
    QuarterDay,
    /// From midnight on the wall to the next.
    Day,
}

impl CellWidth {
    pub const WORDS: &str = "15m, 30m, 1h, 6h and 1d";

    /// Reads `15m`, `30m`, `1h`, `6h` or `1d`.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "15m" => Self::Minutes(15),
            "30m" => Self::Minutes(30),
            "1h" => Self::Minutes(60),
            "6h" => Self::QuarterDay,
            "1d" => Self::Day,
            _ => return None,
        })
    }

    /// What shows a stretch of that many seconds well.
    pub fn for_span(seconds: i64) -> Self {
        match seconds {
            ..=93_600 => Self::Minutes(30),
            93_601..=691_200 => Self::QuarterDay,
            _ => Self::Day,
        }
    }
}

/// A stretch of time, cut into cells.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Unix seconds; the first is the stretch's begin or up to 15 minutes before.
    starts: Vec<i64>,
    cell_of_slot: Vec<u16>,
}

impl Grid {
    /// Cuts the time from `from` to `to` by the wall clock of `zone`.
    pub fn new(zone: &Zone, from: Timestamp, to: Timestamp, width: CellWidth) -> Self {
        let start = from.timestamp().div_euclid(SLOT) * SLOT;
        let end = (to.timestamp() + i64::from(to.timestamp_subsec_nanos() > 0)).max(start + 1);
        let mut starts = vec![start];
        match width {
            CellWidth::Minutes(minutes) => {
                let step = i64::from(minutes.max(15)) * 60;
                starts.extend((1..).map(|n| start + n * step).take_while(|at| *at < end));
            }
            CellWidth::QuarterDay | CellWidth::Day => {
                let step = if width == CellWidth::Day { DAY } else { DAY / 4 };
                let offset = i64::from(zone.offset_seconds(from));
                let first = (start + offset).div_euclid(step) + 1;
                for wall in (first..).map(|n| n * step) {
                    let at = instant(zone, wall).div_euclid(SLOT) * SLOT;
                    if at >= end {
                        break;
                    }
                    if starts.last().is_some_and(|last| at > *last) {
                        starts.push(at);
                    }
                }
            }
        }
        let slots = usize::try_from((end - start + SLOT - 1) / SLOT).unwrap_or_default();
        let mut cell = 0_usize;
        let cell_of_slot = (0..slots)
            .map(|slot| {
                let at = start + slot as i64 * SLOT;
                while starts.get(cell + 1).is_some_and(|next| *next <= at) {
                    cell += 1;
                }
                u16::try_from(cell).unwrap_or(u16::MAX)
            })
            .collect();
        Self { starts, cell_of_slot }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The begin of each cell.
    pub fn starts(&self) -> Vec<Timestamp> {
        self.seconds()
            .iter()
            .filter_map(|at| DateTime::from_timestamp(*at, 0))
            .collect()
    }

    pub(super) fn seconds(&self) -> &[i64] {
        &self.starts
    }

    /// The cell of an instant; none outside.
    pub fn cell(&self, second: i64) -> Option<usize> {
        let slot = (second - self.starts.first()?).div_euclid(SLOT);
        let cell = self.cell_of_slot.get(usize::try_from(slot).ok()?)?;
        Some(usize::from(*cell))
    }
}

/// The instant at which the wall shows that time, or goes past it.
fn instant(zone: &Zone, wall: i64) -> i64 {
    let Some(near) = Segment::at(zone, wall) else {
        return wall;
    };
    match Segment::at(zone, wall - near.offset) {
        Some(segment) => (wall - segment.offset).clamp(segment.start, segment.end),
        None => wall - near.offset,
    }
}
