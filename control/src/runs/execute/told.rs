//! What a run tells the audit log beside its own record: the commands it gives to containers, and the secrets it opens.

use super::{Executor, Stop, target::Target};
use crate::{
    audit::{self, Entry},
    auth, secrets,
};
use domain::auth::{Actor, Via};
use serde_json::json;

impl Executor {
    /// The person that the run acts for, as the log writes them: they came by this run.
    async fn teller(&self) -> Result<Actor, Stop> {
        let claimed = &self.claimed;
        let mut conn = self.control.db().conn().await?;
        let person = match claimed.acts_for {
            Some(user) => auth::actor_for_user(&mut conn, claimed.org, user).await?,
            None => None,
        };
        Ok(Actor {
            via: Via::Run { id: claimed.run },
            ..person.unwrap_or_else(|| Actor::system(claimed.org))
        })
    }

    async fn tell(&self, entries: Vec<Entry>) -> Result<(), Stop> {
        let actor = self.teller().await?;
        let mut conn = self.control.db().conn().await?;
        for entry in entries {
            audit::record(&mut conn, &actor, entry).await?;
        }
        Ok(())
    }

    /// A command that is about to be given to a container. It is not given unless this was written.
    pub(super) async fn tell_command(&self, step: i32, target: &Target, command: String) -> Result<(), Stop> {
        let entry = Entry::new("container.exec", "container").after(json!({
            "run": self.claimed.run, "of": self.claimed.title, "step": step, "command": command,
        }));
        let entry = match target.container_id {
            Some(id) => entry.object(id, &target.place()),
            None => entry,
        };
        self.tell(vec![entry]).await
    }

    /// Secrets that were opened for a step. Each is told once for a step, however many targets and attempts it has.
    pub(super) async fn tell_secrets(&self, step: i32, names: Vec<String>) -> Result<(), Stop> {
        let new: Vec<String> = {
            let mut told = self.told.lock();
            names
                .into_iter()
                .filter(|name| told.insert((step, name.to_lowercase())))
                .collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(new.len());
        for name in new {
            let entry = Entry::new("secret.use", "secret").after(json!({
                "run": self.claimed.run, "of": self.claimed.title, "step": step,
            }));
            entries.push(
                match secrets::id_of(&self.control, self.claimed.org, &name).await? {
                    Some(id) => entry.object(id, &name),
                    None => Entry {
                        object_name: Some(name),
                        ..entry
                    },
                },
            );
        }
        self.tell(entries).await
    }
}
