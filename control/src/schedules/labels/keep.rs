//! Makes the schedules of labels what the labels say.
//!
//! Each host is looked at when something on it changed, and now and then anyway. Every server does it, one at a time per
//! host; the second finds nothing left to do. A host that does not answer tells nothing, so nothing of it changes.

use super::read::read;
use crate::{
    Control,
    error::Result,
    schedules::{
        queries::{self, Row},
        service::{self, Accepted},
        timing::Timing,
        validate,
    },
    schema::schedules,
};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::Actor,
    hosts::HostStatus,
    ids::{ContainerId, HostId, OrgId, ScheduleId, UserId},
    labels::PREFIX,
    schedules::{MAX_NAME, ScheduleDraft},
};
use parking_lot::Mutex;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

/// How long changes are gathered: making a container anew takes its name away for a moment.
const GATHER: Duration = Duration::from_secs(3);
/// How often every host is looked at although nothing was told of it.
const EVERY: Duration = Duration::from_secs(300);
/// How many names are tried where one is taken.
const NAMES: usize = 9;

/// The hosts that are to be looked at, and what was found on each the last time.
#[derive(Clone, Default)]
pub(crate) struct Labels(Arc<Inner>);

#[derive(Default)]
struct Inner {
    dirty: Mutex<HashSet<HostId>>,
    seen: Mutex<HashMap<HostId, u64>>,
    bell: Notify,
}

impl Labels {
    /// Something changed on a host.
    pub fn mark(&self, host: HostId) {
        if self.0.dirty.lock().insert(host) {
            self.0.bell.notify_one();
        }
    }

    /// A host is looked at anew, whatever was found before.
    pub fn forget(&self, host: HostId) {
        self.0.seen.lock().remove(&host);
        self.mark(host);
    }
}

/// A schedule as labels want it.
struct Wanted {
    container: ContainerId,
    label: String,
    place: String,
    draft: ScheduleDraft,
}

/// What there is on a host.
struct Found {
    org: OrgId,
    name: String,
    allowed_by: UserId,
    wanted: Vec<Wanted>,
}

/// Follows the labels until the server stops.
pub(crate) async fn keep(control: &Control) {
    let stop = control.stopping();
    let mut looked = Instant::now();
    loop {
        let waiting = async {
            tokio::select! {
                () = control.labels().0.bell.notified() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep_until(looked + EVERY) => {}
            }
        };
        if stop.run_until_cancelled(waiting).await.is_none() {
            return;
        }
        let mut dirty = std::mem::take(&mut *control.labels().0.dirty.lock());
        if looked.elapsed() >= EVERY {
            looked = Instant::now();
            control.labels().0.seen.lock().clear();
            dirty.extend(control.fleet().hosts_with_labels());
        }
        for host in dirty {
            if let Err(error) = follow(control, host).await {
                tracing::warn!(host.id = %host, error = %error, "the labels of a host could not be followed now");
                control.labels().0.seen.lock().remove(&host);
            }
        }
    }
}

async fn follow(control: &Control, host: HostId) -> Result<()> {
    let Some(found) = look(control, host) else {
        return Ok(());
    };
    let fingerprint = found.fingerprint();
    if control.labels().0.seen.lock().get(&host) == Some(&fingerprint) {
        return Ok(());
    }
    let mut conn = control.db().conn().await?;
    let changed = conn
        .transaction(async |conn| {
            lock(conn, host).await?;
            apply(control, conn, host, &found).await
        })
        .await?;
    control.labels().0.seen.lock().insert(host, fingerprint);
    if changed > 0 {
        service::ring(control);
    }
    Ok(())
}

/// What the labels of a host ask for; nothing while they do not count, or while it is not known what is there.
fn look(control: &Control, host: HostId) -> Option<Found> {
    control
        .fleet()
        .with_host(host, |line| {
            if !line.listed || line.status != HostStatus::Online {
                return None;
            }
            let mut wanted = Vec::new();
            for container in line.lines.values() {
                let place = format!("{}/{}", line.host.name, container.facts.name);
                for labelled in read(container) {
                    // What is wrong is shown where people look, and is no schedule.
                    let Ok(draft) = labelled.draft else { continue };
                    wanted.push(Wanted {
                        container: container.id,
                        draft: of_container(draft, container.id, &labelled.name),
                        label: labelled.name,
                        place: place.clone(),
                    });
                }
            }
            wanted.sort_by(|a, b| (a.container, &a.label).cmp(&(b.container, &b.label)));
            Some(Found {
                org: line.org_id,
                name: line.host.name.clone(),
                allowed_by: line.labels_allowed_by?,
                wanted,
            })
        })
        .flatten()
}

/// With the container as its target, as long as it has the label.
fn of_container(mut draft: ScheduleDraft, container: ContainerId, label: &str) -> ScheduleDraft {
    let target = format!("id:{container} label:{PREFIX}{label}.action");
    for step in &mut draft.steps {
        target.clone_into(&mut step.target);
    }
    draft
}

