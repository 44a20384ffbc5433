//! When a schedule fires, and how often within each cell of a grid.

use super::{Grid, MOST_PER_HOUR, grid::SLOT};
use crate::{
    Timestamp,
    cron::CronExpression,
    next_times::{ClockEffect, OFFSETS_APART, Segment, Zone, clock_changes, interval_next},
};
use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, TimeDelta};
use std::time::Duration;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// 1970-01-01 in days since the year 1, as chrono counts.
const EPOCH: i32 = 719_163;

/// One trigger that has times.
#[derive(Clone, Debug)]
pub enum Timing {
    Cron(Box<CronExpression>),
    Interval { every: Duration, anchor: Timestamp },
    Times(Vec<Timestamp>),
}

/// All times of a schedule.
#[derive(Clone, Debug)]
pub struct Recurrence {
    zone: Zone,
    timings: Vec<Timing>,
}

/// The stretches of constant offset of a zone, for [`Recurrence::count`].
#[derive(Clone, Debug)]
pub struct Stretches(Vec<Segment>);

impl Stretches {
    /// Those that touch the time between.
    pub fn new(zone: &Zone, from: Timestamp, to: Timestamp) -> Self {
        let mut segments = Vec::new();
        let mut at = from.timestamp();
        while let Some(segment) = Segment::at(zone, at).filter(|_| at < to.timestamp()) {
            at = segment.end;
            segments.push(segment);
        }
        Self(segments)
    }

    /// The changes of the clock within: when, and by how many seconds.
    pub fn changes(&self) -> impl Iterator<Item = (Timestamp, i64)> {
        self.0.windows(2).filter_map(|pair| {
            let at = DateTime::from_timestamp(pair[1].start, 0)?;
            Some((at, pair[1].offset - pair[0].offset)).filter(|(_, by)| *by != 0)
        })
    }
}

impl Recurrence {
    pub fn new(zone: Zone, timings: Vec<Timing>) -> Self {
        Self { zone, timings }
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether it has times at all; what events start has none.
    pub fn has_times(&self) -> bool {
        !self.timings.is_empty()
    }

    /// The first time strictly after `after`, in whole microseconds. Triggers that meet fire once.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.timings
            .iter()
            .filter_map(|timing| timing.next_after(&self.zone, after))
            .min()
    }

    /// The most fires within an hour on the clock.
    pub fn most_per_hour(&self) -> u32 {
        self.timings
            .iter()
            .map(Timing::most_per_hour)
            .fold(0, u32::saturating_add)
    }

    /// Whether it fires more often than every 30 minutes, so that it is counted and not enumerated.
    pub fn is_dense(&self) -> bool {
        self.most_per_hour() > MOST_PER_HOUR
    }

    /// Adds the fires in `[from, to)` to the cells of `grid`, and gives their number. What several triggers of a dense
    /// schedule share counts for each of them.
    pub fn count(
        &self,
        stretches: &Stretches,
        from: Timestamp,
        to: Timestamp,
        grid: &Grid,
        cells: &mut [u32],
    ) -> u64 {
        let mut tally = Tally { grid, cells, sum: 0 };
        if self.timings.len() > 1 && !self.is_dense() {
            let mut at = from - TimeDelta::microseconds(1);
            while let Some(next) = self.next_after(at).filter(|next| *next < to) {
                tally.add(next.timestamp(), 1);
                at = next;
            }
            return tally.sum;
        }
        for timing in &self.timings {
            match timing {
                Timing::Cron(expression) => {
                    let window = (ceiling(from), ceiling(to));
                    cron(expression, &self.zone, stretches, window, &mut tally);
                }
                Timing::Interval { every, anchor } => interval(*every, *anchor, from, to, &mut tally),
                Timing::Times(times) => times
                    .iter()
                    .filter(|at| (from..to).contains(*at))
                    .for_each(|at| tally.add(at.timestamp(), 1)),
            }
        }
        tally.sum
    }

    /// What a change of the clock does to the fire at `at`, as a sentence.
    pub fn clock_note(&self, stretches: &Stretches, at: Timestamp) -> Option<String> {
        let near = |change: &(Timestamp, i64)| (change.0 - at).num_seconds().abs() <= DAY;
        let (turn, _) = stretches.changes().find(near)?;
        self.timings.iter().find_map(|timing| {
            let Timing::Cron(expression) = timing else {
                return None;
            };
            let before = turn - TimeDelta::seconds(1);
            let changes = clock_changes(expression, &self.zone, before, TimeDelta::seconds(2));
            let change = changes.into_iter().find(|change| {
                let width = (change.from - change.to).abs();
                match change.effect {
                    ClockEffect::Moved => at == change.at,
                    ClockEffect::Dropped => false,
                    ClockEffect::Once => (change.at - width..change.at).contains(&at),
                    ClockEffect::Twice => (change.at - width..change.at + width).contains(&at),
                }
            })?;
            Some(change.describe())
        })
    }
}

impl Timing {
    fn next_after(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        let next = match self {
            Self::Cron(expression) => expression.next_after(zone, after),
            Self::Interval { every, anchor } => interval_next(*every, *anchor, after),
            Self::Times(times) => times.iter().copied().filter(|at| *at > after).min(),
        }?
        .trunc_subsecs(6);
        (next > after).then_some(next)
    }

