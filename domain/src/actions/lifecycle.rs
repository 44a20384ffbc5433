//! Starting, stopping and what is between; and doing nothing.

use super::{Kind, WorksOn};
use crate::{durations::HumanDuration, errors::Problem};
use std::time::Duration;

/// Beyond this an engine call would outlive every deadline.
const LONGEST_GRACE: Duration = Duration::from_secs(3600);

pub(super) struct Start;
pub(super) struct Stop(pub Option<HumanDuration>);
pub(super) struct Restart(pub Option<HumanDuration>);
pub(super) struct Pause;
pub(super) struct Unpause;
pub(super) struct Noop;

impl Kind for Start {
    const VERB: &'static str = "start";
    const LABEL: &'static str = "Start";
}

impl Kind for Stop {
    const VERB: &'static str = "stop";
    const LABEL: &'static str = "Stop";

    fn refused_on_itself(&self) -> bool {
        true
    }

    fn goes_backwards(&self) -> bool {
        true
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        grace(self.0, field)
    }
}

impl Kind for Restart {
    const VERB: &'static str = "restart";
    const LABEL: &'static str = "Restart";

    fn check(&self, field: &str) -> Result<(), Problem> {
        grace(self.0, field)
    }
}

impl Kind for Pause {
    const VERB: &'static str = "pause";
    const LABEL: &'static str = "Pause";

    fn refused_on_itself(&self) -> bool {
        true
    }

    fn goes_backwards(&self) -> bool {
        true
    }
}

impl Kind for Unpause {
    const VERB: &'static str = "unpause";
    const LABEL: &'static str = "Unpause";
}

impl Kind for Noop {
    const VERB: &'static str = "noop";
    const LABEL: &'static str = "Do nothing";

    fn works_on(&self) -> WorksOn {
        WorksOn::Nothing
    }
}

fn grace(grace: Option<HumanDuration>, field: &str) -> Result<(), Problem> {
    match grace {
        Some(grace) if grace.get() > LONGEST_GRACE => Err(Problem::invalid(
            "grace_too_long",
            &format!("{field}.grace"),
            format!("A grace time of {grace} is too long; at most 1h is allowed."),
        )),
        _ => Ok(()),
    }
}