impl Found {
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.name, self.allowed_by).hash(&mut hasher);
        for one in &self.wanted {
            (one.container, &one.label, &one.place).hash(&mut hasher);
            // Drafts always are JSON.
            serde_json::to_string(&one.draft)
                .unwrap_or_default()
                .hash(&mut hasher);
        }
        hasher.finish()
    }

    fn actor(&self) -> Actor {
        let mut actor = Actor::system(self.org);
        actor.name = format!("Labels on {}", self.name);
        actor
    }
}

/// One server at a time follows the labels of a host.
async fn lock(conn: &mut AsyncPgConnection, host: HostId) -> Result<()> {
    diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 2))")
        .bind::<Text, _>(host.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

type Key = (Uuid, String);

/// Gives how many schedules were made, changed or archived.
async fn apply(
    control: &Control,
    conn: &mut AsyncPgConnection,
    host: HostId,
    found: &Found,
) -> Result<usize> {
    // What was found may be older than the admin's last word.
    if !is_allowed(conn, host, found.allowed_by).await? {
        control.labels().forget(host);
        return Ok(0);
    }
    let actor = found.actor();
    let known: Vec<(Uuid, Option<Uuid>, Option<String>)> = schedules::table
        .filter(schedules::origin_host.eq(host.0))
        .filter(schedules::deleted_at.is_null())
        .order(schedules::id)
        .select((
            schedules::id,
            schedules::origin_container,
            schedules::origin_label,
        ))
        .for_update()
        .load(conn)
        .await?;
    let mut known: HashMap<Key, ScheduleId> = known
        .into_iter()
        .filter_map(|(id, container, label)| Some(((container?, label?), ScheduleId(id))))
        .collect();
    let mut changed = 0;
    for wanted in &found.wanted {
        let done = match known.remove(&(wanted.container.0, wanted.label.clone())) {
            Some(id) => change(control, conn, &actor, id, found, wanted).await?,
            None => {
                add(control, conn, &actor, host, found, wanted).await?;
                true
            }
        };
        changed += usize::from(done);
    }
    for id in known.into_values() {
        changed += usize::from(archive(conn, &actor, id).await?);
    }
    Ok(changed)
}

async fn is_allowed(conn: &mut AsyncPgConnection, host: HostId, by: UserId) -> Result<bool> {
    use crate::schema::hosts;
    let now: Option<Option<Uuid>> = hosts::table
        .filter(hosts::id.eq(host.0))
        .select(hosts::labels_allowed_by)
        .first(conn)
        .await
        .optional()?;
    Ok(now.flatten() == Some(by.0))
}

async fn add(
    control: &Control,
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    host: HostId,
    found: &Found,
    wanted: &Wanted,
) -> Result<()> {
    let id = ScheduleId::new();
    let at = service::clock(conn).await?;
    let anchor = service::anchor(at);
    let draft = ScheduleDraft {
        name: free_name(conn, found.org, wanted, id).await?,
        ..wanted.draft.clone()
    };
    let checked = validate::check(conn, found.org, &draft, &[], anchor, at).await?;
    let new = Accepted {
        checked: &checked,
        enabled: true,
        acts_for: found.allowed_by,
        anchor,
    };
    // The origin first, so that the audit line and the event tell of it.
    service::insert_from(conn, control, actor, id, &new, at, Some((host, wanted.origin()))).await?;
    Ok(())
}

impl Wanted {
    fn origin(&self) -> (ContainerId, &str, &str) {
        (self.container, &self.label, &self.place)
    }
}

/// Changes a schedule, or wakes it; false where it is as it should be.
async fn change(
    control: &Control,
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    id: ScheduleId,
    found: &Found,
    wanted: &Wanted,
) -> Result<bool> {
    let (mut row, before) = queries::locked(conn, found.org, id).await?;
    let at = row.now;
    let anchor = service::anchor(at);
    let draft = ScheduleDraft {
        name: match named(wanted).any(|name| name == row.name) {
            true => row.name.clone(),
            false => free_name(conn, found.org, wanted, id).await?,
        },
        ..wanted.draft.clone()
    };
    let checked = validate::check(conn, found.org, &draft, &[], anchor, at).await?;
    if !row.done
        && row.origin_place.as_deref() == Some(&wanted.place)
        && row.is_the_same(&checked, found.allowed_by)?
    {
        return Ok(false);
    }
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set(schedules::origin_place.eq(&wanted.place))
        .execute(conn)
        .await?;
    if row.done {
        // It begins anew: of the times from before none is left to go on from.
        row.triggers = Value::Array(Vec::new());
    }
    let new = Accepted {
        checked: &checked,
        // Whether somebody has switched it off is theirs to say.
        enabled: row.enabled,
        acts_for: found.allowed_by,
        anchor,
    };
    service::replace(conn, control, actor, (&row, &before), &new).await?;
    Ok(true)
}

impl Row {
    fn is_the_same(&self, checked: &validate::Checked, acts_for: UserId) -> Result<bool> {
        Ok(self.name == checked.name
            && self.timezone == checked.timezone
            && self.acts_for == acts_for.0
            && self.triggers == crate::runs::to_json("a schedule's triggers", &checked.triggers)?
            && self.steps == crate::runs::to_json("a schedule's steps", &checked.steps)?
            && self.guards == crate::runs::to_json("a schedule's guards", &checked.guards)?)
    }
}

/// Ends a schedule whose labels are gone; its history stays.
async fn archive(conn: &mut AsyncPgConnection, actor: &Actor, id: ScheduleId) -> Result<bool> {
    let (row, before) = queries::locked(conn, actor.org_id, id).await?;
    if row.done {
        return Ok(false);
    }
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set((
            Timing::default().set(),
            schedules::version.eq(row.version + 1),
            schedules::updated_at.eq(row.now),
        ))
        .execute(conn)
        .await?;
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set(schedules::done_at.eq(diesel::dsl::now.into_sql::<Nullable<Timestamptz>>()))
        .execute(conn)
        .await?;
    service::forget_skips(conn, id, None).await?;
    service::changed(conn, actor, "schedule.archive", id, Some(&before)).await?;
    Ok(true)
}

/// Ends all schedules of a host's labels, in the caller's transaction: labels no longer count there.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn archive_host(conn: &mut AsyncPgConnection, actor: &Actor, host: HostId) -> Result<()> {
    lock(conn, host).await?;
    let all: Vec<Uuid> = schedules::table
        .filter(
            schedules::org_id
                .eq(actor.org_id.0)
                .and(schedules::origin_host.eq(host.0)),
        )
        .filter(schedules::deleted_at.is_null())
        .filter(schedules::done_at.is_null())
        .order(schedules::id)
        .select(schedules::id)
        .load(conn)
        .await?;
    for id in all {
        archive(conn, actor, ScheduleId(id)).await?;
    }
    Ok(())
}

