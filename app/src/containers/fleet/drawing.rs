//! Which lines of the part that was read are drawn: those in sight and some around them. A row is a few milliseconds of
//! work for a phone, to make and to take away, so both are done over several frames: no key or touch waits for a
//! hundred rows, and what is in sight comes first.

use super::reading::{Part, Reading};
use leptos::prelude::*;
use std::ops::Range;

/// Lines that the server draws of a list: more than most windows show.
const FIRST: u32 = 50;
/// Lines drawn beyond those in sight, above and below.
const AROUND: u32 = 20;
/// Lines that one frame draws, and takes away.
const AT_ONCE: u32 = 6;
const AWAY: u32 = 20;

#[derive(Clone, Copy)]
pub struct Drawing {
    /// Nothing while the page is as the server drew it.
    drawn: RwSignal<Option<(u32, u32)>>,
    /// The lines in sight: the first, and the one after the last.
    seen: StoredValue<(u32, u32)>,
    waiting: StoredValue<bool>,
    reading: Reading,
}

impl Drawing {
    pub fn follow(reading: Reading) -> Self {
        let drawing = Self {
            drawn: RwSignal::new(None),
            seen: StoredValue::new((0, FIRST - AROUND)),
            waiting: StoredValue::new(false),
            reading,
        };
        Effect::new(move |_| {
            let part = reading.with_part(bounds);
            drawing.take(part);
        });
        drawing
    }

    /// The lines of this part that are drawn.
    pub fn lines(&self, part: &Part) -> Range<u32> {
        let part = bounds(part);
        match self.drawn.get() {
            Some(drawn) => shared(&part, drawn),
            None => as_sent(&part),
        }
    }

    /// Says which lines can be seen.
    pub fn in_sight(&self, first: u32, count: u32) {
        let seen = (first, first + count);
        if self.seen.try_get_value().is_some_and(|before| before != seen) {
            self.seen.set_value(seen);
            self.go_on_soon();
        }
    }

    fn take(self, part: Option<Range<u32>>) {
        let drawn = self.drawn.get_untracked();
        let next = match (part, drawn) {
            (None, None) => Some((0, 0)),
            (None, Some(_)) => return,
            (Some(part), None) => {
                let sent = as_sent(&part);
                Some((sent.start, sent.end))
            }
            (Some(part), Some(drawn)) => {
                let kept = shared(&part, drawn);
                Some(if kept.is_empty() {
                    begin(&part, self.seen.get_value().0)
                } else {
                    (kept.start, kept.end)
                })
            }
        };
        self.go_on_soon();
        if next != drawn {
            self.drawn.set(next);
        }
    }

    fn go_on_soon(self) {
        if self.waiting.try_get_value() != Some(false) {
            return;
        }
        self.waiting.set_value(true);
        request_animation_frame(move || {
            if self.waiting.try_set_value(false).is_none() {
                self.go_on();
            }
        });
    }

    fn go_on(self) {
        let part = untrack(|| self.reading.with_part(bounds));
        let (Some(part), Some(Some(drawn))) = (part, self.drawn.try_get_untracked()) else {
            return;
        };
        let next = step(&part, drawn, self.seen.get_value());
        if next != drawn {
            self.drawn.set(Some(next));
            self.go_on_soon();
        }
    }
}

fn bounds(part: &Part) -> Range<u32> {
    part.offset..part.offset + part.page.items.len() as u32
}

fn as_sent(part: &Range<u32>) -> Range<u32> {
    part.start..part.end.min(part.start + FIRST)
}

/// What of a part is drawn already.
fn shared(part: &Range<u32>, (from, to): (u32, u32)) -> Range<u32> {
    let from = from.clamp(part.start, part.end);
    from..to.clamp(from, part.end)
}

/// The first lines of a part of which nothing is drawn: those in sight.
fn begin(part: &Range<u32>, first: u32) -> (u32, u32) {
    let last = part.end.saturating_sub(1).max(part.start);
    let from = first.clamp(part.start, last);
    (from, (from + AT_ONCE).min(part.end))
}