    fn most_per_hour(&self) -> u32 {
        match self {
            Self::Cron(expression) => {
                let (_, minutes, seconds) = expression.time_masks();
                minutes.count_ones() * seconds.count_ones()
            }
            Self::Interval { every, .. } => {
                let hour = Duration::from_secs(3600).as_micros();
                u32::try_from(hour.div_ceil(every.as_micros().max(1))).unwrap_or(u32::MAX)
            }
            Self::Times(_) => 0,
        }
    }
}

/// The cells that are counted into.
struct Tally<'a> {
    grid: &'a Grid,
    cells: &'a mut [u32],
    sum: u64,
}

impl Tally<'_> {
    fn add(&mut self, second: i64, count: u32) {
        if let Some(cell) = self.grid.cell(second).and_then(|cell| self.cells.get_mut(cell)) {
            *cell += count;
            self.sum += u64::from(count);
        }
    }
}

/// The first whole second that is not before.
fn ceiling(at: Timestamp) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
}

fn round_up(second: i64, to: i64) -> i64 {
    second.div_euclid(to) * to + if second.rem_euclid(to) == 0 { 0 } else { to }
}

/// Counts the fires in `[from, to)`: by the bits of the expression wherever the wall clock runs evenly.
fn cron(
    expression: &CronExpression,
    zone: &Zone,
    stretches: &Stretches,
    (from, to): (i64, i64),
    tally: &mut Tally<'_>,
) {
    for segment in &stretches.0 {
        let (begin, end) = (from.max(segment.start), to.min(segment.end));
        if begin >= end {
            continue;
        }
        let mut even = round_up(begin, MINUTE);
        if expression.is_fixed() && segment.start > i64::MIN {
            // Shortly after a change, times may have been shown before, or be made up for.
            even = even.max(round_up(segment.start.saturating_add(OFFSETS_APART), MINUTE));
        }
        if segment.offset % SLOT != 0 {
            even = end;
        }
        let even = even.min(end);
        let last = if even < end {
            end.div_euclid(MINUTE) * MINUTE
        } else {
            end
        };
        walk(expression, zone, (begin, even), tally);
        if even < last {
            by_bits(expression, segment.offset, (even, last), tally);
        }
        walk(expression, zone, (last.max(even), end), tally);
    }
}

fn walk(expression: &CronExpression, zone: &Zone, (from, to): (i64, i64), tally: &mut Tally<'_>) {
    let Some(after) = DateTime::from_timestamp(from - 1, 0).filter(|_| from < to) else {
        return;
    };
    expression
        .upcoming(zone, after)
        .map(|at| at.timestamp())
        .take_while(|at| *at < to)
        .for_each(|at| tally.add(at, 1));
}

/// Both ends are whole minutes within a stretch of constant offset, which is a whole number of slots.
fn by_bits(expression: &CronExpression, offset: i64, (from, to): (i64, i64), tally: &mut Tally<'_>) {
    let (hours, minutes, seconds) = expression.time_masks();
    let per_minute = seconds.count_ones();
    let (from, to) = (from + offset, to + offset);
    let (mut month, mut days) = ((0, 0), 0_u32);
    for day in from.div_euclid(DAY)..=(to - 1).div_euclid(DAY) {
        let date = i32::try_from(day)
            .ok()
            .and_then(|day| NaiveDate::from_num_days_from_ce_opt(day + EPOCH));
        let Some(date) = date else { return };
        if month != (date.year(), date.month()) {
            month = (date.year(), date.month());
            days = expression.day_mask(month.0, month.1);
        }
        if days & (1 << date.day()) == 0 {
            continue;
        }
        let mut rest = hours;
        while rest != 0 {
            let hour = day * DAY + i64::from(rest.trailing_zeros()) * HOUR;
            rest &= rest - 1;
            if hour + HOUR <= from || hour >= to {
                continue;
            }
            let mut wanted = minutes;
            if hour < from {
                wanted &= u64::MAX << ((from - hour) / MINUTE);
            }
            if hour + HOUR > to {
                wanted &= (1 << ((to - hour) / MINUTE)) - 1;
            }
            for quarter in 0..4 {
                let fires = ((wanted >> (15 * quarter)) & 0x7fff).count_ones() * per_minute;
                if fires > 0 {
                    tally.add(hour - offset + quarter * SLOT, fires);
                }
            }
        }
    }
}

fn interval(every: Duration, anchor: Timestamp, from: Timestamp, to: Timestamp, tally: &mut Tally<'_>) {
    let (Ok(every), anchor) = (i64::try_from(every.as_micros()), anchor.timestamp_micros()) else {
        return;
    };
    if every == 0 {
        return;
    }
    // How many there are before an instant, the anchor being the first.
    let before = |at: i64| {
        if at <= anchor {
            0
        } else {
            (at - anchor - 1) / every + 1
        }
    };
    let (from, to) = (from.timestamp_micros(), to.timestamp_micros());
    let grid = tally.grid;
    let starts = grid.seconds();
    for (cell, start) in starts.iter().enumerate() {
        let begin = (start * 1_000_000).max(from);
        let end = starts.get(cell + 1).map_or(to, |next| (next * 1_000_000).min(to));
        if begin < end {
            let fires = u32::try_from(before(end) - before(begin)).unwrap_or(u32::MAX);
            tally.cells[cell] += fires;
            tally.sum += u64::from(fires);
        }
    }
}
