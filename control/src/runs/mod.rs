//! Runs: recorded first, executed by the worker, visible, cancellable, with a log.

use crate::{Control, error::Result};
use domain::{ids::RunId, runs::RunSummary};
use std::collections::HashMap;

pub mod sweep;

/// Runs by id, for events.
pub(crate) async fn summaries(_control: &Control, _ids: &[uuid::Uuid]) -> Result<HashMap<RunId, RunSummary>> {
    Ok(HashMap::new())
}
