//! Which days: "Monday to Friday", "on the last day of every month".

use super::super::CronExpression;
use super::super::days::bits;
use super::{MONTH_NAMES, WEEKDAY_NAMES, even_step, list, name_runs, ordinal, values};

pub(super) enum Days {
    Every,
    /// Every day of some months: "in June".
    Months(String),
    Some(String),
}

pub(super) fn describe(expression: &CronExpression) -> Days {
    let months = Months::of(expression);
    let (days, weekdays) = (&expression.days, &expression.weekdays);
    let any_day = days.is_everything();
    let any_weekday = weekdays.is_everything();
    let both = days.star || weekdays.star;
    if (any_day && any_weekday) || (!both && (any_day || any_weekday)) {
        return months.during().map_or(Days::Every, Days::Months);
    }
    if any_day {
        return Days::Some(weekday_part(expression, &months));
    }
    if any_weekday {
        return Days::Some(month_day_part(expression, &months));
    }
    Days::Some(if both {
        format!(
            "{}, if it is {}",
            month_day_part(expression, &months),
            weekday_condition(expression)
        )
    } else {
        format!(
            "{}, and also {}",
            month_day_part(expression, &months),
            weekday_part(expression, &months)
        )
    })
}

/// The wanted months; none when all of them are.
struct Months(Option<Vec<u32>>);

impl Months {
    fn of(expression: &CronExpression) -> Self {
        let months = values(expression.months.mask);
        Self((months.len() < 12).then_some(months))
    }

    fn names(&self) -> Option<(String, bool)> {
        let months = self.0.as_ref()?;
        let names = name_runs(months, |month| MONTH_NAMES[month as usize - 1].to_owned());
        let one_run = names.len() == 1 && months.len() > 1;
        Some((list(&names, " and "), one_run))
    }

    /// "every month" or "January and July", after "of".
    fn of_every(&self) -> String {
        self.names()
            .map_or_else(|| "every month".to_owned(), |(names, _)| names)
    }

    /// "in June", "from June to August".
    fn during(&self) -> Option<String> {
        self.names().map(|(names, one_run)| {
            if one_run {
                format!("from {names}")
            } else {
                format!("in {names}")
            }
        })
    }

    fn during_after_blank(&self) -> String {
        self.during()
            .map_or_else(String::new, |during| format!(" {during}"))
    }
}

fn month_day_part(expression: &CronExpression, months: &Months) -> String {
    let days = &expression.days;
    let plain = values(days.mask.into());
    if let (Some([month]), [day], false) = (months.0.as_deref(), &plain[..], days.has_specials()) {
        let year = if (*month, *day) == (2, 29) {
            "leap year"
        } else {
            "year"
        };
        return format!("every {year} on {day} {}", MONTH_NAMES[*month as usize - 1]);
    }
    let every = months.of_every();
    if !days.has_specials() {
        if let (Some(step), true) = (even_step(&plain), plain.len() > 4 || days.stepped) {
            let (first, last) = (plain[0], plain[plain.len() - 1]);
            let step = ordinal(step);
            return format!(
                "on every {step} day from the {} to the {} of {every}",
                ordinal(first),
                ordinal(last)
            );
        }
        if plain.len() > 2 && plain.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            let (first, last) = (plain[0], plain[plain.len() - 1]);
            return format!(
                "every day from the {} to the {} of {every}",
                ordinal(first),
                ordinal(last)
            );
        }
    }
    let mut parts = name_runs(&plain, ordinal);
    parts.extend(
        bits(days.nearest.into())
            .map(|day| format!("weekday (Monday to Friday) nearest the {}", ordinal(day))),
    );
    for before in bits((days.before_last & !1).into())
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let nth = if before == 1 {
            String::new()
        } else {
            format!("{} ", ordinal(before))
        };
        parts.push(format!("{nth}day before the last day"));
    }
    if days.last_weekday {
        parts.push("last weekday (Monday to Friday)".to_owned());
    }
    if days.before_last & 1 != 0 {
        parts.push("last day".to_owned());
    }
    // Ordinals share one article ("the 1st and 15th"); the wordy ones read better with their own.
    if days.has_specials() {
        for part in parts.iter_mut().skip(1) {
            part.insert_str(0, "the ");
        }
    }
    format!("on the {} of {every}", list(&parts, " and "))
}

fn weekday_part(expression: &CronExpression, months: &Months) -> String {
    let weekdays = &expression.weekdays;
    let during = months.during_after_blank();
    if weekdays.is_everything() {
        return format!("every day{during}");
    }
    let plain = weekday_names(weekdays.mask);
    if !weekdays.has_specials() {
        let every = if weekdays.mask.count_ones() == 1 {
            "every "
        } else {
            ""
        };
        return format!("{every}{}{during}", list(&plain, " and "));
    }
    let special = format!(
        "on the {} of {}",
        list(&special_weekdays(expression), " and the "),
        months.of_every()
    );
    if plain.is_empty() {
        special
    } else {
        format!("every {}{during}, and also {special}", list(&plain, " and "))
    }
}

/// "Monday", "the first Monday or the last Friday of its month", after "if it is".
fn weekday_condition(expression: &CronExpression) -> String {
    let weekdays = &expression.weekdays;
    let mut parts: Vec<String> = bits(weekdays.mask.into())
        .map(|day| format!("a {}", weekday(day)))
        .collect();
    let special = special_weekdays(expression);
    parts.extend(special.into_iter().map(|day| format!("the {day} of the month")));
    list(&parts, " or ")
}

fn special_weekdays(expression: &CronExpression) -> Vec<String> {
    const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let weekdays = &expression.weekdays;
    let mut parts = Vec::new();
    for (nth, mask) in NTH.iter().zip(weekdays.nth) {
        parts.extend(bits(mask.into()).map(|day| format!("{nth} {}", weekday(day))));
    }
    parts.extend(bits(weekdays.last.into()).map(|day| format!("last {}", weekday(day))));
    parts
}

/// Monday first, Sunday last, as people count a week; runs over the weekend's end stay together.
fn weekday_names(mask: u8) -> Vec<String> {
    let from_monday = |day: u32| (day + 6) % 7;
    let mut days: Vec<u32> = bits(mask.into()).map(from_monday).collect();
    days.sort_unstable();
    let name = |day: u32| weekday(day + 1);
    if let Some((first, last)) = over_the_end(&days) {
        return vec![format!("{} to {}", name(first), name(last))];
    }
    name_runs(&days, name)
}

/// Friday to Monday: one run of three or more that passes the end of the week.
fn over_the_end(days: &[u32]) -> Option<(u32, u32)> {
    let gap = days.windows(2).position(|pair| pair[1] != pair[0] + 1)?;
    let one_gap = days[gap + 1..].windows(2).all(|pair| pair[1] == pair[0] + 1);
    let wraps = days.first() == Some(&0) && days.last() == Some(&6);
    (one_gap && wraps && days.len() > 2).then(|| (days[gap + 1], days[gap]))
}

fn weekday(day: u32) -> String {
    WEEKDAY_NAMES[day as usize % 7].to_owned()
}
