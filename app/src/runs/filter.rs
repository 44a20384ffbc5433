//! What the page of activity shows; kept in the address, so that it can be linked.

use super::words::is_bad;
use domain::{
    ids::{ContainerId, ScheduleId},
    runs::{RunState, RunSummary},
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::query_signal_with_options};

/// The results one can choose. `running` and `failed` are groups of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Results {
    #[default]
    Everything,
    Planned,
    Running,
    Failed,
    Only(RunState),
}

impl Results {
    pub const CHOICES: [(Results, &'static str, &'static str); 8] = [
        (Results::Everything, "", "Everything"),
        (Results::Planned, "planned", "Planned"),
        (Results::Running, "running", "Running"),
        (Results::Failed, "failed", "Failed"),
        (Results::Only(RunState::Succeeded), "succeeded", "Succeeded"),
        (Results::Only(RunState::Missed), "missed", "Missed"),
        (Results::Only(RunState::Skipped), "skipped", "Skipped"),
        (Results::Only(RunState::Cancelled), "cancelled", "Cancelled"),
    ];

    fn of(word: &str) -> Self {
        Self::CHOICES
            .iter()
            .find(|(_, known, _)| *known == word)
            .map_or(Self::Everything, |(value, ..)| *value)
    }

    fn word(self) -> &'static str {
        Self::CHOICES
            .iter()
            .find(|(value, ..)| *value == self)
            .map_or("", |(_, word, _)| word)
    }

    /// The states to ask the server for, one list each; one without a state is everything.
    pub fn states(self) -> Vec<Option<RunState>> {
        match self {
            Self::Everything => vec![None],
            Self::Planned => Vec::new(),
            Self::Running => vec![
                Some(RunState::Running),
                Some(RunState::Cancelling),
                Some(RunState::Queued),
                Some(RunState::Waiting),
            ],
            Self::Failed => vec![
                Some(RunState::Failed),
                Some(RunState::Partial),
                Some(RunState::Unknown),
            ],
            Self::Only(state) => vec![Some(state)],
        }
    }

    /// Whether a run belongs to the page.
    pub fn holds(self, run: &RunSummary) -> bool {
        match self {
            Self::Everything => true,
            Self::Planned => false,
            Self::Running => !run.status.is_final(),
            Self::Failed => is_bad(run.status) && run.status != RunState::Missed,
            Self::Only(state) => run.status == state,
        }
    }

    /// Whether what is to come belongs to the page.
    pub fn shows_planned(self) -> bool {
        matches!(self, Self::Everything | Self::Planned)
    }
}

/// Whose runs are shown: of one schedule, of those that worked on one container, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Of {
    pub schedule: Option<ScheduleId>,
    pub container: Option<ContainerId>,
}

/// Whether a run belongs to what is shown, as far as the page can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    Yes,
    No,
    Perhaps,
}

/// Result, schedule and container, all from the address.
#[derive(Clone, Copy)]
pub struct Filter {
    pub results: Memo<Results>,
    pub of: Memo<Of>,
    set_show: SignalSetter<Option<String>>,
    set_schedule: SignalSetter<Option<String>>,
    set_container: SignalSetter<Option<String>>,
}

impl Filter {
    pub fn new() -> Self {
        let replace = || NavigateOptions {
            replace: true,
            scroll: false,
            ..Default::default()
        };
        let (show, set_show) = query_signal_with_options::<String>("show", replace());
        let (schedule, set_schedule) = query_signal_with_options::<String>("schedule", replace());
        let (container, set_container) = query_signal_with_options::<String>("container", replace());
        Self {
            results: Memo::new(move |_| {
                show.with(|show| show.as_deref().map(Results::of).unwrap_or_default())
            }),
            of: Memo::new(move |_| Of {
                schedule: schedule.with(|id| id.as_deref().and_then(|id| id.parse().ok())),
                container: container.with(|id| id.as_deref().and_then(|id| id.parse().ok())),
            }),
            set_show,
            set_schedule,
            set_container,
        }
    }

    pub fn show(self, results: Results) {
        self.set_show
            .set(Some(results.word().to_owned()).filter(|word| !word.is_empty()));
    }

    pub fn of_schedule(self, id: Option<ScheduleId>) {
        self.set_schedule.set(id.map(|id| id.to_string()));
    }

    pub fn every_container(self) {
        self.set_container.set(None);
    }

    /// Whether a run belongs to the page; only the server knows on which containers it works.
    pub fn holds(self, run: &RunSummary) -> Fits {
        let of = self.of.get_untracked();
        let schedule = run.schedule.as_ref().map(|schedule| schedule.id);
        if of.schedule.is_some_and(|of| schedule != Some(of)) || !self.results.get_untracked().holds(run) {
            Fits::No
        } else if of.container.is_some() {
            Fits::Perhaps
        } else {
            Fits::Yes
        }
    }
}
