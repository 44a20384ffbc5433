//! Cron a second time, as slowly and plainly as possible: one rule per way of writing, tried for one moment at a time.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Star,
    StarStep(u32),
    One(u32),
    From(u32, u32),
    Range(u32, u32),
    RangeStep(u32, u32, u32),
    Last,
    LastMinus(u32),
    LastWorkday,
    Nearest(u32),
    LastOf(u32),
    Nth(u32, u32),
}

#[derive(Debug, Clone)]
pub(crate) struct Naive {
    pub seconds: Option<Vec<Item>>,
    pub minutes: Vec<Item>,
    pub hours: Vec<Item>,
    pub days: Vec<Item>,
    pub months: Vec<Item>,
    pub weekdays: Vec<Item>,
}

impl Item {
    fn text(&self) -> String {
        match self {
            Self::Star => "*".to_owned(),
            Self::StarStep(step) => format!("*/{step}"),
            Self::One(value) => value.to_string(),
            Self::From(value, step) => format!("{value}/{step}"),
            Self::Range(from, to) => format!("{from}-{to}"),
            Self::RangeStep(from, to, step) => format!("{from}-{to}/{step}"),
            Self::Last => "L".to_owned(),
            Self::LastMinus(days) => format!("L-{days}"),
            Self::LastWorkday => "LW".to_owned(),
            Self::Nearest(day) => format!("{day}W"),
            Self::LastOf(weekday) => format!("{weekday}L"),
            Self::Nth(weekday, nth) => format!("{weekday}#{nth}"),
        }
    }

    /// For a value in a field that runs from `low` to `high`.
    fn holds(&self, value: u32, low: u32, high: u32) -> bool {
        match *self {
            Self::Star => true,
            Self::StarStep(step) => (value - low).is_multiple_of(step),
            Self::One(one) => value == one,
            Self::From(from, step) => value >= from && (value - from).is_multiple_of(step),
            Self::Range(from, to) => Self::RangeStep(from, to, 1).holds(value, low, high),
            Self::RangeStep(from, to, step) => {
                let mut now = from;
                for count in 0.. {
                    if now == value && count % step == 0 {
                        return true;
                    }
                    if now == to {
                        return false;
                    }
                    now = if now == high { low } else { now + 1 };
                }
                false
            }
            _ => false,
        }
    }

    fn holds_day(&self, date: NaiveDate) -> bool {
        let last = last_of_month(date);
        match *self {
            Self::Last => date == last,
            Self::LastMinus(days) => date + TimeDelta::days(days.into()) == last,
            Self::LastWorkday => date == nearest_workday(last),
            Self::Nearest(day) => date.with_day(day).is_some_and(|day| date == nearest_workday(day)),
            _ => self.holds(date.day(), 1, 31),
        }
    }

    fn holds_weekday(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        match *self {
            Self::LastOf(wanted) => weekday == wanted && (date + TimeDelta::days(7)).month() != date.month(),
            Self::Nth(wanted, nth) => weekday == wanted && (date.day() - 1) / 7 + 1 == nth,
            _ => self.holds(weekday, 0, 6),
        }
    }
}

fn last_of_month(date: NaiveDate) -> NaiveDate {
    (28..=31)
        .rev()
        .find_map(|day| date.with_day(day))
        .expect("every month has 28 days")
}

fn nearest_workday(day: NaiveDate) -> NaiveDate {
    [0, -1, 1, -2, 2]
        .into_iter()
        .map(|days| day + TimeDelta::days(days))
        .find(|near| near.month() == day.month() && near.weekday().num_days_from_monday() < 5)
        .expect("a workday within two days")
}

