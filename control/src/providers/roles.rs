//! Roles by a provider's claims: looked at anew at each sign-in, for the memberships that claims gave.
//!
//! What people gave by hand is never changed by a provider, and the last owner stays one.

use super::person::Person;
use crate::{
    audit::{self, Entry},
    auth,
    error::{Error, Result},
    people,
};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Role},
    ids::{OrgId, SessionId, UserId},
    providers::{Provider, granted},
};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    by_claims: bool,
}

/// Gives, changes and takes memberships as the mappings say. Gives back the sessions that ended by it.
pub(super) async fn apply(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
    user: UserId,
    name: &str,
    address: Option<&str>,
) -> Result<Vec<SessionId>> {
    let held: Vec<Held> = diesel::sql_query(
        "select org_id, role, provider_id is not distinct from $2 as by_claims from memberships where user_id = $1 for update",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<SqlUuid, _>(provider.id.0)
    .load(conn)
    .await?;
    let mut wanted = granted(&provider.mappings, &person.values);
    for held in held.iter().filter(|held| held.by_claims) {
        // The mapping that gave it may be gone.
        wanted.entry(OrgId(held.org_id)).or_default();
    }
    let held: BTreeMap<OrgId, Held> = held.into_iter().map(|held| (OrgId(held.org_id), held)).collect();
    let mut ended = Vec::new();
    for (org, role) in wanted {
        let actor = Actor {
            user_id: Some(user),
            name: name.to_owned(),
            address: address.map(str::to_owned),
            ..Actor::system(org)
        };
        let by = json!(provider.name);
        match (held.get(&org), role) {
            (None, Some(role)) => {
                // An organisation that is gone gives nothing.
                let given = diesel::sql_query(
                    "insert into memberships (org_id, user_id, role, provider_id) select id, $2, $3, $4 from orgs where id = $1",
                )
                .bind::<SqlUuid, _>(org.0)
                .bind::<SqlUuid, _>(user.0)
                .bind::<Text, _>(role.as_str())
                .bind::<SqlUuid, _>(provider.id.0)
                .execute(conn)
                .await?;
                if given > 0 {
                    let entry = Entry::new("member.add", "user").object(user, name);
                    audit::record(conn, &actor, entry.after(json!({ "role": role, "provider": by }))).await?;
                }
            }
            (Some(held), Some(role)) if held.by_claims => {
                let before = auth::role(&held.role)?;
                if before == role || !may_leave(conn, org, user, before).await? {
                    continue;
                }
                diesel::sql_query("update memberships set role = $3 where org_id = $1 and user_id = $2")
                    .bind::<SqlUuid, _>(org.0)
                    .bind::<SqlUuid, _>(user.0)
                    .bind::<Text, _>(role.as_str())
                    .execute(conn)
                    .await?;
                ended.extend(auth::end_all(conn, user, Some(org), None).await?);
                let entry = Entry::new("member.role", "user").object(user, name);
                let entry = entry.before(json!({ "role": before }));
                audit::record(conn, &actor, entry.after(json!({ "role": role, "provider": by }))).await?;
            }
            (Some(held), None) if held.by_claims => {
                let before = auth::role(&held.role)?;
                if !may_leave(conn, org, user, before).await? {
                    continue;
                }
                ended.extend(people::leave(conn, org, user).await?);
                let entry = Entry::new("member.remove", "user").object(user, name);
                let entry = entry.before(json!({ "role": before }));
                audit::record(conn, &actor, entry.after(json!({ "provider": by }))).await?;
            }
            _ => {}
        }
    }
    Ok(ended)
}

/// Whether somebody may stop being what they are: not if nobody would own the organisation any more.
async fn may_leave(conn: &mut AsyncPgConnection, org: OrgId, user: UserId, before: Role) -> Result<bool> {
    if before != Role::Owner {
        return Ok(true);
    }
    match people::keep_an_owner(conn, org, user).await {
        Ok(()) => Ok(true),
        Err(Error::Problem(_)) => {
            tracing::warn!(org.id = %org, user.id = %user, "the last owner of an organisation stays one, whatever a provider says");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
