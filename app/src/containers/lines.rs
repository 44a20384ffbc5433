//! The containers that a page shows: one signal each, so that a change touches one row, and what is being done to them.

use super::{api, words};
use crate::{components::State, components::container_state, error::AppError, live::Live};
use domain::{
    containers::Container,
    events::Event,
    ids::{ContainerId, RunId},
    runs::{RunState, RunSummary},
};
use leptos::prelude::*;
use std::collections::HashMap;

/// What this page asked for, until it is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    Working {
        verb: String,
        run: Option<RunId>,
    },
    /// It is one of many of a run, whose targets say how it ended.
    Many {
        verb: String,
        run: RunId,
    },
    Failed {
        verb: String,
        message: String,
        run: Option<RunId>,
    },
}

/// One container of the page.
#[derive(Clone)]
pub struct Line {
    pub id: ContainerId,
    pub container: ArcRwSignal<Container>,
    pub doing: ArcRwSignal<Option<Doing>>,
    /// Under which digests registries know its image, once somebody wanted to know.
    pub digests: ArcRwSignal<Vec<String>>,
    /// The image for which that was asked.
    asked: ArcStoredValue<String>,
}

impl Line {
    fn new(container: Container) -> Self {
        Self {
            id: container.id,
            container: ArcRwSignal::new(container),
            doing: ArcRwSignal::new(None),
            digests: ArcRwSignal::new(Vec::new()),
            asked: ArcStoredValue::new(String::new()),
        }
    }

    /// Asks its engine for the digests of its image, once for each image. What cannot be had is left out.
    pub fn ask_image(&self) {
        let (image, stale) = self.container.with_untracked(|c| (c.image_id.clone(), c.stale));
        if stale || image.is_empty() || self.asked.with_value(|asked| *asked == image) {
            return;
        }
        self.asked.set_value(image.clone());
        let line = self.clone();
        leptos::task::spawn_local(async move {
            match api::image(line.id).await {
                Ok(digests) if line.asked.with_value(|asked| *asked == image) => line.digests.set(digests),
                Ok(_) => {}
                // The next one who points at it asks again.
                Err(_) => line.asked.set_value(String::new()),
            }
        });
    }

    /// Its state now: what is being done goes before what the engine says.
    pub fn state(&self) -> State {
        match self.doing.get() {
            Some(Doing::Working { verb, .. } | Doing::Many { verb, .. }) => {
                State::new("working", words::doing(&verb))
            }
            Some(Doing::Failed { verb, .. }) => {
                State::new("failed", format!("{} failed", words::label(&verb)))
            }
            None => self.container.with(|container| match &container.busy {
                Some(busy) => State::new("working", words::doing(&busy.action)),
                None => container_state(container),
            }),
        }
    }

