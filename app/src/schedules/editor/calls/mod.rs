//! Triggers that are no times: what the form holds of them, and their fields.

mod fields;
mod secrets;

pub use fields::{event, outcome, webhook};
pub use secrets::{WebhookDialog, renew};

use super::form::Fault;
use domain::{
    containers::Health,
    durations::HumanDuration,
    schedules::Trigger,
    triggers::{ExitCodes, Happening, Outcome},
};

/// Which exit codes are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codes {
    #[default]
    Any,
    Nonzero,
    These,
}

/// Everything that such triggers need, whichever it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Calls {
    pub signed: bool,
    pub on: Vec<Happening>,
    pub codes: Codes,
    /// `1, 137`
    pub code_list: String,
    pub health: Option<Health>,
    pub target: String,
    /// As typed: `5s`.
    pub debounce: String,
    /// The other schedule's id.
    pub schedule: String,
    pub of: Outcome,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            signed: false,
            on: vec![Happening::Die],
            codes: Codes::Nonzero,
            code_list: String::new(),
            health: Some(Health::Unhealthy),
            target: String::new(),
            debounce: "5s".to_owned(),
            schedule: String::new(),
            of: Outcome::Success,
        }
    }
}

impl Calls {
    /// Takes what a trigger says, if it is one of these.
    pub fn read(&mut self, trigger: &Trigger) {
        match trigger {
            Trigger::Webhook { signed } => self.signed = *signed,
            Trigger::Event {
                on,
                exit_codes,
                health,
                target,
                debounce,
            } => {
                self.on.clone_from(on);
                (self.codes, self.code_list) = match exit_codes {
                    None => (Codes::Any, String::new()),
                    Some(ExitCodes::Word(_)) => (Codes::Nonzero, String::new()),
                    Some(ExitCodes::List(list)) => {
                        let list: Vec<String> = list.iter().map(i64::to_string).collect();
                        (Codes::These, list.join(", "))
                    }
                };
                self.health = *health;
                self.target.clone_from(target);
                self.debounce = debounce.to_string();
            }
            Trigger::Outcome { schedule, of } => {
                self.schedule.clone_from(schedule);
                self.of = *of;
            }
            _ => {}
        }
    }

    pub fn webhook(&self) -> Trigger {
        Trigger::Webhook { signed: self.signed }
    }

    /// The trigger; the fault's field is what comes after `triggers.N`.
    pub fn event(&self) -> Result<Trigger, Fault> {
        if self.on.is_empty() {
            return Err(Fault::new(".on", "Choose at least one thing that happens."));
        }
        if self.target.trim().is_empty() {
            let message =
                "Say to which containers it happens, such as name:web. Every container is a single *.";
            return Err(Fault::new(".target", message));
        }
        let dies = self.on.contains(&Happening::Die);
        let exit_codes = match self.codes {
            Codes::Nonzero if dies => Some(ExitCodes::NONZERO),
            Codes::These if dies => Some(ExitCodes::List(self.code_list()?)),
            _ => None,
        };
        let debounce: HumanDuration = self
            .debounce
            .trim()
            .parse()
            .map_err(|error: domain::durations::DurationError| Fault::new(".debounce", error.message))?;
        Ok(Trigger::Event {
            on: self.on.clone(),
            exit_codes,
            health: self.health.filter(|_| self.on.contains(&Happening::HealthStatus)),
            target: self.target.trim().to_owned(),
            debounce,
        })
    }

    fn code_list(&self) -> Result<Vec<i64>, Fault> {
        let codes: Result<Vec<i64>, _> = self
            .code_list
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect();
        codes.ok().filter(|codes| !codes.is_empty()).ok_or_else(|| {
            Fault::new(
                ".exit_codes",
                "Write exit codes with commas between them, such as 1, 137.",
            )
        })
    }

    pub fn outcome(&self) -> Result<Trigger, Fault> {
        if self.schedule.is_empty() {
            return Err(Fault::new(".schedule", "Choose the schedule that is waited for."));
        }
        Ok(Trigger::Outcome {
            schedule: self.schedule.clone(),
            of: self.of,
        })
    }
}
