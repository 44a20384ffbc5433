//! What was measured, beside what was aimed at, as a Markdown table.

use std::fmt;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Milliseconds,
    /// Millions of bytes; the value is in bytes.
    Megabytes,
    /// Thousands of bytes; the value is in bytes.
    Kilobytes,
    PerSecond,
    /// So few that a fraction matters.
    FewPerSecond,
    /// Of one core.
    Percent,
    Seconds,
    Count,
    Ratio,
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 1.0 => format!("{value:.2}"),
            Self::Milliseconds => format!("{value:.1}"),
            Self::Megabytes => format!("{:.1}", value / 1e6),
            Self::Kilobytes => format!("{:.0}", value / 1e3),
            Self::PerSecond | Self::Seconds | Self::Count => format!("{value:.0}"),
            Self::FewPerSecond => format!("{value:.1}"),
            Self::Percent => format!("{value:.2}"),
            Self::Ratio => format!("{value:.2}"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => " ms",
            Self::Megabytes => " MB",
            Self::Kilobytes => " kB",
            Self::PerSecond | Self::FewPerSecond => "/s",
            Self::Percent => " %",
            Self::Seconds => " s",
            Self::Count | Self::Ratio => "",
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
struct Figure {
    name: String,
    unit: Unit,
    /// The most that is wanted, or the least.
    aim: Option<Aim>,
    /// One for each time it was measured.
    values: Vec<f64>,
    /// Instead of a value.
    note: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

/// The figures in the order in which they were first measured.
#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// A value without an aim.
    pub fn add(&mut self, name: &str, unit: Unit, value: f64) {
        self.figure(name, unit, None).values.push(value);
    }

    /// A value that should be `aim` at most; both as [`Unit`] has them.
    pub fn add_at_most(&mut self, name: &str, unit: Unit, value: f64, aim: f64) {
        self.figure(name, unit, Some(Aim::AtMost(aim))).values.push(value);
    }

    /// A value that should be `aim` at least.
    pub fn add_at_least(&mut self, name: &str, unit: Unit, value: f64, aim: f64) {
        self.figure(name, unit, Some(Aim::AtLeast(aim)))
            .values
            .push(value);
    }

    /// Why there is no value.
    pub fn note(&mut self, name: &str, note: &str) {
        self.figure(name, Unit::Ratio, None).note = Some(note.to_owned());
    }

    /// The line of this name.
    fn figure(&mut self, name: &str, unit: Unit, aim: Option<Aim>) -> &mut Figure {
        let place = match self.figures.iter().position(|figure| figure.name == name) {
            Some(place) => place,
            None => {
                self.figures.push(Figure {
                    name: name.to_owned(),
                    unit,
                    aim,
                    values: Vec::new(),
                    note: None,
                });
                self.figures.len() - 1
            }
        };
        &mut self.figures[place]
    }
}

impl Figure {
    /// The median, and between which values it was found when there are several.
    fn value(&self) -> String {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match sorted.as_slice() {
            [] => self.note.clone().unwrap_or_default(),
            [one] => format!("{}{}", self.unit.write(*one), self.unit.name()),
            [least, .., most] => format!(
                "{}{} ({}–{})",
                self.unit.write(percentile(&sorted, 0.5)),
                self.unit.name(),
                self.unit.write(*least),
                self.unit.write(*most),
            ),
        }
    }

    fn aim(&self) -> String {
        let Some(aim) = self.aim else {
            return String::new();
        };
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = percentile(&sorted, 0.5);
        let (sign, wanted, is_missed) = match aim {
            Aim::AtMost(most) => ('≤', most, median > most),
            Aim::AtLeast(least) => ('≥', least, median < least),
        };
        let shown = match self.unit {
            Unit::Megabytes => wanted / 1e6,
            Unit::Kilobytes => wanted / 1e3,
            _ => wanted,
        };
        let missed = if is_missed { ", MISSED" } else { "" };
        format!("{sign} {shown}{}{missed}", self.unit.name())
    }
}

/// The value below which this share of sorted values lies, by the nearest rank; 0 of nothing.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["measured", "value", "aim"].map(str::to_owned);
        let lines: Vec<[String; 3]> = std::iter::once(head)
            .chain(
                self.figures
                    .iter()
                    .map(|figure| [figure.name.clone(), figure.value(), figure.aim()]),
            )
            .collect();
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let [name, value, aim] = [width(0), width(1), width(2)];
        for (number, line) in lines.iter().enumerate() {
            writeln!(
                f,
                "| {:name$} | {:>value$} | {:>aim$} |",
                line[0], line[1], line[2]
            )?;
            if number == 0 {
                writeln!(
                    f,
                    "|{:-<1$}|{2:->3$}:|{4:->5$}:|",
                    "",
                    name + 2,
                    "",
                    value + 1,
                    "",
                    aim + 1
                )?;
            }
        }
        Ok(())
    }
}
