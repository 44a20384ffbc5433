//! Webhooks: a schedule's own secret address, `POST /api/v1/hooks/{token}`.
//!
//! Of the token only its hash is kept; what calls are signed with, where that is asked for, is sealed. Both are shown when
//! they are made and never again. A call is decided under the schedule's lock like a fire time, so that every guard holds.

use super::{
    batch::{Asked, Batch},
    due::{Due, closed, hold, select_due, standing},
    queries, rights,
};
use crate::{
    Control, audit,
    auth::tokens,
    db::statement,
    error::{Error, Result},
    events::Topic,
    runs,
    secrets::{self, Owner},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Binary, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, RunId, ScheduleId},
    runs::{RunSummary, RunTrigger},
    schedules::Trigger,
    triggers::WebhookSecrets,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

/// The largest body of a call, in bytes.
pub const LARGEST_CALL: usize = 64 * 1024;

/// A webhook that a token leads to.
#[derive(Clone, Debug, QueryableByName)]
pub struct Webhook {
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_signed: bool,
}

impl Webhook {
    pub fn schedule(&self) -> ScheduleId {
        ScheduleId(self.schedule_id)
    }
}

/// Whether triggers hold a webhook, and whether its calls are signed.
fn wanted(triggers: &[Trigger]) -> Option<bool> {
    triggers.iter().find_map(|trigger| match trigger {
        Trigger::Webhook { signed } => Some(*signed),
        _ => None,
    })
}

/// Makes what a saved schedule's webhook lacks and forgets what it needs no longer. Gives what was made.
pub(super) async fn keep(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    id: ScheduleId,
    triggers: &[Trigger],
) -> Result<Option<WebhookSecrets>> {
    let Some(signed) = wanted(triggers) else {
        diesel::sql_query("delete from schedule_hooks where schedule_id = $1")
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        secrets::delete_for(conn, Owner::Schedule(id)).await?;
        return Ok(None);
    };
    let token = tokens::random("hook_");
    let made = diesel::sql_query(
        "insert into schedule_hooks (schedule_id, org_id, token_hash) values ($1, $2, $3) on conflict (schedule_id) do nothing",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<SqlUuid, _>(org.0)
    .bind::<Binary, _>(tokens::hash(token.expose_secret()))
    .execute(conn)
    .await?;
    let has_secret = secrets::is_kept_for(conn, Owner::Schedule(id)).await?;
    let signing_secret = match (signed, has_secret) {
        (true, false) => Some(new_signing_secret(conn, control, org, id).await?),
        (true, true) => None,
        (false, _) => {
            secrets::delete_for(conn, Owner::Schedule(id)).await?;
            None
        }
    };
    let path = (made > 0).then(|| path(&token));
    Ok((path.is_some() || signing_secret.is_some()).then_some(WebhookSecrets { path, signing_secret }))
}

/// Makes a new address for a schedule's webhook, and a new secret for its signatures where they are asked for. The old
/// ones no longer work.
///
/// # Errors
/// 403; 404; 409 `no_webhook`.
pub async fn renew_webhook(control: &Control, actor: &Actor, id: ScheduleId) -> Result<WebhookSecrets> {
    actor.require(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let (_, schedule) = queries::locked(conn, actor.org_id, id).await?;
        rights::require(control, actor, &schedule.steps)?;
        let Some(signed) = wanted(&schedule.triggers) else {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "no_webhook",
                format!("{} has no webhook. Add one to its triggers first.", schedule.name),
            )
            .into());
        };
        let token = tokens::random("hook_");
        diesel::sql_query(
            "insert into schedule_hooks (schedule_id, org_id, token_hash) values ($1, $2, $3) \
             on conflict (schedule_id) do update set token_hash = excluded.token_hash, created_at = now(), \
               last_called_at = null",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Binary, _>(tokens::hash(token.expose_secret()))
        .execute(conn)
        .await?;
        let signing_secret = if signed {
            Some(new_signing_secret(conn, control, actor.org_id, id).await?)
        } else {
            None
        };
        let entry = audit::Entry::new("schedule.renew_webhook", "schedule").object(id, &schedule.name);
        audit::record(conn, actor, entry).await?;
        Ok(WebhookSecrets {
            path: Some(path(&token)),
            signing_secret,
        })
    })
    .await
}

fn path(token: &SecretString) -> String {
    format!("/api/v1/hooks/{}", token.expose_secret())
}

async fn new_signing_secret(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    id: ScheduleId,
) -> Result<String> {
    let secret = tokens::random("");
    secrets::put_for(conn, control, org, Owner::Schedule(id), &secret).await?;
    Ok(secret.expose_secret().to_owned())
}

/// The webhook behind a token.
///
/// # Errors
/// 404 `webhook_not_found` for a token that is none, or no longer.
pub async fn find_webhook(control: &Control, token: &str) -> Result<Webhook> {
    let mut conn = control.db().conn().await?;
    let found: Option<Webhook> = statement(
        "select h.schedule_id, h.org_id, s.triggers @> '[{\"type\":\"webhook\",\"signed\":true}]' as is_signed \
         from schedule_hooks h join schedules s on s.id = h.schedule_id where h.token_hash = $1 and s.deleted_at is null",
    )
    .bind::<Binary, _>(tokens::hash(token))
    .get_result(&mut conn)
    .await
    .optional()?;
    found.ok_or_else(|| Problem::not_found("webhook").into())
}

