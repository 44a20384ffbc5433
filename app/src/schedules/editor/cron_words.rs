//! The five fields of a cron expression, each with a word or two under it.

const WEEKDAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A field as the form shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// `minute`, `hour`, …
    pub name: &'static str,
    /// As written; empty when it is missing.
    pub text: String,
    /// "at 3", "every 5", "Mon to Fri"
    pub words: String,
    /// Bytes of the expression; an empty range at its end when the field is missing.
    pub start: usize,
    pub end: usize,
}

/// The fields of an expression, finished or not. Empty for an alias such as `@daily`.
pub fn cells(expression: &str) -> Vec<Cell> {
    if expression.trim_start().starts_with('@') {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut start = None;
    for (at, letter) in expression.char_indices().chain([(expression.len(), ' ')]) {
        match (letter.is_whitespace(), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                parts.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    let names: &[&'static str] = if parts.len() > 5 {
        &["second", "minute", "hour", "day", "month", "weekday"]
    } else {
        &["minute", "hour", "day", "month", "weekday"]
    };
    let end = expression.len();
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let (start, end) = parts.get(index).copied().unwrap_or((end, end));
            let text = expression[start..end].to_owned();
            Cell {
                name,
                words: words(name, &text),
                text,
                start,
                end,
            }
        })
        .collect()
}

/// What a field says; its own text where a word would not fit.
fn words(field: &str, text: &str) -> String {
    if text.is_empty() {
        return "missing".to_owned();
    }
    if text == "*" || text == "?" {
        return "any".to_owned();
    }
    if let Some(step) = text.strip_prefix("*/").filter(|step| is_number(step)) {
        return format!("every {step}");
    }
    match field {
        "weekday" | "month" => list(text, |part| name_of(field, part)),
        "day" if text == "L" => "last".to_owned(),
        _ if is_number(text) => {
            let preposition = if field == "day" { "on" } else { "at" };
            format!("{preposition} {text}")
        }
        _ => list(text, |part| is_number(part).then(|| part.to_owned())),
    }
}

/// Lists and ranges in words, when every part has one.
fn list(text: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let parts: Option<Vec<String>> = text
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => Some(format!("{} to {}", word(from)?, word(to)?)),
            None => word(part),
        })
        .collect();
    parts.map_or_else(|| text.to_owned(), |parts| parts.join(", "))
}

fn name_of(field: &str, part: &str) -> Option<String> {
    let names: &[&str] = if field == "weekday" { &WEEKDAYS } else { &MONTHS };
    let named = names.iter().find(|name| {
        let short = part.get(..3).unwrap_or(part);
        name.eq_ignore_ascii_case(short) && part.len() >= 3
    });
    let numbered = || {
        let number: usize = part.parse().ok()?;
        names.get(if field == "month" {
            number.checked_sub(1)?
        } else {
            number
        })
    };
    named.or_else(numbered).map(|name| (*name).to_owned())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(expression: &str) -> Vec<String> {
        cells(expression).into_iter().map(|cell| cell.words).collect()
    }

    #[test]
    fn each_field_says_what_it_means() {
        assert_eq!(said("0 3 * * 1-5"), ["at 0", "at 3", "any", "any", "Mon to Fri"]);
        assert_eq!(
            said("*/15 9-17 L jan,3 sun"),
            ["every 15", "9 to 17", "last", "Jan, Mar", "Sun"]
        );
        assert_eq!(said("30 0 3 * * *")[0], "at 30");
        assert_eq!(said("0 3"), ["at 0", "at 3", "missing", "missing", "missing"]);
        assert_eq!(said("5/10 0 15W * 5L"), ["5/10", "at 0", "15W", "any", "5L"]);
        assert!(said("@daily").is_empty());
    }

    #[test]
    fn fields_know_where_they_stand() {
        let cells = cells("  0   25 * * *");
        assert_eq!((cells[1].start, cells[1].end), (6, 8));
        assert_eq!(cells.len(), 5);
    }
}
