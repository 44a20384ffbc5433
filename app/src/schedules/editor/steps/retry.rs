//! Trying again, as it is typed: for a step, and for the whole schedule.

use super::reading::Reading;
use domain::guards::{Backoff, Retry, RetryOf, RetryOn};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryForm {
    pub on: bool,
    pub attempts: String,
    pub backoff: Backoff,
    pub initial: String,
    pub max: String,
    pub jitter: String,
    pub after: After,
    pub of: RetryOf,
}

/// After which results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    #[default]
    Any,
    Failed,
    TimedOut,
}

impl After {
    pub const ALL: [Self; 3] = [Self::Any, Self::Failed, Self::TimedOut];

    fn of(on: &[RetryOn]) -> Self {
        match (on.contains(&RetryOn::Failed), on.contains(&RetryOn::TimedOut)) {
            (true, false) => Self::Failed,
            (false, true) => Self::TimedOut,
            _ => Self::Any,
        }
    }

    fn results(self) -> Vec<RetryOn> {
        match self {
            Self::Any => RetryOn::ALL.to_vec(),
            Self::Failed => vec![RetryOn::Failed],
            Self::TimedOut => vec![RetryOn::TimedOut],
        }
    }
}

impl Default for RetryForm {
    fn default() -> Self {
        Self {
            on: false,
            attempts: "3".to_owned(),
            backoff: Backoff::Fixed,
            initial: "10s".to_owned(),
            max: String::new(),
            jitter: String::new(),
            after: After::Any,
            of: RetryOf::Targets,
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
                jitter: retry.jitter.map(|jitter| jitter.to_string()).unwrap_or_default(),
                after: After::of(&retry.on),
                of: retry.of,
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
        let retry = Retry {
            attempts: attempts.unwrap_or(1),
            backoff: self.backoff,
            initial: reading.duration("initial", &self.initial).unwrap_or_default(),
            max: reading.duration("max", &self.max),
            jitter: reading.duration("jitter", &self.jitter),
            on: self.after.results(),
            of: self.of,
        };
        // What the server would refuse is said before.
        if let (Some(_), Err(problem)) = (attempts, retry.check("")) {
            let field = problem.details["field"].as_str().unwrap_or_default();
            reading.fault(field.trim_start_matches('.'), problem.message.clone(), None);
        }
        Some(retry)
    }

    /// "3 attempts, 10 seconds between them"
    pub fn words(&self) -> String {
        let attempts = match self.attempts.trim() {
            "1" => "1 attempt".to_owned(),
            number => format!("{number} attempts"),
        };
        let attempts = match self.of {
            RetryOf::Targets => attempts,
            RetryOf::Run => format!("{attempts} of the whole run"),
        };
        let mut words = match (self.initial.trim(), self.backoff) {
            ("" | "0s", _) => format!("{attempts}, at once"),
            (pause, Backoff::Fixed) => format!("{attempts}, {pause} apart"),
            (pause, Backoff::Exponential) => format!("{attempts}, {pause} apart and twice as long each time"),
        };
        match self.jitter.trim() {
            "" | "0s" => {}
            jitter => words.push_str(&format!(", and up to {jitter} more")),
        }
        match self.after {
            After::Any => {}
            After::Failed => words.push_str(", not after a time limit"),
            After::TimedOut => words.push_str(", only after a time limit"),
        }
        words
    }
}