/// The names that a schedule of labels may have, the best first: names are unique, and people may have taken one.
fn named(wanted: &Wanted) -> impl Iterator<Item = String> {
    let end = format!(": {}", wanted.label);
    let room = MAX_NAME - end.chars().count() - " (labels 9)".len();
    let place: String = wanted.place.chars().take(room).collect();
    (1..=NAMES).map(move |n| match n {
        1 => format!("{place}{end}"),
        2 => format!("{place}{end} (labels)"),
        n => format!("{place}{end} (labels {n})"),
    })
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn free_name(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    wanted: &Wanted,
    id: ScheduleId,
) -> Result<String> {
    let names: Vec<String> = named(wanted).collect();
    let taken: Vec<Taken> = diesel::sql_query(
        "select lower(name) as name from schedules where org_id = $1 and deleted_at is null and id <> $2 \
         and lower(name) = any($3)",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(id.0)
    .bind::<Array<Text>, _>(names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let is_free = |name: &&String| taken.iter().all(|taken| taken.name != name.to_lowercase());
    Ok(names.iter().find(is_free).unwrap_or(&names[0]).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(place: &str) -> Wanted {
        Wanted {
            container: ContainerId::new(),
            label: "nightly".to_owned(),
            place: place.to_owned(),
            draft: ScheduleDraft {
                name: String::new(),
                enabled: true,
                timezone: "UTC".to_owned(),
                triggers: Vec::new(),
                steps: vec![domain::schedules::Step::default()],
                guards: domain::guards::Guards::default(),
                version: None,
            },
        }
    }

    #[test]
    fn names_say_where_it_comes_from_and_fit() {
        let names: Vec<String> = named(&wanted("nas/web")).collect();
        assert_eq!(names[..2], ["nas/web: nightly", "nas/web: nightly (labels)"]);
        let long = "ä".repeat(300);
        assert!(
            named(&wanted(&long)).all(|name| name.chars().count() <= MAX_NAME && name.contains("nightly"))
        );
    }

    #[test]
    fn the_target_is_the_container_while_it_has_the_label() {
        let container = ContainerId::new();
        let draft = of_container(wanted("nas/web").draft, container, "night-ly_1");
        let selector = domain::selectors::Selector::parse_target(&draft.steps[0].target).unwrap();
        assert_eq!(
            selector.to_string(),
            format!("id:{container} label:chrontainer.night-ly_1.action")
        );
    }

    #[test]
    fn what_changes_anything_changes_the_fingerprint() {
        let found = |place: &str| Found {
            org: OrgId::new(),
            name: "nas".to_owned(),
            allowed_by: UserId(Uuid::nil()),
            wanted: vec![Wanted {
                container: ContainerId(Uuid::nil()),
                ..wanted(place)
            }],
        };
        assert_eq!(found("a/b").fingerprint(), found("a/b").fingerprint());
        assert_ne!(found("a/b").fingerprint(), found("a/c").fingerprint());
    }
}
