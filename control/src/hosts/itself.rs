//! Chrontainer's own containers, which it must not take away.

use crate::{Control, db::DatabaseHost};
use domain::containers::ContainerFacts;

/// Recognises the container that this server runs in, and that of its database.
pub(super) struct Itself {
    container: Option<String>,
    database: Option<String>,
    stack: Option<String>,
}

impl Itself {
    pub fn new<'a>(control: &Control, mut list: impl Iterator<Item = &'a ContainerFacts>) -> Self {
        let container = control.options().own_container.clone();
        let own = container
            .as_ref()
            .and_then(|id| list.find(|c| engine::itself::is_same_container(&c.engine_id, id)));
        let database = match &control.db().spec().host {
            DatabaseHost::Tcp(name) => Some(name.clone()),
            DatabaseHost::Socket(_) => None,
        };
        Self {
            stack: own.and_then(|own| own.stack().map(str::to_owned)),
            database: own.and(database),
            container,
        }
    }

    pub fn is(&self, facts: &ContainerFacts) -> bool {
        if self
            .container
            .as_ref()
            .is_some_and(|id| engine::itself::is_same_container(&facts.engine_id, id))
        {
            return true;
        }
        // On one network, a container is reached by its name, or by its service's within the same project.
        let Some(database) = &self.database else {
            return false;
        };
        facts.name == *database
            || facts.service() == Some(database.as_str()) && self.stack.as_deref() == facts.stack()
    }
}
