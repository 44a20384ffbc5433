//! An expression in plain English, for people who do not read cron.
//!
//! A sentence has two halves: WHICH DAYS (`days`) and WHEN on them (`time`). Times of day go last ("Monday to Friday at
//! 22:00"), rhythms go first ("Every 5 minutes, Monday to Friday").

mod days;
mod time;

use super::CronExpression;
use super::days::bits;

pub(super) const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAY_NAMES: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(super) fn describe(expression: &CronExpression) -> String {
    let days = days::describe(expression);
    let mut sentence = match time::describe(expression, matches!(days, days::Days::Every)) {
        time::Time::At(times) => match days {
            days::Days::Every => format!("every day at {times}"),
            days::Days::Months(months) => format!("every day {months} at {times}"),
            days::Days::Some(days) if days.contains(", and also") || days.contains(", if") => {
                format!("{days}, at {times}")
            }
            days::Days::Some(days) => format!("{days} at {times}"),
        },
        time::Time::Rhythm(rhythm) => match days {
            days::Days::Every => rhythm,
            days::Days::Months(months) => format!("{rhythm}, {months}"),
            days::Days::Some(days) => format!("{rhythm}, {days}"),
        },
    };
    if expression.never_fires() {
        sentence.push_str(": never fires, there is no such date");
    }
    capitalise(sentence)
}

fn capitalise(text: String) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "a", "a and b", "a, b and c" for the conjunction " and ".
fn list<T: AsRef<str>>(parts: &[T], conjunction: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest = rest.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
            format!("{rest}{conjunction}{}", last.as_ref())
        }
    }
}

/// Neighbouring values joined to (first, last); runs of two stay apart, they read better as a list.
fn runs(values: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => runs.push((value, value)),
        }
    }
    runs.into_iter()
        .flat_map(|(first, last)| {
            if last == first + 1 {
                vec![(first, first), (last, last)]
            } else {
                vec![(first, last)]
            }
        })
        .collect()
}

/// Values as names, runs of three and more as "a to c".
fn name_runs(values: &[u32], name: impl Fn(u32) -> String) -> Vec<String> {
    let one = |(first, last)| {
        if first == last {
            name(first)
        } else {
            format!("{} to {}", name(first), name(last))
        }
    };
    runs(values).into_iter().map(one).collect()
}

fn values(mask: u64) -> Vec<u32> {
    bits(mask).collect()
}

/// The common difference of three values or more, if they have one above 1.
fn even_step(values: &[u32]) -> Option<u32> {
    let step = values.get(1)? - values.first()?;
    (values.len() > 2 && step > 1 && values.windows(2).all(|pair| pair[1] - pair[0] == step)).then_some(step)
}

/// 1st, 2nd, 3rd, 11th, 22nd …
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