/// What is drawn after one more frame. Lines that nobody sees any more go, those in sight come before those around them.
fn step(part: &Range<u32>, (from, to): (u32, u32), seen: (u32, u32)) -> (u32, u32) {
    let wanted = shared(
        part,
        (seen.0.saturating_sub(AROUND), seen.1.saturating_add(AROUND)),
    );
    if to <= wanted.start || wanted.end <= from {
        // A leap: what was drawn is of no use, and what is wanted may have to be read first.
        return match to.saturating_sub(AWAY) {
            rest if rest > from => (from, rest),
            _ if wanted.is_empty() => (from, from),
            _ => begin(&wanted, seen.0),
        };
    }
    let from = from.max(wanted.start.min(from.saturating_add(AWAY)));
    let to = to.min(wanted.end.max(to.saturating_sub(AWAY)));
    let above = (from.saturating_sub(AT_ONCE).max(wanted.start).min(from), to);
    let below = (from, (to + AT_ONCE).min(wanted.end).max(to));
    if to < seen.1.min(wanted.end) {
        below
    } else if from > seen.0.max(wanted.start) {
        above
    } else if below.1 > to {
        below
    } else {
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes on until nothing changes; gives what is drawn and after how many frames.
    fn settle(part: &Range<u32>, mut drawn: (u32, u32), seen: (u32, u32)) -> ((u32, u32), u32) {
        let mut frames = 0;
        loop {
            let next = step(part, drawn, seen);
            if next == drawn {
                return (drawn, frames);
            }
            let (before, after) = (drawn.0..drawn.1, next.0..next.1);
            let made = after.clone().filter(|line| !before.contains(line)).count();
            let gone = before.filter(|line| !after.contains(line)).count();
            assert!(made <= AT_ONCE as usize, "{made} at once");
            assert!(gone <= 2 * AWAY as usize, "{gone} away at once");
            assert!(part.start <= next.0 && next.1 <= part.end || next.0 == next.1);
            (drawn, frames) = (next, frames + 1);
            assert!(frames < 100, "it ends");
        }
    }

    #[test]
    fn what_is_in_sight_and_around_it_is_drawn() {
        let part = 500..600;
        assert!(shared(&part, (0, 100)).is_empty());
        let begun = begin(&part, 525);
        assert_eq!(begun, (525, 525 + AT_ONCE));
        assert_eq!(settle(&part, begun, (525, 541)).0, (505, 561));
        // At the part's ends there is less.
        assert_eq!(settle(&part, (500, 506), (500, 516)).0, (500, 536));
        assert_eq!(settle(&part, begun, (590, 606)).0, (570, 600));
    }

    #[test]
    fn what_is_in_sight_comes_first() {
        let part = 0..100;
        let mut drawn = begin(&part, 40);
        while drawn.1 < 56 {
            let next = step(&part, drawn, (40, 56));
            assert_eq!(next.0, 40, "nothing above before all below is there");
            drawn = next;
        }
        // Upwards too.
        assert_eq!(step(&part, (40, 76), (30, 46)), (34, 66));
    }

    #[test]
    fn a_step_keeps_what_both_have() {
        assert_eq!(shared(&(25..125), (0, 100)), 25..100);
        assert_eq!(shared(&(0..100), (25, 125)), 25..100);
        let (drawn, frames) = settle(&(25..125), (25, 56), (30, 46));
        assert_eq!((drawn, frames), ((25, 66), 2));
    }

    #[test]
    fn a_leap_takes_away_what_nobody_sees_while_the_rest_is_read() {
        let (drawn, frames) = settle(&(0..100), (0, 56), (5000, 5016));
        assert_eq!((drawn.0 == drawn.1, frames), (true, 3));
        // Within the part there is nothing to wait for.
        assert_eq!(settle(&(0..100), (0, 30), (80, 96)).0, (60, 100));
    }

    #[test]
    fn a_short_or_empty_part_is_drawn_whole() {
        assert_eq!(begin(&(0..3), 0), (0, 3));
        assert_eq!(begin(&(0..0), 7), (0, 0));
        assert_eq!(begin(&(10..12), 40), (11, 12));
        assert_eq!(settle(&(10..12), (11, 12), (10, 12)).0, (10, 12));
        assert_eq!(settle(&(0..0), (0, 0), (0, 30)).0, (0, 0));
        assert_eq!(as_sent(&(0..10)), 0..10);
        assert_eq!(as_sent(&(0..100)), 0..FIRST);
    }
}
