//! Which lines of the part that was read are drawn. A row is a few milliseconds of work for a phone, so a leap through the
//! list draws what is in sight first and the rest over the next frames: no key or touch waits for a hundred rows.

use super::reading::{Part, Reading};
use leptos::prelude::*;
use std::ops::Range;

/// Lines drawn in one frame.
const AT_ONCE: u32 = 6;

#[derive(Clone, Copy)]
pub struct Drawing {
    /// Nothing while the page is as the server drew it: then it is the whole part.
    drawn: RwSignal<Option<(u32, u32)>>,
    /// The first line in sight.
    first: StoredValue<u32>,
    waiting: StoredValue<bool>,
    reading: Reading,
}

impl Drawing {
    pub fn follow(reading: Reading) -> Self {
        let drawing = Self {
            drawn: RwSignal::new(None),
            first: StoredValue::new(0),
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
            None => part,
        }
    }

    pub fn in_sight(&self, first: u32) {
        let _ = self.first.try_set_value(first);
    }

    fn take(self, part: Option<Range<u32>>) {
        let drawn = self.drawn.get_untracked();
        let next = match (part, drawn) {
            (None, None) => Some((0, 0)),
            (None, Some(_)) => return,
            (Some(part), None) => Some((part.start, part.end)),
            (Some(part), Some(drawn)) => {
                let kept = shared(&part, drawn);
                self.grow_soon();
                Some(if kept.is_empty() {
                    begin(&part, self.first.get_value())
                } else {
                    (kept.start, kept.end)
                })
            }
        };
        if next != drawn {
            self.drawn.set(next);
        }
    }

    fn grow_soon(self) {
        if self.waiting.try_get_value() != Some(false) {
            return;
        }
        self.waiting.set_value(true);
        request_animation_frame(move || {
            if self.waiting.try_set_value(false).is_none() {
                self.grow();
            }
        });
    }

    fn grow(self) {
        let part = untrack(|| self.reading.with_part(bounds));
        let (Some(part), Some(Some(drawn))) = (part, self.drawn.try_get_untracked()) else {
            return;
        };
        let next = grown(&part, drawn);
        if next != drawn {
            self.drawn.set(Some(next));
            self.grow_soon();
        }
    }
}

fn bounds(part: &Part) -> Range<u32> {
    part.offset..part.offset + part.page.items.len() as u32
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

/// A frame's lines more: downwards as far as the part goes, then upwards.
fn grown(part: &Range<u32>, (from, to): (u32, u32)) -> (u32, u32) {
    if to < part.end {
        (from, (to + AT_ONCE).min(part.end))
    } else {
        (from.saturating_sub(AT_ONCE).max(part.start), to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grows until nothing changes; gives what is drawn and after how many frames.
    fn grow_all(part: &Range<u32>, mut drawn: (u32, u32)) -> ((u32, u32), u32) {
        let mut frames = 0;
        loop {
            let next = grown(part, drawn);
            if next == drawn {
                return (drawn, frames);
            }
            assert!((next.1 - next.0) - (drawn.1 - drawn.0) <= AT_ONCE);
            (drawn, frames) = (next, frames + 1);
        }
    }

    #[test]
    fn a_leap_draws_what_is_in_sight_first() {
        let part = 500..600;
        assert!(shared(&part, (0, 100)).is_empty());
        let begun = begin(&part, 525);
        assert_eq!(begun, (525, 525 + AT_ONCE));
        let (drawn, frames) = grow_all(&part, begun);
        assert_eq!(drawn, (500, 600));
        assert!(frames <= 100 / AT_ONCE + 2);
    }

    #[test]
    fn a_step_keeps_what_both_parts_have() {
        assert_eq!(shared(&(25..125), (0, 100)), 25..100);
        assert_eq!(shared(&(0..100), (25, 125)), 25..100);
        assert_eq!(grow_all(&(25..125), (25, 100)).0, (25, 125));
    }

    #[test]
    fn a_short_or_empty_part_is_drawn_whole() {
        assert_eq!(begin(&(0..3), 0), (0, 3));
        assert_eq!(begin(&(0..0), 7), (0, 0));
        assert_eq!(begin(&(10..12), 40), (11, 12));
        assert_eq!(grow_all(&(10..12), (11, 12)).0, (10, 12));
    }
}
