//! Adding hosts, and changing them.

use super::{
    host_key,
    queries::{self, Row},
    settings::{Settings, Shown},
};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
    events::{Kind, Topic, publish},
    schedules,
    schema::hosts,
};
use diesel::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    hosts::{self as rules, Change, Host, HostDraft, HostPatch},
    ids::HostId,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Adds a host; its watcher starts at once. It need not answer now, but an SSH host that does shows its key first, and
/// a person confirms it.
///
/// # Errors
/// 403; 422 with the field; 409 `name_taken`, `host_exists`, `host_key_unknown`, `host_key_changed`.
pub async fn create(control: &Control, actor: &Actor, draft: HostDraft) -> Result<Host> {
    add(control, actor, draft, true).await
}

/// As [`create`]; without `confirm` an SSH host is added without its key, and waits for a person.
pub(super) async fn add(control: &Control, actor: &Actor, draft: HostDraft, confirm: bool) -> Result<Host> {
    actor.require(Permission::HostsManage)?;
    let patch = HostPatch::from(draft);
    let fields = Fields::default().changed(&patch, actor)?;
    let url = patch.url.as_deref().unwrap_or_default();
    let mut settings = Settings::new(url)?.changed(&patch)?;
    settings.way()?;
    if fields.enabled && confirm {
        host_key::confirm(&mut settings).await?;
    }
    let row = insert(control, actor, HostId::new(), &fields, &settings).await?;
    ring(control);
    view(control, row).await
}

pub(super) async fn insert(
    control: &Control,
    actor: &Actor,
    id: HostId,
    fields: &Fields,
    settings: &Settings,
) -> Result<Row> {
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row: Row = diesel::insert_into(hosts::table)
            .values((
                hosts::id.eq(id.0),
                hosts::org_id.eq(actor.org_id.0),
                hosts::name.eq(&fields.name),
                hosts::url.eq(settings.url.to_string()),
                hosts::tags.eq(&fields.tags),
                hosts::note.eq(&fields.note),
                hosts::enabled.eq(fields.enabled),
                hosts::maintenance.eq(fields.maintenance),
                hosts::labels_allowed_by.eq(fields.labels_allowed_by),
                hosts::address.eq(&fields.address),
                hosts::transport.eq(to_json(&settings.shown)?),
            ))
            .returning(Row::as_select())
            .get_result(conn)
            .await?;
        settings.store(conn, control, actor.org_id, id).await?;
        let entry = Entry::new("host.create", "host")
            .object(id, &fields.name)
            .after(written(&row));
        audit::record(conn, actor, entry).await?;
        publish(conn, actor.org_id, Kind::Host, id.0).await?;
        Result::<_>::Ok(row)
    })
    .await
}

/// Replaces what is not secret of a host (`PUT`); what the draft leaves out of `tls` and `ssh` stays.
///
/// # Errors
/// As [`change`].
pub async fn replace(control: &Control, actor: &Actor, id: HostId, draft: HostDraft) -> Result<Host> {
    change(control, actor, id, draft.into()).await
}

/// Changes some of a host (`PATCH`). It is connected anew where that concerns the connection.
///
/// # Errors
/// 403; 404; 422 with the field; 409 `stale_version` with the current object, `name_taken`, `host_exists`,
/// `host_key_unknown`, `host_key_changed`.
pub async fn change(control: &Control, actor: &Actor, id: HostId, patch: HostPatch) -> Result<Host> {
    actor.require(Permission::HostsManage)?;
    // Between reading and writing an SSH host may be asked for its key, and nothing is locked for that long.
    for _ in 0..5 {
        let mut conn = control.db().conn().await?;
        let row = queries::find(&mut conn, actor.org_id, id)
            .await?
            .ok_or_else(|| Problem::not_found("host"))?;
        if patch.version.is_some_and(|version| version != row.version) {
            let current = view(control, row).await?;
            return Err(stale(&current).into());
        }
        let fields = Fields::of(&row).changed(&patch, actor)?;
        let settings = match concerns_connection(&patch) {
            true => {
                let before = Settings::read_or_forget(&mut conn, control, &row).await?;
                let mut next = before.changed(&patch)?;
                drop(conn);
                next.way()?;
                let another = next.url != before.url || next.shown != before.shown;
                if fields.enabled && (another || patch.accept_fingerprint.is_some()) {
                    host_key::confirm(&mut next).await?;
                }
                (next != before).then_some(next)
            }
            false => None,
        };
        if settings.is_none() && fields == Fields::of(&row) {
            return view(control, row).await;
        }
        if let Some(row) = update(control, actor, &row, &fields, settings.as_ref()).await? {
            ring(control);
            return view(control, row).await;
        }
    }
    Err(Error::Internal(format!("host {id} changes all the time")))
}

