//! When on a day: "at 03:00 and 15:00", "every 5 minutes from 09:00 to 17:55".

use super::super::CronExpression;
use super::super::Values;
use super::{even_step, list, name_runs, values};

/// More times of day than this are told as a rhythm or by their fields.
const MOST_TIMES: usize = 6;

pub(super) enum Time {
    /// Times of day, to follow "at".
    At(String),
    Rhythm(String),
}

/// `daily`: it fires on every day, so that a stretch of hours may run over midnight.
pub(super) fn describe(expression: &CronExpression, daily: bool) -> Time {
    let seconds = Field::new(
        expression.seconds.unwrap_or(Values {
            mask: 1,
            ..Values::default()
        }),
        60,
    );
    let minutes = Field::new(expression.minutes, 60);
    let hours = Field {
        daily,
        ..Field::new(expression.hours, 24)
    };
    let count = seconds.values.len() * minutes.values.len() * hours.values.len();
    // Three hours or fewer are listed even where they are evenly spaced, unless a step asked for the rhythm.
    let rhythmic = (hours.values.len() > 3 && (hours.step().is_some() || hours.is_run()))
        || (hours.written.star && hours.step().is_some() && hours.values.len() > 1)
        || (minutes.step().is_some() && (minutes.written.stepped || minutes.values.len() > 4))
        || (seconds.step().is_some() && (seconds.written.stepped || seconds.values.len() > 4));
    if count <= MOST_TIMES && !rhythmic {
        return Time::At(times(&seconds, &minutes, &hours));
    }
    Time::Rhythm(if seconds.values == [0] {
        minute_rhythm(&minutes, &hours)
    } else {
        second_rhythm(&seconds, &minutes, &hours)
    })
}

struct Field {
    written: Values,
    values: Vec<u32>,
    size: u32,
    daily: bool,
}

impl Field {
    fn new(written: Values, size: u32) -> Self {
        Self {
            written,
            values: values(written.mask),
            size,
            daily: false,
        }
    }

    fn first(&self) -> u32 {
        self.values.first().copied().unwrap_or(0)
    }

    fn last(&self) -> u32 {
        self.values.last().copied().unwrap_or(0)
    }

    fn is_all(&self) -> bool {
        self.values.len() as u32 == self.size
    }

    /// Neighbouring values without a hole.
    fn is_run(&self) -> bool {
        self.values.len() > 1 && self.last() - self.first() + 1 == self.values.len() as u32
    }

    /// The common distance of the values, when they have one above 1; two values count when they halve the field.
    fn step(&self) -> Option<u32> {
        let halves = self.values.len() == 2 && self.last() - self.first() == self.size / 2;
        if halves {
            Some(self.size / 2)
        } else {
            even_step(&self.values)
        }
    }

    /// The step, when it runs on over the end of the field: minutes 5, 20, 35, 50, but not 0, 7 … 56.
    fn endless_step(&self) -> Option<u32> {
        if self.is_all() {
            return Some(1);
        }
        let step = self.step()?;
        (self.first() + self.size == self.last() + step).then_some(step)
    }
}

fn times(seconds: &Field, minutes: &Field, hours: &Field) -> String {
    let mut all = Vec::new();
    for &hour in &hours.values {
        for &minute in &minutes.values {
            all.extend(
                seconds
                    .values
                    .iter()
                    .map(|&second| clock(hour, minute, (seconds.values != [0]).then_some(second))),
            );
        }
    }
    list(&all, " and ")
}

fn clock(hour: u32, minute: u32, second: Option<u32>) -> String {
    match second {
        Some(second) => format!("{hour:02}:{minute:02}:{second:02}"),
        None => format!("{hour:02}:{minute:02}"),
    }
}

fn every(count: u32, unit: &str) -> String {
    if count == 1 {
        format!("every {unit}")
    } else {
        format!("every {count} {unit}s")
    }
}

/// The pattern repeats on full minutes.
fn minute_rhythm(minutes: &Field, hours: &Field) -> String {
    let (first, last) = (minutes.first(), minutes.last());
    if let [minute] = minutes.values[..] {
        return one_minute(minute, hours);
    }
    if let Some(step) = minutes.endless_step() {
        let every = every(step, "minute");
        if hours.is_all() {
            return if first == 0 {
                every
            } else {
                format!("{every} from minute {first} of every hour")
            };
        }
        if let Some(windows) = windows(hours, |from, to| {
            (clock(from, first, None), clock(to, last, None))
        }) {
            return format!("{every} {windows}");
        }
        return format!("{every}{} {}", from_minute(first), in_hours(hours));
    }
    let which = if let (Some(step), true) = (minutes.step(), minutes.values.len() > 3) {
        format!("{} from minute {first} to {last}", every(step, "minute"))
    } else if minutes.is_run() && minutes.values.len() > 2 {
        format!("every minute from minute {first} to {last}")
    } else {
        format!(
            "at minutes {}",
            list(&name_runs(&minutes.values, |minute| minute.to_string()), " and ")
        )
    };
    format!("{which} {}", of_hours(hours))
}

