//! How long runs are kept.

use crate::errors::Problem;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most that can be asked for.
const MOST_DAYS: u32 = 3650;
const MOST_RUNS: u32 = 1_000_000;
/// The least and the most bytes.
const LEAST_BYTES: u64 = 1_000_000;
const MOST_BYTES: u64 = 1_000_000_000_000_000;

/// The limits of one organisation. What goes beyond any of them is deleted, the oldest first; null or absent is no limit. Open
/// runs, the latest run of each schedule and its latest success are never deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Runs that were recorded more days ago go: 1 to 3650.
    #[cfg_attr(feature = "openapi", schema(example = 90))]
    pub days: Option<u32>,
    /// Of each schedule so many stay: 1 to 1,000,000.
    #[cfg_attr(feature = "openapi", schema(example = 1000))]
    pub runs_per_schedule: Option<u32>,
    /// All runs with their logs take about so much: from 1,000,000 on.
    #[cfg_attr(feature = "openapi", schema(example = 1_000_000_000))]
    pub bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: Some(90),
            runs_per_schedule: Some(1000),
            bytes: Some(1_000_000_000),
        }
    }
}

impl Retention {
    /// # Errors
    /// 422 `invalid_retention` with the field.
    pub fn check(&self) -> Result<(), Problem> {
        let within = |value: u64, least: u64, most: u64, field: &str, what: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let message =
                format!("{what} is from {least} to {most}, and {value} is not. Leave it out for no limit.");
            Err(Problem::invalid("invalid_retention", field, message))
        };
        if let Some(days) = self.days {
            within(days.into(), 1, MOST_DAYS.into(), "days", "The number of days")?;
        }
        if let Some(runs) = self.runs_per_schedule {
            within(
                runs.into(),
                1,
                MOST_RUNS.into(),
                "runs_per_schedule",
                "The number of runs",
            )?;
        }
        if let Some(bytes) = self.bytes {
            within(bytes, LEAST_BYTES, MOST_BYTES, "bytes", "The number of bytes")?;
        }
        Ok(())
    }
}

/// The limits, and what is kept now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetentionState {
    pub limits: Retention,
    pub kept: KeptRuns,
}

/// What is kept, as it was measured last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeptRuns {
    pub runs: u64,
    /// About, with steps and logs.
    pub bytes: u64,
    /// When the oldest run was recorded.
    pub oldest: Option<DateTime<Utc>>,
    /// Absent until it was measured once.
    pub measured_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_limits() {
        assert!(Retention::default().check().is_ok());
        let none: Retention = serde_json::from_str("{}").unwrap();
        assert_eq!((none.days, none.bytes), (None, None));
        assert!(none.check().is_ok());
        for (limits, field) in [
            (r#"{"days": 0}"#, "days"),
            (r#"{"days": 4000}"#, "days"),
            (r#"{"runs_per_schedule": 0}"#, "runs_per_schedule"),
            (r#"{"bytes": 10}"#, "bytes"),
        ] {
            let limits: Retention = serde_json::from_str(limits).unwrap();
            let problem = limits.check().unwrap_err();
            assert_eq!(problem.code, "invalid_retention");
            assert_eq!(problem.details["field"], field);
        }
        assert!(serde_json::from_str::<Retention>(r#"{"weeks": 3}"#).is_err());
    }
}
