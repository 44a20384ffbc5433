//! The plain values every field has: numbers, names, ranges and steps.

use super::super::{CronError, CronErrorKind as Kind, CronField};
use super::Piece;

/// `*`, `5`, `1-9`, `*/5`, `1-9/2`, `5/10` as a mask of values.
pub(super) fn plain(item: Piece<'_>) -> Result<u64, CronError> {
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
pub(super) fn number(piece: Piece<'_>, item: Piece<'_>) -> Result<u32, CronError> {
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