impl Naive {
    pub fn text(&self) -> String {
        let fields = [
            &self.minutes,
            &self.hours,
            &self.days,
            &self.months,
            &self.weekdays,
        ];
        let field = |items: &Vec<Item>| items.iter().map(Item::text).collect::<Vec<_>>().join(",");
        self.seconds
            .iter()
            .chain(fields)
            .map(field)
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub fn holds(&self, now: NaiveDateTime) -> bool {
        let date = now.date();
        let any = |items: &[Item], value, low, high| items.iter().any(|item| item.holds(value, low, high));
        let day = self.days.iter().any(|item| item.holds_day(date));
        let weekday = self.weekdays.iter().any(|item| item.holds_weekday(date));
        let day_fits = if starred(&self.days) || starred(&self.weekdays) {
            day && weekday
        } else {
            day || weekday
        };
        self.seconds
            .as_ref()
            .map_or(now.second() == 0, |seconds| any(seconds, now.second(), 0, 59))
            && any(&self.minutes, now.minute(), 0, 59)
            && any(&self.hours, now.hour(), 0, 23)
            && any(&self.months, now.month(), 1, 12)
            && day_fits
    }

    pub fn is_fixed(&self) -> bool {
        !starred(&self.hours) && !starred(&self.minutes)
    }
}

fn starred(items: &[Item]) -> bool {
    matches!(items.first(), Some(Item::Star | Item::StarStep(_)))
}

fn field(low: u32, high: u32, star: u32, extra: BoxedStrategy<Item>) -> impl Strategy<Value = Vec<Item>> {
    let value = move || low..=high;
    let step = move || 1..=(high - low + 1);
    let item = prop_oneof![
        4 => value().prop_map(Item::One),
        1 => step().prop_map(Item::StarStep),
        1 => (value(), step()).prop_map(|(from, step)| Item::From(from, step)),
        2 => (value(), value()).prop_map(|(from, to)| Item::Range(from, to)),
        1 => (value(), value(), step()).prop_map(|(from, to, step)| Item::RangeStep(from, to, step)),
        1 => extra,
    ];
    prop_oneof![star => Just(vec![Item::Star]), 5 => prop::collection::vec(item, 1..4)]
}

fn day_field(star: u32) -> impl Strategy<Value = Vec<Item>> {
    let special = prop_oneof![
        Just(Item::Last),
        (1..=30_u32).prop_map(Item::LastMinus),
        Just(Item::LastWorkday),
        (1..=31_u32).prop_map(Item::Nearest),
    ];
    field(1, 31, star, special.boxed())
}

fn weekday_field(star: u32) -> impl Strategy<Value = Vec<Item>> {
    let special = prop_oneof![
        (0..=6_u32).prop_map(Item::LastOf),
        (0..=6_u32, 1..=5_u32).prop_map(|(day, nth)| Item::Nth(day, nth))
    ];
    field(0, 6, star, special.boxed())
}

fn plain(low: u32, high: u32, star: u32) -> impl Strategy<Value = Vec<Item>> {
    field(low, high, star, (low..=high).prop_map(Item::One).boxed())
}

/// Any expression; with seconds it has six fields.
pub(crate) fn expression(seconds: bool) -> impl Strategy<Value = Naive> {
    let second = if seconds {
        plain(0, 59, 2).prop_map(Some).boxed()
    } else {
        Just(None).boxed()
    };
    (
        second,
        plain(0, 59, 3),
        plain(0, 23, 3),
        day_field(6),
        plain(1, 12, 12),
        weekday_field(6),
    )
        .prop_map(|(seconds, minutes, hours, days, months, weekdays)| Naive {
            seconds,
            minutes,
            hours,
            days,
            months,
            weekdays,
        })
}

/// Expressions that fire often in the small hours, where clocks change.
pub(crate) fn at_night(seconds: bool) -> impl Strategy<Value = Naive> {
    let second = if seconds {
        plain(0, 59, 1).prop_map(Some).boxed()
    } else {
        Just(None).boxed()
    };
    let hours =
        prop_oneof![3 => prop::collection::vec((0..5_u32).prop_map(Item::One), 1..4), 3 => plain(0, 23, 4)];
    (second, plain(0, 59, 2), hours, day_field(25), weekday_field(25)).prop_map(
        |(seconds, minutes, hours, days, weekdays)| Naive {
            seconds,
            minutes,
            hours,
            days,
            months: vec![Item::Star],
            weekdays,
        },
    )
}