/// Nothing when somebody else was quicker.
async fn update(
    control: &Control,
    actor: &Actor,
    before: &Row,
    fields: &Fields,
    settings: Option<&Settings>,
) -> Result<Option<Row>> {
    use diesel::OptionalExtension;
    let id = HostId(before.id);
    let (url, shown, link) = match settings {
        Some(settings) => (
            settings.url.to_string(),
            to_json(&settings.shown)?,
            before.link.wrapping_add(1),
        ),
        None => (before.url.clone(), before.transport.clone(), before.link),
    };
    let mut conn = control.db().conn().await?;
    conn.transaction(async |conn| {
        let row: Option<Row> = diesel::update(
            hosts::table
                .filter(hosts::id.eq(before.id))
                .filter(hosts::version.eq(before.version)),
        )
        .set((
            hosts::name.eq(&fields.name),
            hosts::url.eq(url),
            hosts::tags.eq(&fields.tags),
            hosts::note.eq(&fields.note),
            hosts::enabled.eq(fields.enabled),
            hosts::maintenance.eq(fields.maintenance),
            hosts::labels_allowed_by.eq(fields.labels_allowed_by),
            hosts::address.eq(&fields.address),
            hosts::transport.eq(shown),
            hosts::link.eq(link),
            hosts::version.eq(before.version + 1),
            hosts::updated_at.eq(diesel::dsl::now),
        ))
        .returning(Row::as_select())
        .get_result(conn)
        .await
        .optional()?;
        let Some(row) = row else { return Ok(None) };
        if before.labels_allowed_by.is_some() && fields.labels_allowed_by.is_none() {
            schedules::archive_host(conn, actor, id).await?;
        }
        if let Some(settings) = settings {
            settings.store(conn, control, actor.org_id, id).await?;
        }
        let entry = Entry::new("host.update", "host")
            .object(id, &fields.name)
            .before(written(before))
            .after(written(&row));
        audit::record(conn, actor, entry).await?;
        publish(conn, actor.org_id, Kind::Host, id.0).await?;
        Result::<_>::Ok(Some(row))
    })
    .await
}

/// What is stored beside the connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub name: String,
    tags: Vec<String>,
    note: String,
    pub enabled: bool,
    maintenance: bool,
    labels_allowed_by: Option<Uuid>,
    address: Option<String>,
}

impl Fields {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            enabled: true,
            ..Self::default()
        }
    }

    fn of(row: &Row) -> Self {
        Self {
            name: row.name.clone(),
            tags: row.tags.clone(),
            note: row.note.clone(),
            enabled: row.enabled,
            maintenance: row.maintenance,
            labels_allowed_by: row.labels_allowed_by,
            address: row.address.clone(),
        }
    }

    fn changed(mut self, patch: &HostPatch, actor: &Actor) -> Result<Self, Problem> {
        if let Some(name) = &patch.name {
            self.name = rules::valid_name(name)?;
        }
        if let Some(tags) = &patch.tags {
            self.tags = rules::valid_tags(tags)?;
        }
        if let Some(note) = &patch.note {
            self.note = rules::valid_note(note)?;
        }
        self.enabled = patch.enabled.unwrap_or(self.enabled);
        self.maintenance = patch.maintenance.unwrap_or(self.maintenance);
        self.labels_allowed_by = match (patch.label_schedules, self.labels_allowed_by) {
            (None, by) => by,
            (Some(false), _) => None,
            (Some(true), Some(by)) => Some(by),
            (Some(true), None) => Some(allower(actor)?),
        };
        self.address = match &patch.address {
            Change::Keep => self.address,
            Change::Clear => None,
            Change::Set(address) => rules::valid_address(address)?,
        };
        Ok(self)
    }
}

/// Whom the schedules of labels act for: the person who lets labels count.
fn allower(actor: &Actor) -> Result<Uuid, Problem> {
    schedules::rights::require_no_limit(actor)?;
    let person = actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "Schedules of labels act for the person who allows them, so a person must do it. Sign in, or use an API key.",
        )
    })?;
    Ok(person.0)
}

fn concerns_connection(patch: &HostPatch) -> bool {
    patch.url.is_some() || !patch.tls.is_keep() || !patch.ssh.is_keep() || patch.accept_fingerprint.is_some()
}

/// After the commit: watchers are made anew, and pages hear of it.
pub(super) fn ring(control: &Control) {
    control.wake(Topic::Hosts);
    control.wake(Topic::Events);
}

async fn view(control: &Control, row: Row) -> Result<Host> {
    let mut conn = control.db().conn().await?;
    queries::view(&mut conn, control, row).await
}

/// What a person wrote; of secrets only whether they are there.
pub(super) fn written(row: &Row) -> Value {
    json!({
        "name": row.name,
        "url": row.url,
        "tags": row.tags,
        "note": row.note,
        "enabled": row.enabled,
        "maintenance": row.maintenance,
        "label_schedules": row.labels_allowed_by.is_some(),
        "address": row.address,
        "transport": row.transport,
    })
}

fn to_json(shown: &Shown) -> Result<Value> {
    serde_json::to_value(shown).map_err(|source| Error::Stored {
        what: "a host's transport",
        source,
    })
}

fn stale(current: &Host) -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "stale_version",
        "This host was changed by somebody else in the meantime, so nothing was saved. Look at what it is now, and make your \
         change again.",
    )
    .with("current", current)
}
