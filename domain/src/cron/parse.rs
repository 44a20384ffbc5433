//! Text to expression. Every mistake knows its place in the text.

use super::days::{MonthDays, Weekdays};
use super::{CronError, CronErrorKind as Kind, CronExpression, CronField, MAX_LENGTH, Values};

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

/// `*`, `5`, `1-9`, `*/5`, `1-9/2`, `5/10` as a mask of values.
fn plain(item: Piece<'_>) -> Result<u64, CronError> {
    let field = field_of(item)?;
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step_of(step, item, field)?)),
        None => (item, None),
    };
    let (low, _) = field.bounds();
    let (from, to) = if base.text == "*" || (base.text == "?" && field.is_day() && step.is_none()) {
        (low, field.last())
    } else if let Some((from, to)) = base.split_once('-') {
        (number(from, item)?, number(to, item)?)
    } else {
        let from = number(base, item)?;
        (from, if step.is_some() { field.last() } else { from })
    };
    let step = step.unwrap_or(1) as usize;
    Ok(run(field, from, to)
        .step_by(step)
        .fold(0, |mask, value| mask | 1 << value))
}

/// The values from `from` to `to`, over the end of the field if need be.
fn run(field: CronField, from: u32, to: u32) -> impl Iterator<Item = u32> {
    let (low, _) = field.bounds();
    let count = field.count();
    let from = from - low;
    // Sunday may be written 7: 5-7 runs up to it, 7-2 starts at it.
    let to = to - low;
    let length = if from <= to { to - from } else { to + count - from };
    (from..=from + length.min(count - 1)).map(move |value| low + value % count)
}

fn step_of(step: Piece<'_>, item: Piece<'_>, field: CronField) -> Result<u32, CronError> {
    let (name, count) = (field.name(), field.count());
    let Ok(number) = step.text.parse::<u32>() else {
        let message = format!("The {name} field needs a whole number after the slash, as in */5.");
        return Err(item.error(Kind::BadStep, message));
    };
    if number == 0 {
        return Err(step.error(
            Kind::BadStep,
            "A step of 0 never moves on. Write a step of 1 or more, as in */5.",
        ));
    }
    if number > count {
        let message = format!(
            "A step of {number} is longer than the {name} field, which has {count} values. Write a step of at most \
             {count}, or use an interval trigger."
        );
        return Err(step.error(Kind::BadStep, message));
    }
    Ok(number)
}

/// A number or a name within the field's bounds; `item` is what it is part of, to point at when it is missing.
fn number(piece: Piece<'_>, item: Piece<'_>) -> Result<u32, CronError> {
    let field = field_of(piece)?;
    let name = field.name();
    let (low, high) = field.bounds();
    let text = piece.text;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .ok()
            .filter(|value| (low..=high).contains(value))
            .ok_or_else(|| {
                let note = if field == CronField::Weekday {
                    " (0 and 7 are Sunday)"
                } else {
                    ""
                };
                piece.error(
                    Kind::OutOfRange,
                    format!("The {name} {text} is not between {low} and {high}{note}."),
                )
            });
    }
    field
        .by_name(text)
        .ok_or_else(|| not_a_value(if text.is_empty() { item } else { piece }, text, field))
}

fn not_a_value(piece: Piece<'_>, text: &str, field: CronField) -> CronError {
    let name = field.name();
    let (low, high) = field.bounds();
    let expected = match field {
        CronField::Month => "1 to 12 or jan to dec".to_owned(),
        CronField::Weekday => "0 to 7 (0 and 7 are Sunday) or sun to sat".to_owned(),
        _ => format!("{low} to {high}"),
    };
    if text.is_empty() {
        let message = format!("A value is missing in the {name} field. Write {expected}.");
        return piece.error(Kind::Syntax, message);
    }
    if text == "*" {
        let message = format!("* stands alone or before a slash in the {name} field, as in * or */5.");
        return piece.error(Kind::Syntax, message);
    }
    if text == "?" {
        let message = format!("? has a meaning in the two day fields only. Write * in the {name} field.");
        return piece.error(Kind::Misplaced, message);
    }
    if field == CronField::Weekday && text.eq_ignore_ascii_case("l") {
        let message =
            "L needs its weekday before it. Write 5L for the last Friday of the month, or 6 for Saturday.";
        return piece.error(Kind::Misplaced, message);
    }
    let special = |text: &str| {
        let upper = text.to_ascii_uppercase();
        upper.contains('#')
            || upper == "L"
            || upper == "LW"
            || upper
                .strip_suffix(['L', 'W'])
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if special(text) {
        let message = match field {
            CronField::DayOfMonth => format!(
                "{text} is not for the day of the month, or not in a range. Write L, L-3, LW or 15W on its own."
            ),
            CronField::Weekday => {
                format!("{text} is not for the weekday, or not in a range. Write 5L or 1#2 on its own.")
            }
            _ => format!(
                "{text} is not for the {name} field: L, W and # belong to the day fields. Write {expected}."
            ),
        };
        return piece.error(Kind::Misplaced, message);
    }
    let kind = if text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Kind::UnknownName
    } else {
        Kind::Syntax
    };
    piece.error(kind, format!("{text} is no {name}. Write {expected}."))
}

fn field_of(piece: Piece<'_>) -> Result<CronField, CronError> {
    piece
        .field
        .ok_or_else(|| piece.error(Kind::Syntax, "This is no field of a cron expression."))
}
