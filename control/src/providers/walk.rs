//! Trying a provider out with a round trip: the browser goes there and comes back as in a sign-in, everything is checked, and
//! then nobody is signed in and nothing is linked. What would have happened is told to whoever asked, in their session alone.

use super::{
    enter::{allowed, by_email, by_subject, is_welcome},
    person::Person,
};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission, Via},
    ids::SessionId,
    providers::{ProbeReport, ProbeStep, Provider, ProviderKind, Walked, granted, refusal},
};
use serde_json::{Value, json};
use uuid::Uuid;

fn step(name: &str, ok: bool, message: impl Into<String>) -> ProbeStep {
    ProbeStep {
        name: name.to_owned(),
        ok,
        message: message.into(),
    }
}

/// Keeps what came of a round trip for the session that asked for it.
pub(super) async fn keep(
    control: &Control,
    actor: &Actor,
    session: SessionId,
    provider: &Provider,
    came_back: Result<Person>,
) -> Result<()> {
    let mut conn = control.db().conn().await?;
    let steps = match came_back {
        Ok(person) => foreseen(&mut conn, provider, &person).await?,
        Err(Error::Problem(problem)) => vec![step("Round trip", false, problem.message)],
        Err(error) => return Err(error),
    };
    let report = ProbeReport {
        ok: steps.iter().all(|step| step.ok),
        steps,
    };
    let stored = serde_json::to_value(&report).map_err(|source| Error::Stored {
        what: "a provider's test",
        source,
    })?;
    conn.transaction::<_, Error, _>(async |conn| {
        diesel::sql_query(
            "insert into provider_tests (session_id, provider_id, report) values ($1, $2, $3) \
             on conflict (session_id) do update set provider_id = excluded.provider_id, report = excluded.report, \
               made_at = now()",
        )
        .bind::<SqlUuid, _>(session.0)
        .bind::<SqlUuid, _>(provider.id.0)
        .bind::<Jsonb, _>(&stored)
        .execute(conn)
        .await?;
        let entry = Entry::new("provider.test", "provider").object(provider.id, &provider.name);
        audit::record(conn, actor, entry.after(json!({ "ok": report.ok }))).await
    })
    .await
}

/// What a sign-in of this person would have done.
async fn foreseen(
    conn: &mut AsyncPgConnection,
    provider: &Provider,
    person: &Person,
) -> Result<Vec<ProbeStep>> {
    let checked = match provider.kind {
        ProviderKind::Oidc => "Signature, issuer, audience, nonce and times of its answer are right.",
        ProviderKind::Github => "It took the client's secret and the code.",
    };
    let mut steps = vec![step(
        "Round trip",
        true,
        format!(
            "{} says that you are {} ({}). {checked}",
            provider.name, person.label, person.subject
        ),
    )];
    let email = match allowed(provider, person) {
        Ok(Some(email)) => {
            steps.push(step("Address", true, format!("It has verified {email}.")));
            Some(email)
        }
        Ok(None) => {
            let message = "It has verified no address of yours, and none is asked for.";
            steps.push(step("Address", true, message));
            None
        }
        Err(problem) => {
            steps.push(step("Address", false, problem.message));
            return Ok(steps);
        }
    };
    steps.push(step("Roles", true, roles(conn, provider, person).await?));
    let account = match by_subject(conn, provider, person).await? {
        Some(account) => Some((account, "You would be signed in as")),
        None => match email.filter(|_| provider.link_by_email) {
            Some(email) => match by_email(conn, email).await {
                Ok(found) => found.map(|account| {
                    (
                        account,
                        "By the address you would be linked to, and signed in as,",
                    )
                }),
                Err(Error::Problem(problem)) => {
                    steps.push(step("Account", false, problem.message));
                    return Ok(steps);
                }
                Err(error) => return Err(error),
            },
            None => None,
        },
    };
    steps.push(match account {
        Some((account, _)) if account.disabled => {
            step("Account", false, refusal("account_disabled").unwrap_or_default())
        }
        Some((account, how)) => step("Account", true, format!("{how} {}.", account.name)),
        None if is_welcome(provider, person) => step(
            "Account",
            true,
            format!("An account with the name {} would be made.", person.name),
        ),
        None => step("Account", false, refusal("not_invited").unwrap_or_default()),
    });
    Ok(steps)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// What the mappings give for what the provider says.
async fn roles(conn: &mut AsyncPgConnection, provider: &Provider, person: &Person) -> Result<String> {
    if provider.mappings.is_empty() {
        return Ok("No roles are given by it: people give them.".to_owned());
    }
    let given = granted(&provider.mappings, &person.values);
    let ids: Vec<Uuid> = given.keys().map(|org| org.0).collect();
    let orgs: Vec<Named> =
        diesel::sql_query("select id, name from orgs where id = any($1) order by lower(name)")
            .bind::<Array<SqlUuid>, _>(&ids)
            .load(conn)
            .await?;
    let given: Vec<String> = orgs
        .iter()
        .filter_map(|org| {
            let role = given.iter().find(|(id, _)| id.0 == org.id)?.1.as_ref()?;
            Some(format!("{role} in {}", org.name))
        })
        .collect();
    let said = match person.values.is_empty() {
        true => "It says nothing of you that mappings are held against.".to_owned(),
        false => format!("It says of you: {}.", person.values.join(", ")),
    };
    Ok(match given.is_empty() {
        true => format!("No mapping fits. {said}"),
        false => format!("You would be {}. {said}", given.join(", ")),
    })
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    report: Value,
}

/// What came of the last round trip of this session, if there was one.
///
/// # Errors
/// 403 for all but server administrators.
pub async fn walked(control: &Control, actor: &Actor) -> Result<Option<Walked>> {
    actor.require(Permission::ProvidersManage)?;
    let Via::Session { id } = &actor.via else {
        return Ok(None);
    };
    let mut conn = control.db().conn().await?;
    let row: Option<Row> = diesel::sql_query(
        "select p.name, t.report from provider_tests t join identity_providers p on p.id = t.provider_id \
         where t.session_id = $1",
    )
    .bind::<SqlUuid, _>(id.0)
    .get_result(&mut conn)
    .await
    .optional()?;
    row.map(|row| {
        let report = serde_json::from_value(row.report).map_err(|source| Error::Stored {
            what: "a provider's test",
            source,
        })?;
        Ok(Walked {
            provider: row.name,
            report,
        })
    })
    .transpose()
}
