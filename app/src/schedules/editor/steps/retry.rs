//! Trying again, as it is typed: for a step, and for the whole schedule.

use super::reading::Reading;
use domain::guards::{Backoff, Retry};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryForm {
    pub on: bool,
    pub attempts: String,
    pub backoff: Backoff,
    pub initial: String,
    pub max: String,
}

impl Default for RetryForm {
    fn default() -> Self {
        Self {
            on: false,
            attempts: "3".to_owned(),
            backoff: Backoff::Fixed,
            initial: "10s".to_owned(),
            max: String::new(),
        }
    }
}

impl RetryForm {
    pub fn of(retry: Option<&Retry>) -> Self {
        match retry {
            None => Self::default(),
            Some(retry) => Self {
                on: true,
                attempts: retry.attempts.to_string(),
                backoff: retry.backoff,
                initial: retry.initial.to_string(),
                max: retry.max.map(|max| max.to_string()).unwrap_or_default(),
            },
        }
    }

    pub fn retry(&self, reading: &mut Reading<'_>) -> Option<Retry> {
        if !self.on {
            return None;
        }
        let attempts = reading.number("attempts", &self.attempts);
        if self.attempts.trim().is_empty() {
            reading.fault("attempts", "Say how often it is tried, such as 3.", None);
        }
        Some(Retry {
            attempts: attempts.unwrap_or(1),
            backoff: self.backoff,
            initial: reading.duration("initial", &self.initial).unwrap_or_default(),
            max: reading.duration("max", &self.max),
        })
    }

    /// "3 attempts, 10 seconds between them"
    pub fn words(&self) -> String {
        let attempts = match self.attempts.trim() {
            "1" => "1 attempt".to_owned(),
            number => format!("{number} attempts"),
        };
        match (self.initial.trim(), self.backoff) {
            ("" | "0s", _) => format!("{attempts}, at once"),
            (pause, Backoff::Fixed) => format!("{attempts}, {pause} apart"),
            (pause, Backoff::Exponential) => format!("{attempts}, {pause} apart and twice as long each time"),
        }
    }
}
