//! Text to expression. Every mistake knows its place in the text.

mod values;

use super::days::{MonthDays, Weekdays};
use super::{CronError, CronErrorKind as Kind, CronExpression, CronField, MAX_LENGTH, Values};
use values::{number, plain};

/// A piece of the text and where it begins.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
    field: Option<CronField>,
}

impl<'a> Piece<'a> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn error(&self, kind: Kind, message: impl Into<String>) -> CronError {
        CronError {
            kind,
            field: self.field,
            start: self.start,
            end: self.end(),
            message: message.into(),
        }
    }

    fn of(self, field: CronField) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }

    fn split(self, at: char) -> impl Iterator<Item = Piece<'a>> {
        let mut start = self.start;
        self.text.split(at).map(move |text| {
            let piece = Piece {
                text,
                start,
                field: self.field,
            };
            start += text.len() + at.len_utf8();
            piece
        })
    }

    fn split_once(self, at: char) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, right) = self.text.split_once(at)?;
        let start = self.start + left.len() + at.len_utf8();
        Some((
            Piece { text: left, ..self },
            Piece {
                text: right,
                start,
                ..self
            },
        ))
    }
}

pub(super) fn expression(text: &str) -> Result<CronExpression, CronError> {
    let whole = Piece {
        text,
        start: 0,
        field: None,
    };
    if text.len() > MAX_LENGTH {
        let message =
            format!("The expression is longer than {MAX_LENGTH} characters. Split it into several triggers.");
        return Err(whole.error(Kind::TooLong, message));
    }
    let pieces = words(text);
    let tidy = pieces
        .iter()
        .map(|piece| piece.text)
        .collect::<Vec<_>>()
        .join(" ");
    if let Some(first) = pieces.first().filter(|piece| piece.text.starts_with('@')) {
        let mut parsed = expression(alias(*first, pieces.get(1))?)?;
        parsed.text = tidy;
        return Ok(parsed);
    }
    let (second, rest) = match pieces.len() {
        0 => {
            return Err(whole.error(
                Kind::Empty,
                "There is no expression. Write five fields: minute, hour, day of the month, month, weekday; \
                 for example 0 3 * * * for every day at 03:00.",
            ));
        }
        5 => (None, &pieces[..]),
        6 => (Some(pieces[0]), &pieces[1..]),
        7 => {
            return Err(pieces[6].error(
                Kind::FieldCount,
                "The expression has 7 fields, but years are not supported. Write five fields (minute, hour, day of the \
                 month, month, weekday), or six with the seconds first.",
            ));
        }
        count => {
            let noun = if count == 1 { "field" } else { "fields" };
            let message = format!(
                "The expression has {count} {noun}. Write five: minute, hour, day of the month, month, weekday; or six \
                 with the seconds first."
            );
            return Err(whole.error(Kind::FieldCount, message));
        }
    };
    Ok(CronExpression {
        seconds: second
            .map(|piece| values(piece.of(CronField::Second)))
            .transpose()?,
        minutes: values(rest[0].of(CronField::Minute))?,
        hours: values(rest[1].of(CronField::Hour))?,
        days: month_days(rest[2].of(CronField::DayOfMonth))?,
        months: values(rest[3].of(CronField::Month))?,
        weekdays: weekdays(rest[4].of(CronField::Weekday))?,
        text: tidy,
    })
}

fn words(text: &str) -> Vec<Piece<'_>> {
    let base = text.as_ptr() as usize;
    text.split_whitespace()
        .map(|word| Piece {
            text: word,
            start: word.as_ptr() as usize - base,
            field: None,
        })
        .collect()
}

fn alias(name: Piece<'_>, second: Option<&Piece<'_>>) -> Result<&'static str, CronError> {
    const KNOWN: &str = "@hourly, @daily, @weekly, @monthly or @yearly";
    let text = match name.text.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        "@every" => {
            return Err(name.error(
                Kind::UnknownAlias,
                "@every is no cron expression here. Use an interval trigger, such as every 5m.",
            ));
        }
        "@reboot" => {
            return Err(name.error(
                Kind::UnknownAlias,
                format!("@reboot is no time, so a schedule cannot follow it. Write {KNOWN}, or five fields."),
            ));
        }
        _ => {
            let message = format!("{} is not known. Write {KNOWN}, or five fields.", name.text);
            return Err(name.error(Kind::UnknownAlias, message));
        }
    };
    match second {
        Some(extra) => Err(extra.error(
            Kind::FieldCount,
            format!(
                "{} is an expression of its own. Remove what follows it.",
                name.text
            ),
        )),
        None => Ok(text),
    }
}