    /// Why the last thing did not work.
    pub fn failure(&self) -> Option<String> {
        match self.doing.get() {
            Some(Doing::Failed { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// The run that works on it, or that failed.
    pub fn run(&self) -> Option<RunId> {
        match self.doing.get() {
            Some(Doing::Working { run, .. } | Doing::Failed { run, .. }) => run,
            Some(Doing::Many { run, .. }) => Some(run),
            None => self
                .container
                .with(|container| container.busy.as_ref().map(|busy| busy.run_id)),
        }
    }

    /// Whether something is being done to it now.
    pub fn is_busy(&self) -> bool {
        matches!(self.doing.get(), Some(Doing::Working { .. } | Doing::Many { .. }))
            || self.container.with(|c| c.busy.is_some())
    }

    pub fn forget_failure(&self) {
        self.doing.set(None);
    }

    /// Asks for an action: the row shows it at once, and the answer or the run's end settles it.
    pub fn act(&self, verb: &'static str) {
        let line = self.clone();
        line.doing.set(Some(Doing::Working {
            verb: verb.to_owned(),
            run: None,
        }));
        leptos::task::spawn_local(async move {
            let key = RunId::new().to_string();
            match api::act(line.id.to_string(), verb.to_owned(), key).await {
                Ok(run) if run.status.is_final() => line.settle(verb, &run),
                Ok(run) => line.doing.set(Some(Doing::Working {
                    verb: verb.to_owned(),
                    run: Some(run.id),
                })),
                Err(error) => line.refused(verb, error),
            }
        });
    }

    /// Shows at once that it is being worked on, for an action that others send.
    pub fn begin(&self, verb: &str) {
        self.doing.set(Some(Doing::Working {
            verb: verb.to_owned(),
            run: None,
        }));
    }

    /// The run that works on it is known.
    pub fn belongs(&self, verb: &str, run: RunId) {
        if matches!(self.doing.get_untracked(), Some(Doing::Working { run: None, .. })) {
            self.doing.set(Some(Doing::Many {
                verb: verb.to_owned(),
                run,
            }));
        }
    }

    /// A run over many is done with this one.
    pub fn ended(&self, run: RunId, failure: Option<String>) {
        let Some(Doing::Many { verb, run: mine }) = self.doing.get_untracked() else {
            return;
        };
        if mine == run {
            self.doing.set(failure.map(|message| Doing::Failed {
                verb,
                message,
                run: Some(run),
            }));
        }
    }

    fn refused(&self, verb: &str, error: AppError) {
        self.doing.set(Some(Doing::Failed {
            verb: verb.to_owned(),
            message: error.0.message,
            run: None,
        }));
    }

    fn settle(&self, verb: &str, run: &RunSummary) {
        self.doing.set(match run.status {
            RunState::Succeeded => None,
            _ => Some(Doing::Failed {
                verb: verb.to_owned(),
                message: run
                    .message
                    .clone()
                    .unwrap_or_else(|| "It did not succeed. The run says why.".to_owned()),
                run: Some(run.id),
            }),
        });
    }

    /// Takes news of a run: its end settles what was asked for here.
    fn hear_run(&self, run: &RunSummary) {
        let Some(Doing::Working { verb, run: Some(id) }) = self.doing.get_untracked() else {
            return;
        };
        if id == run.id && run.status.is_final() {
            self.settle(&verb, run);
        }
    }
}

/// All lines of a page, by id.
#[derive(Clone, Copy)]
pub struct Lines(StoredValue<HashMap<ContainerId, Line>>);

impl Lines {
    /// Follows live events; `unknown` is called when a container that is not here appears, changes or goes.
    pub fn follow(unknown: impl Fn() + 'static) -> Self {
        let lines = Self(StoredValue::new(HashMap::new()));
        Live::get().listen(move |event| match event {
            Event::ContainerChanged { container } => match lines.find(container.id) {
                Some(line) => line.container.set(container.clone()),
                None => unknown(),
            },
            Event::ContainerRemoved { .. } | Event::FleetChanged { .. } => unknown(),
            Event::RunChanged { run } => {
                lines.0.with_value(|all| {
                    for line in all.values() {
                        line.hear_run(run);
                    }
                });
            }
            _ => {}
        });
        lines
    }

    pub fn find(&self, id: ContainerId) -> Option<Line> {
        self.0.with_value(|all| all.get(&id).cloned())
    }

    /// The line of a container that was read, made when it is new.
    pub fn line(&self, container: &Container) -> Line {
        if let Some(line) = self.find(container.id) {
            return line;
        }
        let line = Line::new(container.clone());
        self.0.update_value(|all| {
            all.insert(line.id, line.clone());
        });
        line
    }

    /// Takes containers as they were read just now.
    pub fn refresh(&self, containers: &[Container]) {
        for container in containers {
            let line = self.line(container);
            if line.container.with_untracked(|old| old != container) {
                line.container.set(container.clone());
            }
            // Its end may have been missed while the stream was away.
            if container.busy.is_none()
                && matches!(
                    line.doing.get_untracked(),
                    Some(Doing::Working { run: Some(_), .. } | Doing::Many { .. })
                )
            {
                line.doing.set(None);
            }
        }
    }
}
