//! Which containers a target finds now.

use super::validate;
use crate::{Control, error::Result};
use domain::{
    auth::{Actor, Permission},
    containers::Container,
    ids::HostId,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What a target finds now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matches {
    /// Containers found, and on how many hosts.
    pub total: u32,
    pub hosts: u32,
    /// The first of them, by host and name.
    pub items: Vec<Container>,
}

/// Finds what a target would touch if it ran now.
///
/// # Errors
/// 403; 422 `invalid_selector` with the position.
pub async fn matches(control: &Control, actor: &Actor, selector: &str, limit: usize) -> Result<Matches> {
    actor.require(Permission::ContainersRead)?;
    let names = control.fleet().host_names(actor.org_id);
    let find = |name: &str| -> Option<HostId> {
        names
            .iter()
            .find(|host| host.name.to_lowercase() == name)
            .map(|host| host.id)
    };
    let selector = validate::bound(selector, "target", find)?;
    let found = control.fleet().resolve(actor.org_id, &selector);
    let hosts: HashSet<HostId> = found.iter().map(|target| target.host_id).collect();
    let items = found
        .iter()
        .take(limit)
        .filter_map(|target| control.fleet().line(actor.org_id, target.container_id))
        .map(|line| control.fleet().view(actor.org_id, &line))
        .collect();
    Ok(Matches {
        total: found.len().try_into().unwrap_or(u32::MAX),
        hosts: hosts.len().try_into().unwrap_or(u32::MAX),
        items,
    })
}
