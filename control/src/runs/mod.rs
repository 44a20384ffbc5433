//! Runs: recorded first, executed by the worker, visible, cancellable, with a log.

use crate::{Control, error::Result};
use domain::{ids::RunId, runs::RunSummary};
use std::collections::HashMap;

pub mod sweep;

/// Runs by id, for events.
pub(crate) async fn summaries(_control: &Control, _ids: &[uuid::Uuid]) -> Result<HashMap<RunId, RunSummary>> {
    Ok(HashMap::new())
}

/// Which containers open runs work on.
pub(crate) async fn busy(
    _control: &Control,
) -> Result<HashMap<domain::ids::ContainerId, domain::containers::BusyWith>> {
    Ok(HashMap::new())
}

/// Records a run that a person or program asked for directly.
pub async fn start_direct(
    _control: &Control,
    _actor: &domain::auth::Actor,
    _title: String,
    _plan: domain::runs::RunPlan,
    _idempotency_key: Option<&str>,
) -> Result<RunSummary> {
    Err(domain::errors::Problem::new(
        domain::errors::ErrorClass::Unavailable,
        "no_worker",
        "No worker runs yet.",
    )
    .into())
}