fn from_minute(first: u32) -> String {
    if first == 0 {
        String::new()
    } else {
        format!(" from minute {first}")
    }
}

/// One minute of several hours.
fn one_minute(minute: u32, hours: &Field) -> String {
    if hours.is_all() {
        return if minute == 0 {
            "every hour".to_owned()
        } else {
            format!("every hour at minute {minute}")
        };
    }
    let (first, last) = (
        clock(hours.first(), minute, None),
        clock(hours.last(), minute, None),
    );
    if let Some(step) = hours.endless_step() {
        let from = if hours.first() == 0 && minute == 0 {
            String::new()
        } else {
            format!(" from {first}")
        };
        return format!("{}{from}", every(step, "hour"));
    }
    if let Some(step) = hours.step() {
        return format!("{} from {first} to {last}", every(step, "hour"));
    }
    if let Some(windows) = windows(hours, |from, to| {
        (clock(from, minute, None), clock(to, minute, None))
    }) {
        return format!("every hour {windows}");
    }
    let times: Vec<String> = hours
        .values
        .iter()
        .map(|&hour| clock(hour, minute, None))
        .collect();
    format!("at {}", list(&times, " and "))
}

/// "from 09:00 to 17:55", or two such windows; none when the hours are more scattered than that.
fn windows(hours: &Field, ends: impl Fn(u32, u32) -> (String, String)) -> Option<String> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &hour in &hours.values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == hour => *last = hour,
            _ => runs.push((hour, hour)),
        }
    }
    // 22-2 is one window over midnight.
    if let ([(0, to), .., (from, 23)], true) = (&runs[..], hours.daily) {
        let over = (*from, *to);
        runs.pop();
        runs.remove(0);
        runs.push(over);
    }
    if runs.len() > 2 {
        return None;
    }
    let windows: Vec<String> = runs
        .into_iter()
        .map(|(from, to)| ends(from, to))
        .map(|(from, to)| {
            if from == to {
                format!("at {from}")
            } else {
                format!("from {from} to {to}")
            }
        })
        .collect();
    Some(list(&windows, " and "))
}

fn hour_names(hours: &Field) -> String {
    list(&name_runs(&hours.values, |hour| format!("{hour:02}")), " and ")
}

/// After a rhythm: "in hour 05", "in every 2nd hour from 00 to 22", "in the hours 01, 05 and 09 to 17".
fn in_hours(hours: &Field) -> String {
    format!("in {}", which_hours(hours))
}

fn which_hours(hours: &Field) -> String {
    match (hours.step(), hours.values.len()) {
        (_, 1) => format!("hour {}", hour_names(hours)),
        (Some(step), 4..) => {
            format!(
                "every {} hour from {:02} to {:02}",
                super::ordinal(step),
                hours.first(),
                hours.last()
            )
        }
        _ => format!("the hours {}", hour_names(hours)),
    }
}

fn of_hours(hours: &Field) -> String {
    match hours.values.len() {
        24 => "of every hour".to_owned(),
        _ => format!("of {}", which_hours(hours)),
    }
}

/// Seconds matter: they are told first, the minutes they belong to after them.
fn second_rhythm(seconds: &Field, minutes: &Field, hours: &Field) -> String {
    let (first, last) = (seconds.first(), seconds.last());
    let endless = seconds.endless_step();
    let which = match (endless, seconds.step()) {
        (Some(step), _) if first == 0 => every(step, "second"),
        (Some(step), _) => format!("{} from second {first} of the minute", every(step, "second")),
        (None, Some(step)) => format!(
            "{} from second {first} to {last} of the minute",
            every(step, "second")
        ),
        (None, None) => {
            let noun = if seconds.values.len() == 1 {
                "second"
            } else {
                "seconds"
            };
            format!(
                "at {noun} {} of the minute",
                list(&name_runs(&seconds.values, |second| second.to_string()), " and ")
            )
        }
    };
    if minutes.is_all() && hours.is_all() {
        return match (&seconds.values[..], endless) {
            ([second], _) => format!("every minute at second {second}"),
            _ => which,
        };
    }
    // An unbroken stretch of minutes has a first and a last second.
    if minutes.is_all() || (minutes.values.len() == 1 && hours.values.len() == 1) {
        let ends = |from, to| {
            (
                clock(from, minutes.first(), Some(first)),
                clock(to, minutes.last(), Some(last)),
            )
        };
        if let (Some(windows), Some(step)) = (windows(hours, ends), endless) {
            return format!("{} {windows}", every(step, "second"));
        }
    }
    if minutes.is_all() {
        return format!("{which}, {}", in_hours(hours));
    }
    let noun = if minutes.values.len() == 1 {
        "minute"
    } else {
        "minutes"
    };
    let minute_names = match minutes.step() {
        Some(step) if minutes.values.len() > 4 => {
            let step = super::ordinal(step);
            return format!(
                "{which}, in every {step} minute from {} to {} {}",
                minutes.first(),
                minutes.last(),
                of_hours(hours)
            );
        }
        _ => list(&name_runs(&minutes.values, |minute| minute.to_string()), " and "),
    };
    format!("{which}, in {noun} {minute_names} {}", of_hours(hours))
}
