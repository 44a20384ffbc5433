//! Coming runs as an iCalendar (RFC 5545), for the calendar programs of phones and desks.

use crate::{
    Timestamp,
    forecast::{Forecast, ForecastMark, MarkState},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A person's feed, as far as it can be shown: its link is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CalendarFeed {
    pub created_at: DateTime<Utc>,
    /// When a calendar program read it last.
    pub last_read_at: Option<DateTime<Utc>>,
}

/// The longest line, in bytes without its end (section 3.1).
const LINE: usize = 75;
/// What a run takes of whose duration nothing is known; also the least that a calendar can show.
const SHORTEST: i64 = 60;

/// Writes the marks of a forecast. `link` makes the address of a schedule, where there is one.
pub fn write(forecast: &Forecast, name: &str, link: impl Fn(&ForecastMark) -> Option<String>) -> String {
    let mut out = Writer::default();
    out.line("BEGIN:VCALENDAR");
    out.line("VERSION:2.0");
    out.line("PRODID:-//Chrontainer//Coming runs//EN");
    out.line("CALSCALE:GREGORIAN");
    out.line("METHOD:PUBLISH");
    out.text("X-WR-CALNAME", name);
    out.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    out.line("X-PUBLISHED-TTL:PT1H");
    for mark in &forecast.marks {
        let begins = mark.begins();
        let seconds = (mark.expected_ms.unwrap_or_default() / 1000).max(SHORTEST);
        out.line("BEGIN:VEVENT");
        out.line(&format!(
            "UID:{}-{}@chrontainer",
            mark.schedule.id,
            mark.at.timestamp()
        ));
        out.line(&format!("DTSTAMP:{}", utc(forecast.now)));
        out.line(&format!("DTSTART:{}", utc(begins.unwrap_or(mark.at))));
        out.line(&format!("DURATION:PT{seconds}S"));
        out.text("SUMMARY", &mark.schedule.name);
        out.text("DESCRIPTION", &about(mark));
        if let Some(link) = link(mark) {
            out.line(&format!("URL:{link}"));
        }
        out.line(if begins.is_some() {
            "STATUS:CONFIRMED"
        } else {
            "STATUS:CANCELLED"
        });
        // A run makes nobody busy.
        out.line("TRANSP:TRANSPARENT");
        out.line("END:VEVENT");
    }
    out.line("END:VCALENDAR");
    out.0
}

fn about(mark: &ForecastMark) -> String {
    let hosts: Vec<&str> = mark.hosts.iter().map(|host| host.name.as_str()).collect();
    let mut about = match mark.targets {
        0 => mark.action.clone(),
        1 => format!("{}: 1 container on {}", mark.action, hosts.join(", ")),
        n => format!("{}: {n} containers on {}", mark.action, hosts.join(", ")),
    };
    let state = match mark.state {
        // The note tells what the blackout does.
        _ if mark.blackout.is_some() => None,
        MarkState::Planned => None,
        MarkState::Skipped => Some("Skipped."),
        MarkState::Postponed => Some("Moved to another time."),
        MarkState::Moved => Some("Moved here from another time."),
    };
    for more in state.into_iter().chain(mark.note.as_deref()) {
        about.push('\n');
        about.push_str(more);
    }
    about
}

/// `20261125T030000Z`
fn utc(at: Timestamp) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

#[derive(Default)]
struct Writer(String);

impl Writer {
    /// A property whose value is text: some signs are escaped (section 3.3.11).
    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for letter in value.chars() {
            match letter {
                '\\' | ';' | ',' => {
                    line.push('\\');
                    line.push(letter);
                }
                '\n' => line.push_str("\\n"),
                letter if letter.is_control() => {}
                letter => line.push(letter),
            }
        }
        self.line(&line);
    }

    /// A line, folded where it is too long, never within a letter.
    fn line(&mut self, line: &str) {
        let mut room = LINE;
        for letter in line.chars() {
            if letter.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(letter);
            room -= letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{forecast::ForecastSchedule, ids::ScheduleId};
    use proptest::prelude::*;

    fn forecast(name: &str, state: MarkState) -> Forecast {
        let at: Timestamp = "2026-11-25T03:00:00Z".parse().unwrap();
        Forecast {
            from: at,
            to: at,
            now: at,
            timezone: "UTC".into(),
            schedules: 1,
            total: 1,
            dense_total: 0,
            marks: vec![ForecastMark {
                at,
                due: None,
                schedule: ForecastSchedule {
                    id: ScheduleId::new(),
                    name: name.into(),
                },
                action: "restart".into(),
                state,
                hosts: Vec::new(),
                targets: 0,
                first_target: None,
                expected_ms: Some(125_000),
                moved: None,
                blackout: None,
                conflict: false,
                note: None,
            }],
            ..Forecast::default()
        }
    }

    #[test]
    fn an_event_has_what_the_format_asks_for() {
        let text = write(
            &forecast("Back up, then stop; a\\b", MarkState::Skipped),
            "Coming runs",
            |_| Some("https://c.example/schedules/1".into()),
        );
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "DTSTART:20261125T030000Z",
            "DTSTAMP:20261125T030000Z",
            "DURATION:PT125S",
            "SUMMARY:Back up\\, then stop\\; a\\\\b",
            "DESCRIPTION:restart\\nSkipped.",
            "STATUS:CANCELLED",
            "URL:https://c.example/schedules/1",
            "END:VCALENDAR",
        ] {
            assert!(text.split("\r\n").any(|found| found == line), "{line} in {text}");
        }
    }

    proptest! {
        /// Lines end as they should, are short enough, and unfold to what was written.
        #[test]
        fn lines_are_folded_and_unfold(name in "\\PC{0,200}") {
            let text = write(&forecast(&name, MarkState::Planned), "x", |_| None);
            prop_assert!(text.ends_with("\r\n"));
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LINE && !line.contains('\n')));
            let unfolded = text.replace("\r\n ", "");
            let summary = unfolded.split("\r\n").find_map(|line| line.strip_prefix("SUMMARY:")).unwrap();
            let read = summary.replace("\\\\", "\u{0}").replace("\\;", ";").replace("\\,", ",").replace('\u{0}', "\\");
            let expected: String = name.chars().filter(|letter| !letter.is_control()).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