/// Runs the schedule for a call of its webhook. `signature` is the header `X-Hub-Signature-256`, `body` what was sent: JSON,
/// or nothing.
///
/// # Errors
/// 400 `body_not_json`; 403 `signature_invalid`; 409 `schedule_disabled`, `schedule_paused`; 409 `secret_damaged`; 503 `secret_key_lost`.
pub async fn call_webhook(
    control: &Control,
    webhook: &Webhook,
    signature: Option<&str>,
    body: &[u8],
) -> Result<RunSummary> {
    let (org, id) = (OrgId(webhook.org_id), webhook.schedule());
    let mut conn = control.db().conn().await?;
    if webhook.is_signed {
        let secret = secrets::open_for(&mut conn, control, org, Owner::Schedule(id)).await?;
        let holds = secret.is_some_and(|secret| is_signed_with(&secret, signature, body));
        if !holds {
            return Err(Problem::new(
                ErrorClass::Forbidden,
                "signature_invalid",
                "This webhook takes signed calls only: send X-Hub-Signature-256 with sha256= and the HMAC-SHA-256 of the \
                 body in hexadecimal digits, made with the webhook's own secret.",
            )
            .into());
        }
    }
    let payload = read(body)?;
    let run = RunId::new();
    let (summary, written) = conn
        .transaction(async |conn| {
            let due: Option<Due> = statement(select_due!(
                "where s.id = $2 and s.enabled and s.deleted_at is null \
                 and (s.paused_until is null or s.paused_until <= now()) for update of s"
            ))
            .bind::<SqlUuid, _>(control.server_id().0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await
            .optional()?;
            let Some(due) = due else {
                return Err(not_now(&queries::view(conn, org, id).await?.name).into());
            };
            let due = [due];
            let standing = standing(conn, &due).await?;
            let closed = closed(conn, &due).await?;
            let [due] = due;
            let hold = hold(control, &closed, &due);
            let standing = standing.get(&due.id).copied().unwrap_or_default();
            let mut batch = Batch::told();
            let asked = Asked {
                run,
                trigger: RunTrigger::Webhook,
                payload,
                due_at: due.now,
            };
            batch.add_asked(&due, standing, hold.as_ref(), &[asked]);
            let written = batch.write(conn).await?;
            diesel::sql_query("update schedule_hooks set last_called_at = now() where schedule_id = $1")
                .bind::<SqlUuid, _>(id.0)
                .execute(conn)
                .await?;
            let summary = runs::summary(conn, org, run).await?.ok_or_else(|| {
                Problem::new(
                    ErrorClass::Conflict,
                    "schedule_unreadable",
                    "A newer release of Chrontainer wrote this schedule. Update the server.",
                )
            })?;
            Ok::<_, Error>((summary, written))
        })
        .await?;
    drop(conn);
    control.runs().ring();
    control.wake(Topic::Events);
    written.count("chrontainer_calls_total");
    if !written.waiting.is_empty() {
        runs::release(control, Some(&written.waiting)).await?;
    }
    Ok(summary)
}

fn not_now(name: &str) -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "schedule_disabled",
        format!("{name} is switched off or paused, so its webhook does nothing. Switch it on first."),
    )
}

/// What was sent, if anything.
fn read(body: &[u8]) -> Result<Option<Value>, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let refused = |why: String| {
        Problem::new(
            ErrorClass::BadRequest,
            "body_not_json",
            format!("What is sent to a webhook is JSON or nothing, and this cannot be taken: {why}."),
        )
    };
    let value: Value = serde_json::from_slice(body).map_err(|error| refused(error.to_string()))?;
    if holds_nul(&value) {
        return Err(refused("it holds the character U+0000".to_owned()));
    }
    Ok(Some(value))
}

/// Postgres keeps no U+0000 in a text.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// Whether the signature is that of the body, compared in constant time.
fn is_signed_with(secret: &SecretString, signature: Option<&str>, body: &[u8]) -> bool {
    let Some(claimed) = signature
        .and_then(|text| text.trim().strip_prefix("sha256="))
        .and_then(from_hex)
    else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&claimed).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<Vec<u8>>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair[0] * 16 + pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_github() {
        // The example of GitHub's documentation, "Validating webhook deliveries".
        let secret = SecretString::from("It's a Secret to Everybody");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed_with(&secret, Some(good), b"Hello, World!"));
        assert!(is_signed_with(
            &secret,
            Some(&good.to_uppercase().replace("SHA", "sha")),
            b"Hello, World!"
        ));
        for wrong in [
            None,
            Some(""),
            Some("sha256="),
            Some("sha256=75"),
            Some("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1x"),
            Some("sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
            Some("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        ] {
            assert!(!is_signed_with(&secret, wrong, b"Hello, World!"), "{wrong:?}");
        }
        assert!(!is_signed_with(&secret, Some(good), b"Hello, World"));
    }

    #[test]
    fn what_is_sent_is_json_or_nothing() {
        assert_eq!(read(b" \n").unwrap(), None);
        assert_eq!(read(b"{\"a\":1}").unwrap(), Some(serde_json::json!({ "a": 1 })));
        for wrong in [&b"a=1"[..], b"{", b"{\"a\":\"\\u0000\"}", b"\xff"] {
            assert_eq!(read(wrong).unwrap_err().code, "body_not_json");
        }
    }
}
