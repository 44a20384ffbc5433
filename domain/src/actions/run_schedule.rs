//! Running another schedule.

use super::{Kind, WorksOn};
use crate::errors::Problem;
use serde::{Deserialize, Serialize};

/// Runs another schedule and waits for its end; the step ends as that run does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunSchedule {
    /// Its id or name; stored as its id.
    pub schedule: String,
}

/// How deep schedules may run schedules: what turns out to be a circle ends here.
pub const DEEPEST: u32 = 8;

impl Kind for RunSchedule {
    const VERB: &'static str = "run_schedule";
    const LABEL: &'static str = "Run a schedule";

    fn works_on(&self) -> WorksOn {
        WorksOn::Nothing
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        if self.schedule.trim().is_empty() {
            return Err(Problem::invalid(
                "schedule_empty",
                &format!("{field}.schedule"),
                "Say which schedule is run.",
            ));
        }
        Ok(())
    }
}