fn values(piece: Piece<'_>) -> Result<Values, CronError> {
    let mut values = Values {
        star: piece.text.starts_with('*'),
        stepped: piece.text.contains('/') && !piece.text.contains(','),
        ..Values::default()
    };
    for item in items(piece) {
        values.mask |= plain(item?)?;
    }
    Ok(values)
}

fn month_days(piece: Piece<'_>) -> Result<MonthDays, CronError> {
    let mut days = MonthDays {
        star: starts_open(piece.text),
        stepped: piece.text.contains('/') && !piece.text.contains(','),
        ..MonthDays::default()
    };
    for item in items(piece) {
        let item = item?;
        let upper = item.text.to_ascii_uppercase();
        if upper == "L" {
            days.before_last |= 1;
        } else if upper == "LW" || upper == "WL" {
            days.last_weekday = true;
        } else if let Some(before) = upper.strip_prefix("L-") {
            let before = before
                .parse::<u32>()
                .ok()
                .filter(|before| (1..=30).contains(before));
            days.before_last |= 1 << before.ok_or_else(|| {
                item.error(
                    Kind::OutOfRange,
                    "After L- a number from 1 to 30 is expected, as in L-3 for the day three days before the last.",
                )
            })?;
        } else if let Some(day) = upper.strip_suffix('W') {
            let day = day.parse::<u32>().ok().filter(|day| (1..=31).contains(day));
            days.nearest |= 1
                << day.ok_or_else(|| {
                    item.error(
                    Kind::Misplaced,
                    "Before W one day from 1 to 31 is expected, as in 15W for the weekday nearest the 15th.",
                )
                })?;
        } else {
            days.mask |= plain(item)? as u32;
        }
    }
    Ok(days)
}

fn weekdays(piece: Piece<'_>) -> Result<Weekdays, CronError> {
    let mut weekdays = Weekdays {
        star: starts_open(piece.text),
        ..Weekdays::default()
    };
    for item in items(piece) {
        let item = item?;
        if let Some((day, nth)) = item.split_once('#') {
            let day = number(day, item)? % 7;
            let nth = nth
                .text
                .parse::<usize>()
                .ok()
                .filter(|nth| (1..=5).contains(nth))
                .ok_or_else(|| {
                    nth.error(
                    Kind::OutOfRange,
                    "After # a number from 1 to 5 is expected, as in 1#2 for the second Monday of the month.",
                )
                })?;
            weekdays.nth[nth - 1] |= 1 << day;
        } else if let Some(day) = last_of(item) {
            weekdays.last |= 1 << (number(day, item)? % 7);
        } else {
            weekdays.mask |= plain(item)? as u8;
        }
    }
    Ok(weekdays)
}

/// `5L` or `friL`: the weekday before the L. A lone `L` is left to the ordinary error.
fn last_of(item: Piece<'_>) -> Option<Piece<'_>> {
    let day = item.text.strip_suffix(['L', 'l'])?;
    let known = day.bytes().all(|byte| byte.is_ascii_digit()) || CronField::Weekday.by_name(day).is_some();
    (known && !day.is_empty()).then_some(Piece { text: day, ..item })
}

/// In the day fields `?` is another way to write `*`.
fn starts_open(text: &str) -> bool {
    text.starts_with('*') || text == "?"
}

/// The parts between the commas, none of them empty.
fn items<'a>(piece: Piece<'a>) -> impl Iterator<Item = Result<Piece<'a>, CronError>> {
    piece.split(',').map(move |item| {
        if item.text.is_empty() {
            let name = piece.field.map_or("", CronField::name);
            let message = format!(
                "The {name} field has a comma with nothing beside it. Remove the comma or add a value."
            );
            let start = item.start.saturating_sub(1).max(piece.start);
            return Err(CronError {
                start,
                end: start + 1,
                ..item.error(Kind::Syntax, message)
            });
        }
        Ok(item)
    })
}
