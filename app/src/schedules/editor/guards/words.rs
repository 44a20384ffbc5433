//! What each guard says now, in a few words.

use super::typed::{About, ConditionForm, GuardsForm};
use crate::schedules::words::count;
use domain::guards::{CatchUpPolicy, OnNoTargets, Overlap};

/// A guard, as the card lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Overlap,
    CatchUp,
    Retry,
    Timeout,
    Jitter,
    Conditions,
    Expect,
    NoTargets,
    Priority,
    Limits,
}

impl Guard {
    pub const ALL: [Guard; 10] = [
        Guard::Overlap,
        Guard::CatchUp,
        Guard::Retry,
        Guard::Timeout,
        Guard::Jitter,
        Guard::Conditions,
        Guard::Expect,
        Guard::NoTargets,
        Guard::Priority,
        Guard::Limits,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Overlap => "If the last run is still going",
            Self::CatchUp => "If Chrontainer was off at the time",
            Self::Retry => "If something fails",
            Self::Timeout => "Time limit",
            Self::Jitter => "Spread",
            Self::Conditions => "Only if",
            Self::Expect => "Watch that it succeeds",
            Self::NoTargets => "If no container fits",
            Self::Priority => "Priority",
            Self::Limits => "At once",
        }
    }

    /// One line on what it is for.
    pub fn about(self) -> &'static str {
        match self {
            Self::Overlap => "What becomes of a run whose time comes while the one before it is still open.",
            Self::CatchUp => "What becomes of times that passed while no server was running.",
            Self::Retry => {
                "Tries again what failed, and nothing that succeeded. A step can say otherwise for itself."
            }
            Self::Timeout => "A run that takes longer is ended, and says so.",
            Self::Jitter => {
                "Moves each run back by a part of this time, always the same part, so that many schedules do not start at once."
            }
            Self::Conditions => {
                "A container for which one of these does not hold is left alone, and the run says why."
            }
            Self::Expect => "Marks the schedule as overdue when it has not succeeded for this long.",
            Self::NoTargets => "What a step does when nothing fits its target.",
            Self::Priority => {
                "Runs with a higher number start first when runs wait for a place. From -100 to 100."
            }
            Self::Limits => "How many containers one run works on at the same time.",
        }
    }

    /// The fields of the API that it is made of.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Overlap => &["overlap", "queue_depth"],
            Self::CatchUp => &["catch_up"],
            Self::Retry => &["retry"],
            Self::Timeout => &["timeout"],
            Self::Jitter => &["jitter"],
            Self::Conditions => &["conditions"],
            Self::Expect => &["expect"],
            Self::NoTargets => &["on_no_targets"],
            Self::Priority => &["priority"],
            Self::Limits => &["max_parallel"],
        }
    }

    /// Whether it is as it is for most schedules.
    pub fn is_usual(self, form: &GuardsForm) -> bool {
        let blank = |text: &String| text.trim().is_empty();
        match self {
            Self::Overlap => form.overlap == Overlap::Skip,
            Self::CatchUp => form.policy == CatchUpPolicy::None,
            Self::Retry => !form.retry.on,
            Self::Timeout => blank(&form.timeout),
            Self::Jitter => blank(&form.jitter),
            Self::Conditions => form.conditions.is_empty(),
            Self::Expect => blank(&form.expect),
            Self::NoTargets => form.on_no_targets == OnNoTargets::Fail,
            Self::Priority => matches!(form.priority.trim(), "" | "0"),
            Self::Limits => blank(&form.per_host) && blank(&form.total),
        }
    }

    /// What it says now.
    pub fn words(self, form: &GuardsForm) -> String {
        match self {
            Self::Overlap => match form.overlap {
                Overlap::Skip => "The new one is skipped".to_owned(),
                Overlap::Queue => format!("The new one waits, {} at most", form.queue_depth.trim()),
                Overlap::Replace => "The old one is cancelled".to_owned(),
                Overlap::Allow => "They run side by side".to_owned(),
            },
            Self::CatchUp => {
                let within = match form.window.trim() {
                    "" => String::new(),
                    window => format!(", of the last {window}"),
                };
                match form.policy {
                    CatchUpPolicy::None => "Missed times stay missed".to_owned(),
                    CatchUpPolicy::Latest => format!("The latest runs once{within}"),
                    CatchUpPolicy::All => format!("All run, up to {}{within}", form.most.trim()),
                }
            }
            Self::Retry if form.retry.on => form.retry.words(),
            Self::Retry => "Not tried again".to_owned(),
            Self::Timeout => some(&form.timeout, "None", |limit| {
                format!("{limit} for the whole run")
            }),
            Self::Jitter => some(&form.jitter, "None, exactly on time", |jitter| {
                format!("Up to {jitter} later")
            }),
            Self::Conditions => match form.conditions.as_slice() {
                [] => "Always".to_owned(),
                [one] => one.words(),
                more => format!("All of {}", count(more.len() as u64, "condition")),
            },
            Self::Expect => some(&form.expect, "Not watched", |within| {
                format!("At least every {within}")
            }),
            Self::NoTargets => match form.on_no_targets {
                OnNoTargets::Fail => "The step fails".to_owned(),
                OnNoTargets::Skip => "The step is skipped".to_owned(),
            },
            Self::Priority => some(&form.priority, "0", str::to_owned),
            Self::Limits => {
                let per_host = some(&form.per_host, "", |most| format!("{most} on each host"));
                let total = some(&form.total, "", |most| format!("{most} in all"));
                match (per_host.as_str(), total.as_str()) {
                    ("", "") => "As many as the server allows".to_owned(),
                    (one, "") | ("", one) => one.to_owned(),
                    (per_host, total) => format!("{per_host}, {total}"),
                }
            }
        }
    }
}

fn some(text: &str, none: &str, words: impl Fn(&str) -> String) -> String {
    match text.trim() {
        "" => none.to_owned(),
        text => words(text),
    }
}

impl ConditionForm {
    pub fn words(&self) -> String {
        let text = self.text.trim();
        match self.about {
            About::Running => "It is running".to_owned(),
            About::Stopped => "It is stopped".to_owned(),
            About::Healthy => "It is healthy".to_owned(),
            About::Unhealthy => "It is unhealthy".to_owned(),
            About::Uptime => format!("It has been up for {text}"),
            About::Label => format!("It has the label {text}"),
            About::Selector => format!("It fits {text}"),
        }
    }
}

/// What differs from most schedules, in one line.
pub fn summary(form: &GuardsForm) -> String {
    let unusual = Guard::ALL.into_iter().filter(|guard| !guard.is_usual(form));
    let words: Vec<String> = unusual
        .map(|guard| match guard {
            Guard::Retry | Guard::Overlap | Guard::CatchUp => guard.words(form),
            other => format!(
                "{}: {}",
                other.title(),
                crate::schedules::words::lower_first(&other.words(form))
            ),
        })
        .collect();
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_changed_is_usual() {
        let form = GuardsForm::default();
        assert!(Guard::ALL.into_iter().all(|guard| guard.is_usual(&form)));
        assert_eq!(summary(&form), "");
    }

    #[test]
    fn what_was_changed_is_said() {
        let form = GuardsForm {
            overlap: Overlap::Queue,
            queue_depth: "3".into(),
            timeout: "10m".into(),
            ..GuardsForm::default()
        };
        assert_eq!(
            summary(&form),
            "The new one waits, 3 at most · Time limit: 10m for the whole run"
        );
    }
}
