//! Selectors of grants and keys: stored with hosts by id, shown with their names.

use crate::{error::Result, schedules};
use diesel_async::AsyncPgConnection;
use domain::{
    errors::Problem,
    ids::{HostId, OrgId},
    selectors::Selector,
};
use std::collections::HashMap;

pub(crate) struct Hosts(HashMap<HostId, String>);

impl Hosts {
    pub async fn of(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Self> {
        Ok(Self(schedules::host_names(conn, org).await?))
    }

    /// A person's text as it is stored.
    ///
    /// # Errors
    /// 422 with the field and the position.
    pub fn bind(&self, text: &str, field: &str) -> Result<String, Problem> {
        let find = |name: &str| {
            let same = |(_, known): &(&HostId, &String)| known.to_lowercase() == name.to_lowercase();
            self.0.iter().find(same).map(|(id, _)| *id)
        };
        Selector::parse_target(text)
            .and_then(|selector| selector.bind_hosts(find))
            .map(|selector| selector.to_string())
            .map_err(|error| error.problem(field))
    }

    /// A stored text as people read it.
    pub fn show(&self, stored: &str) -> String {
        match Selector::parse_target(stored) {
            Ok(selector) => selector.unbind_hosts(|id| self.0.get(&id).cloned()).to_string(),
            Err(_) => stored.to_owned(),
        }
    }
}
