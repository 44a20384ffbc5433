//! One trigger as the form holds it: a kind, and what each kind needs.

use super::{calls::Calls, form::Fault, wall};
use chrono::{DateTime, Utc};
use domain::{cron::CronExpression, durations::HumanDuration, schedules::Trigger};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Daily,
    Weekdays,
    Weekly,
    Interval,
    Once,
    Dates,
    Cron,
    Webhook,
    Event,
    Outcome,
}

impl Kind {
    /// What fires by the clock.
    pub const TIMES: [(Kind, &'static str); 7] = [
        (Kind::Daily, "Every day"),
        (Kind::Weekdays, "Weekdays"),
        (Kind::Weekly, "Weekly"),
        (Kind::Interval, "Interval"),
        (Kind::Once, "Once"),
        (Kind::Dates, "Dates"),
        (Kind::Cron, "Cron"),
    ];
    /// What fires when something happens.
    pub const CALLS: [(Kind, &'static str); 3] = [
        (Kind::Webhook, "Webhook"),
        (Kind::Event, "Container event"),
        (Kind::Outcome, "Other schedule"),
    ];

    /// Whether it has no times of its own.
    pub fn is_called(self) -> bool {
        Self::CALLS.iter().any(|(kind, _)| *kind == self)
    }
}

/// Units of an interval, with the letters that durations use.
pub const UNITS: [(&str, &str); 5] = [
    ("s", "seconds"),
    ("m", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    (MILLIS, "milliseconds"),
];

/// Offered only for an interval that needs it, which the API can make.
pub const MILLIS: &str = "ms";

#[derive(Clone, Debug, PartialEq)]
pub struct When {
    /// Tells the triggers of one form apart; means nothing else.
    pub key: u32,
    pub kind: Kind,
    /// `03:00`
    pub time: String,
    /// From Sunday on.
    pub days: [bool; 7],
    pub every: String,
    pub unit: &'static str,
    /// Where an interval counts from, on the wall of the schedule's zone; blank for the time of saving.
    pub anchor: String,
    /// What that was read from, which is exact to less than a minute: the zone, the text, the instant.
    anchor_was: Option<(String, String, DateTime<Utc>)>,
    /// `2026-12-01T03:00`, on the wall of the schedule's zone.
    pub at: String,
    /// Several of these.
    pub dates: Vec<String>,
    pub cron: String,
    pub calls: Calls,
}

impl When {
    pub fn new(key: u32, kind: Kind) -> Self {
        Self {
            key,
            kind,
            time: "03:00".to_owned(),
            days: [true, false, false, false, false, false, false],
            every: "15".to_owned(),
            unit: "m",
            anchor: String::new(),
            anchor_was: None,
            at: String::new(),
            dates: vec![String::new()],
            calls: Calls::default(),
            cron: "0 3 * * *".to_owned(),
        }
    }

    pub fn of(key: u32, trigger: &Trigger, zone: &str) -> Self {
        let mut when = Self::new(key, Kind::Cron);
        match trigger {
            Trigger::Cron { expression } => {
                when.cron.clone_from(expression);
                when.read_cron();
            }
            Trigger::Interval { every, anchor } => {
                when.kind = Kind::Interval;
                if let Some(anchor) = anchor {
                    when.anchor = wall::wall_in(zone, anchor.timestamp_millis()).input();
                    when.anchor_was = Some((zone.to_owned(), when.anchor.clone(), *anchor));
                }
                let (number, unit) = units(*every);
                (when.every, when.unit) = (number.to_string(), unit);
            }
            Trigger::Once { at } => {
                when.kind = Kind::Once;
                when.at = wall::wall_in(zone, at.timestamp_millis()).input();
            }
            Trigger::Dates { at } => {
                when.kind = Kind::Dates;
                when.dates = at
                    .iter()
                    .map(|at| wall::wall_in(zone, at.timestamp_millis()).input())
                    .collect();
            }
            Trigger::Webhook { .. } => when.kind = Kind::Webhook,
            Trigger::Event { .. } => when.kind = Kind::Event,
            Trigger::Outcome { .. } => when.kind = Kind::Outcome,
        }
        when.calls.read(trigger);
        when
    }

    /// Takes the kind and its parts from the expression, if a preset says the same.
    fn read_cron(&mut self) {
        let fields: Vec<&str> = self.cron.split_whitespace().collect();
        let [minute, hour, "*", "*", weekday] = fields.as_slice() else {
            return;
        };
        let (Ok(minute), Ok(hour)) = (minute.parse::<u8>(), hour.parse::<u8>()) else {
            return;
        };
        if minute > 59 || hour > 23 {
            return;
        }
        let kind = match *weekday {
            "*" => Kind::Daily,
            "1-5" => Kind::Weekdays,
            list => {
                let mut days = [false; 7];
                for day in list.split(',') {
                    match day.parse::<usize>() {
                        Ok(day @ 0..=7) => days[day % 7] = true,
                        _ => return,
                    }
                }
                self.days = days;
                Kind::Weekly
            }
        };
        self.kind = kind;
        self.time = format!("{hour:02}:{minute:02}");
    }

    /// Changes the kind. Cron begins with what the preset before it meant, and the other way round.
    pub fn turn(&mut self, kind: Kind) {
        match (self.kind, kind) {
            (Kind::Daily | Kind::Weekdays | Kind::Weekly, Kind::Cron) => {
                if let Ok(expression) = self.expression() {
                    self.cron = expression;
                }
            }
            (Kind::Cron, Kind::Daily | Kind::Weekdays | Kind::Weekly) => self.read_cron(),
            _ => {}
        }
        self.kind = kind;
    }

    /// The cron expression of a preset.
    fn expression(&self) -> Result<String, Fault> {
        let (hour, minute) = self
            .time
            .split_once(':')
            .and_then(|(hour, minute)| Some((hour.parse::<u8>().ok()?, minute.get(..2)?.parse::<u8>().ok()?)))
            .ok_or_else(|| Fault::new(".time", "Choose a time of day, such as 03:00."))?;
        let weekday = match self.kind {
            Kind::Weekdays => "1-5".to_owned(),
            Kind::Weekly => {
                let days: Vec<String> = (0..7)
                    .filter(|day| self.days[*day])
                    .map(|day| day.to_string())
                    .collect();
                if days.is_empty() {
                    return Err(Fault::new(".days", "Choose at least one day of the week."));
                }
                days.join(",")
            }
            _ => "*".to_owned(),
        };
        Ok(format!("{minute} {hour} * * {weekday}"))
    }

    /// Where the interval counts from.
    fn anchor(&self, zone: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let text = self.anchor.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if let Some((of, was, anchor)) = &self.anchor_was
            && of == zone
            && was == text
        {
            return Ok(Some(*anchor));
        }
        wall::instant_in(zone, text)
            .and_then(DateTime::from_timestamp_millis)
            .map(Some)
            .ok_or_else(|| {
                Fault::new(
                    ".anchor",
                    "Choose a date and a time to count from, or leave it empty.",
                )
            })
    }

    /// The trigger; the fault's field is what comes after `triggers.N`.
    pub fn trigger(&self, zone: &str) -> Result<Trigger, Fault> {
        match self.kind {
            Kind::Daily | Kind::Weekdays | Kind::Weekly => Ok(Trigger::Cron {
                expression: self.expression()?,
            }),
            Kind::Cron => {
                let expression: CronExpression =
                    self.cron
                        .parse()
                        .map_err(|error: domain::cron::CronError| Fault {
                            field: ".expression".to_owned(),
                            message: error.message,
                            place: Some((error.start, error.end)),
                        })?;
                if expression.never_fires() {
                    return Err(Fault::new(
                        ".expression",
                        "It never fires, since there is no such date. Change the day or the month.",
                    ));
                }
                Ok(Trigger::Cron {
                    expression: expression.to_string(),
                })
            }
            Kind::Interval => {
                let number = self.every.trim();
                let every: HumanDuration = match number.parse::<u32>() {
                    Ok(1..) => format!("{number}{}", self.unit).parse().map_err(
                        |error: domain::durations::DurationError| Fault::new(".every", error.message),
                    )?,
                    _ => return Err(Fault::new(".every", "Write a whole number from 1 on.")),
                };
                Ok(Trigger::Interval {
                    every,
                    anchor: self.anchor(zone)?,
                })
            }
            Kind::Once => {
                let at = wall::instant_in(zone, &self.at)
                    .and_then(DateTime::from_timestamp_millis)
                    .ok_or_else(|| Fault::new(".at", "Choose a date and a time."))?;
                Ok(Trigger::Once { at })
            }
            Kind::Dates => {
                let instant = |date: &String| {
                    wall::instant_in(zone, date)
                        .and_then(DateTime::from_timestamp_millis)
                        .ok_or_else(|| Fault::new(".at", "Choose a date and a time for each, or remove it."))
                };
                let at: Vec<DateTime<Utc>> = self.dates.iter().map(instant).collect::<Result<_, _>>()?;
                if at.is_empty() {
                    return Err(Fault::new(".at", "Add at least one date."));
                }
                Ok(Trigger::Dates { at })
            }
            Kind::Webhook => Ok(self.calls.webhook()),
            Kind::Event => self.calls.event(),
            Kind::Outcome => self.calls.outcome(),
        }
    }
}

/// The largest unit that leaves no rest.
fn units(every: HumanDuration) -> (u128, &'static str) {
    let millis = every.get().as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .into_iter()
        .find(|(size, _)| millis >= *size && millis.is_multiple_of(*size))
        .map_or((millis, MILLIS), |(size, unit)| (millis / size, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str) -> When {
        When::of(
            0,
            &Trigger::Cron {
                expression: expression.into(),
            },
            "UTC",
        )
    }

    #[test]
    fn presets_are_recognised_and_written_back() {
        for (expression, kind) in [
            ("0 3 * * *", Kind::Daily),
            ("30 7 * * 1-5", Kind::Weekdays),
            ("5 4 * * 0,6", Kind::Weekly),
            ("*/5 * * * *", Kind::Cron),
            ("0 3 1 * *", Kind::Cron),
            ("0 3 * * 1#2", Kind::Cron),
            ("@daily", Kind::Cron),
            ("0 0 3 * * *", Kind::Cron),
        ] {
            let when = cron(expression);
            assert_eq!(when.kind, kind, "{expression}");
            assert_eq!(
                when.trigger("UTC").unwrap(),
                Trigger::Cron {
                    expression: expression.into()
                }
            );
        }
    }

    #[test]
    fn cron_begins_with_what_the_preset_meant() {
        let mut when = cron("30 7 * * 1-5");
        when.time = "08:15".into();
        when.turn(Kind::Cron);
        assert_eq!(when.cron, "15 8 * * 1-5");
    }

    #[test]
    fn an_interval_keeps_its_anchor_to_the_second_until_somebody_chooses_another() {
        let anchor = DateTime::from_timestamp_millis(1_234);
        let trigger = Trigger::Interval {
            every: "90m".parse().unwrap(),
            anchor,
        };
        let mut when = When::of(0, &trigger, "UTC");
        assert_eq!((when.every.as_str(), when.unit), ("90", "m"));
        assert_eq!(when.trigger("UTC").unwrap(), trigger);
        when.every = "45".into();
        assert_eq!(
            when.trigger("UTC").unwrap(),
            Trigger::Interval {
                every: "45m".parse().unwrap(),
                anchor
            }
        );
        when.anchor = "2026-12-01T03:00".into();
        let chosen = "2026-12-01T03:00:00Z".parse().ok();
        assert!(matches!(when.trigger("UTC").unwrap(), Trigger::Interval { anchor, .. } if anchor == chosen));
        when.anchor = " ".into();
        assert!(matches!(
            when.trigger("UTC").unwrap(),
            Trigger::Interval { anchor: None, .. }
        ));
        when.anchor = "soon".into();
        assert_eq!(when.trigger("UTC").unwrap_err().field, ".anchor");
    }

    #[test]
    fn every_other_kind_is_written_back_as_it_was() {
        for trigger in [
            serde_json::json!({ "type": "dates", "at": ["2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z"] }),
            serde_json::json!({ "type": "webhook", "signed": true }),
            serde_json::json!({ "type": "event", "on": ["die", "oom"], "exit_codes": [1, 137], "target": "name:web",
                "debounce": "30s" }),
            serde_json::json!({ "type": "event", "on": ["health_status"], "health": "unhealthy", "target": "*",
                "debounce": "0s" }),
            serde_json::json!({ "type": "outcome", "schedule": "7", "of": "failure" }),
        ] {
            let trigger: Trigger = serde_json::from_value(trigger).unwrap();
            assert_eq!(When::of(0, &trigger, "UTC").trigger("UTC").unwrap(), trigger);
        }
    }

    #[test]
    fn what_is_missing_is_told_by_its_field() {
        for (kind, field) in [
            (Kind::Dates, ".at"),
            (Kind::Event, ".target"),
            (Kind::Outcome, ".schedule"),
        ] {
            assert_eq!(When::new(0, kind).trigger("UTC").unwrap_err().field, field);
        }
    }

    #[test]
    fn an_interval_is_a_whole_number() {
        let mut when = When::new(0, Kind::Interval);
        for wrong in ["", "0", "-3", "1.5", "many"] {
            when.every = wrong.into();
            assert_eq!(when.trigger("UTC").unwrap_err().field, ".every", "{wrong}");
        }
    }
}
