//! Schedules: what should happen when.

pub mod ticker;

use domain::{ids::OrgId, selectors::Selector};

/// What is planned next for the containers of a selector.
pub struct Planned {
    pub schedule_id: domain::ids::ScheduleId,
    pub name: String,
    pub next_at: domain::Timestamp,
    pub action: String,
    pub selector: Selector,
}

/// Every coming fire, soonest first, per organisation.
pub(crate) async fn planned(
    _control: &crate::Control,
) -> crate::Result<std::collections::HashMap<OrgId, Vec<Planned>>> {
    Ok(std::collections::HashMap::new())
}
