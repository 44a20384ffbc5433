//! Sharing with a team: a host, a schedule or a view. What it gives is read with the rights of each member
//! (`auth::actors`), so a share counts from their next request on.

use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
    schedules,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Role},
    errors::{ErrorClass, Problem},
    ids::{ScheduleId, ShareId, TeamId},
    pages::Page,
    shares::{NewShare, Share, ShareKind, ShareQuery},
};
use serde_json::json;
use uuid::Uuid;

/// Views are personal: nobody sees that of somebody else, unless it is shared with a team of theirs.
const LIST: &str = "select * from (\
     select x.id, x.org_id, x.team_id, t.name as team_name, u.name as shared_by, x.created_at, \
       case when x.host_id is not null then 'host' when x.schedule_id is not null then 'schedule' else 'view' end as kind, \
       coalesce(x.host_id, x.schedule_id, x.view_id) as object_id, coalesce(h.name, s.name, v.name) as object_name \
     from shares x join teams t on t.id = x.team_id left join users u on u.id = x.shared_by \
     left join hosts h on h.id = x.host_id left join schedules s on s.id = x.schedule_id and s.deleted_at is null \
     left join views v on v.id = x.view_id \
     where x.view_id is null or v.user_id = $2 \
       or exists (select 1 from team_members m where m.team_id = x.team_id and m.user_id = $2)) as shares \
     where org_id = $1 and object_name is not null";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    object_id: Uuid,
    #[diesel(sql_type = Text)]
    object_name: String,
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = Text)]
    team_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    shared_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl Row {
    fn view(self) -> Result<Share> {
        let kind = ShareKind::from_word(&self.kind)
            .ok_or_else(|| Error::Internal(format!("a share of a {}", self.kind)))?;
        Ok(Share {
            id: ShareId(self.id),
            kind,
            object_id: self.object_id,
            object_name: self.object_name,
            team_id: TeamId(self.team_id),
            team_name: self.team_name,
            shared_by: self.shared_by,
            created_at: self.created_at,
        })
    }
}

/// What is shared in the organisation, by team. Of views only one's own and those of one's own teams.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list_shares(control: &Control, actor: &Actor, query: &ShareQuery) -> Result<Page<Share>> {
    actor.require(Permission::UsersRead)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{LIST} and ($3 is null or kind = $3) and ($4 is null or object_id = $4) and ($5 is null or team_id = $5) \
         order by lower(team_name), kind, lower(object_name), id limit 1000"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .bind::<Nullable<Text>, _>(query.kind.map(ShareKind::as_str))
    .bind::<Nullable<SqlUuid>, _>(query.object_id)
    .bind::<Nullable<SqlUuid>, _>(query.team_id.map(|team| team.0))
    .load(&mut conn)
    .await?;
    let items = rows.into_iter().map(Row::view).collect::<Result<Vec<_>>>()?;
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

/// Shares something with a team. Sharing it twice changes nothing.
///
/// # Errors
/// 403 for what one may not share: a host without the role admin, a schedule that one may not change, a view with a team
/// that one is not in; 404 `team_not_found`, `host_not_found`, `schedule_not_found`, `view_not_found`.
pub async fn share(control: &Control, actor: &Actor, new: &NewShare) -> Result<Share> {
    actor.require(Permission::SharesManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let team = team_of(conn, actor, new.team_id).await?;
        let name = allowed(conn, control, actor, new.kind, new.object_id).await?;
        if new.kind == ShareKind::View && !team.mine && actor.role < Role::Admin {
            return Err(Problem::new(
                ErrorClass::Forbidden,
                "forbidden",
                "A view is shared with a team that one belongs to; an admin shares with every team. Choose a team of yours.",
            )
            .with("permission", Permission::SharesManage.as_str())
            .into());
        }
        let id = ShareId::new();
        let of = |kind| (new.kind == kind).then_some(new.object_id);
        let added = diesel::sql_query(
            "insert into shares (id, org_id, team_id, host_id, schedule_id, view_id, shared_by) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(new.team_id.0)
        .bind::<Nullable<SqlUuid>, _>(of(ShareKind::Host))
        .bind::<Nullable<SqlUuid>, _>(of(ShareKind::Schedule))
        .bind::<Nullable<SqlUuid>, _>(of(ShareKind::View))
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .execute(conn)
        .await?;
        if added > 0 {
            let entry = Entry::new(&format!("{}.share", new.kind), new.kind.as_str()).object(new.object_id, &name);
            audit::record(conn, actor, entry.after(json!({ "team": team.name }))).await?;
        }
        let row: Row = diesel::sql_query(format!("{LIST} and team_id = $3 and object_id = $4"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
            .bind::<SqlUuid, _>(new.team_id.0)
            .bind::<SqlUuid, _>(new.object_id)
            .get_result(conn)
            .await?;
        row.view()
    })
    .await
}

/// Takes back what was shared.
///
/// # Errors
/// 403 as [`share`]; 404 `share_not_found`.
pub async fn unshare(control: &Control, actor: &Actor, id: ShareId) -> Result<()> {
    actor.require(Permission::SharesManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let row: Option<Row> = diesel::sql_query(format!("{LIST} and id = $3"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await
            .optional()?;
        let share = row.ok_or_else(|| Problem::not_found("share"))?.view()?;
        allowed(conn, control, actor, share.kind, share.object_id).await?;
        diesel::sql_query("delete from shares where org_id = $1 and id = $2")
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        let entry = Entry::new(&format!("{}.unshare", share.kind), share.kind.as_str())
            .object(share.object_id, &share.object_name);
        audit::record(conn, actor, entry.before(json!({ "team": share.team_name }))).await
    })
    .await
}

#[derive(QueryableByName)]
struct TeamOf {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    mine: bool,
}

async fn team_of(conn: &mut AsyncPgConnection, actor: &Actor, team: TeamId) -> Result<TeamOf> {
    let found: Option<TeamOf> = diesel::sql_query(
        "select t.name, exists (select 1 from team_members m where m.team_id = t.id and m.user_id = $3) as mine \
         from teams t where t.org_id = $1 and t.id = $2",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(team.0)
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .get_result(conn)
    .await
    .optional()?;
    found.ok_or_else(|| Problem::not_found("team").into())
}

/// Whether they may share it, and its name.
async fn allowed(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    kind: ShareKind,
    id: Uuid,
) -> Result<String> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let (sql, missing) = match kind {
        ShareKind::Schedule => {
            return schedules::rights::shareable(conn, control, actor, ScheduleId(id)).await;
        }
        ShareKind::Host => ("select name from hosts where org_id = $1 and id = $2", "host"),
        ShareKind::View => (
            "select name from views where org_id = $1 and id = $2 and user_id = $3",
            "view",
        ),
    };
    let mut query = diesel::sql_query(sql)
        .into_boxed::<diesel::pg::Pg>()
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(id);
    if kind == ShareKind::View {
        query = query.bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0));
    }
    let named: Option<Named> = query.get_result(conn).await.optional()?;
    let named = named.ok_or_else(|| Problem::not_found(missing))?;
    if kind == ShareKind::Host {
        // It gives a role, as a grant does.
        actor.require(Permission::UsersManage)?;
    }
    Ok(named.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::actor_for_user,
        people::{change_team, create_team},
        runs,
        schedules::{pause, run_now, set_enabled, skip_next},
        testing::Fixture,
        views,
    };
    use domain::{
        ids::{HostId, OrgId, UserId},
        people::{NewTeam, TeamChange},
        schedules::ScheduleDraft,
        views::ViewDraft,
    };

    fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().into_problem().code
    }

    /// A team with one member, and the member.
    async fn team(fixture: &Fixture, member: &Actor) -> TeamId {
        let (control, owner) = (&fixture.control, &fixture.owner);
        let name = format!("team of {}", member.name);
        let team = create_team(control, owner, NewTeam { name }).await.unwrap();
        let change = TeamChange {
            members: member.user_id.map(|user| vec![user]),
            ..TeamChange::default()
        };
        change_team(control, owner, team.id, change).await.unwrap().id
    }

    /// The same person with the rights that they have now.
    async fn now(fixture: &Fixture, actor: &Actor) -> Actor {
        let mut conn = fixture.control.db().conn().await.unwrap();
        let read = actor_for_user(&mut conn, actor.org_id, actor.user_id.unwrap())
            .await
            .unwrap()
            .unwrap();
        Actor {
            via: actor.via.clone(),
            ..read
        }
    }

    fn new(kind: ShareKind, object_id: Uuid, team_id: TeamId) -> NewShare {
        NewShare {
            kind,
            object_id,
            team_id,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn on_a_shared_host_the_team_operates() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        let bob = fixture.person("bob", Role::Viewer).await;
        let carl = fixture.person("carl", Role::Operator).await;
        let mates = team(&fixture, &bob).await;
        let host = HostId::new();
        fixture
            .sql(&format!(
                "insert into hosts (id, org_id, name, url) values ('{host}', '{}', 'nas', 'unix:///nonexistent.sock')",
                OrgId::HOME
            ))
            .await;
        let wanted = new(ShareKind::Host, host.0, mates);
        assert_eq!(
            code(share(control, &carl, &wanted).await),
            "forbidden",
            "it gives a role"
        );
        let made = share(control, &fixture.owner, &wanted).await.unwrap();
        assert_eq!(
            (made.object_name.as_str(), made.shared_by.as_deref()),
            ("nas", Some("olga"))
        );
        let again = share(control, &fixture.owner, &wanted).await.unwrap();
        assert_eq!(again.id, made.id, "sharing twice changes nothing");

        let mate = now(&fixture, &bob).await;
        assert!(mate.may(Permission::ContainersOperate) && !mate.may(Permission::HostsManage));
        assert_eq!(mate.grants.len(), 1);
        assert_eq!(mate.grants[0].selector, format!("host:@{host}"));
        let query = ShareQuery {
            team_id: Some(mates),
            ..ShareQuery::default()
        };
        assert_eq!(list_shares(control, &bob, &query).await.unwrap().total, 1);
        assert_eq!(code(unshare(control, &carl, made.id).await), "forbidden");
        unshare(control, &fixture.owner, made.id).await.unwrap();
        assert!(!now(&fixture, &bob).await.may(Permission::ContainersOperate));
        let told = "select string_agg(action || ' ' || object_name, ', ' order by id) from audit where object_kind = 'host'";
        assert_eq!(fixture.text(told).await, "host.share nas, host.unshare nas");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_shared_schedule_is_worked_with_and_not_changed() {
        let fixture = Fixture::new().await;
        let (control, owner) = (&fixture.control, &fixture.owner);
        let bob = fixture.person("bob", Role::Viewer).await;
        let mates = team(&fixture, &bob).await;
        let shared = fixture.by_cron("nightly", "UTC", "0 3 * * *").await;
        let other = fixture.by_cron("weekly", "UTC", "0 3 * * 1").await;
        let wanted = new(ShareKind::Schedule, shared.id.0, mates);
        assert_eq!(code(share(control, &bob, &wanted).await), "forbidden");
        assert_eq!(code(run_now(control, &bob, shared.id).await), "forbidden");
        let made = share(control, owner, &wanted).await.unwrap();

        let mate = now(&fixture, &bob).await;
        let run = run_now(control, &mate, shared.id).await.unwrap();
        let acts_for = fixture.text("select acts_for from runs").await;
        assert_eq!(
            acts_for,
            owner.user_id.unwrap().to_string(),
            "as the schedule does"
        );
        runs::cancel(control, &mate, run.id).await.unwrap();
        assert_eq!(
            code(runs::rerun(control, &mate, run.id).await),
            "forbidden",
            "old steps are no schedule"
        );
        let skipped = skip_next(control, &mate, shared.id).await.unwrap();
        assert!(skipped.skipping.is_some());
        set_enabled(control, &mate, shared.id, false).await.unwrap();
        set_enabled(control, &mate, shared.id, true).await.unwrap();
        let until = Some("2999-01-01T00:00:00Z".parse().unwrap());
        pause(control, &mate, shared.id, until).await.unwrap();

        let draft = || ScheduleDraft {
            name: "mine".to_owned(),
            enabled: true,
            timezone: "UTC".to_owned(),
            triggers: shared.triggers.clone(),
            steps: shared.steps.clone(),
            guards: shared.guards.clone(),
            version: None,
        };
        use crate::schedules::{create, delete, update};
        assert_eq!(
            code(update(control, &mate, shared.id, draft()).await),
            "forbidden"
        );
        assert_eq!(code(create(control, &mate, draft()).await), "forbidden");
        assert_eq!(code(delete(control, &mate, shared.id).await), "forbidden");
        assert_eq!(
            code(run_now(control, &mate, other.id).await),
            "forbidden",
            "the other one is not theirs"
        );
        assert_eq!(code(skip_next(control, &mate, other.id).await), "forbidden");
        assert_eq!(code(unshare(control, &mate, made.id).await), "forbidden");

        // A schedule that is deleted is shared with nobody.
        delete(control, owner, shared.id).await.unwrap();
        assert_eq!(
            list_shares(control, owner, &ShareQuery::default())
                .await
                .unwrap()
                .total,
            0
        );
        assert_eq!(code(unshare(control, owner, made.id).await), "share_not_found");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_shared_view_is_seen_and_stays_its_owners() {
        let fixture = Fixture::new().await;
        let control = &fixture.control;
        let ada = fixture.person("ada", Role::Viewer).await;
        let bob = fixture.person("bob", Role::Viewer).await;
        let eve = fixture.person("eve", Role::Viewer).await;
        let draft = || ViewDraft {
            name: "Media".to_owned(),
            ..ViewDraft::default()
        };
        let view = views::create(control, &ada, draft()).await.unwrap();
        let bobs = team(&fixture, &bob).await;
        let wanted = new(ShareKind::View, view.id.0, bobs);
        assert_eq!(
            code(share(control, &ada, &wanted).await),
            "forbidden",
            "not a team of hers"
        );
        let members: Vec<UserId> = [&ada, &bob].iter().filter_map(|actor| actor.user_id).collect();
        let change = TeamChange {
            members: Some(members),
            ..TeamChange::default()
        };
        change_team(control, &fixture.owner, bobs, change).await.unwrap();
        share(control, &ada, &wanted).await.unwrap();
        assert_eq!(
            code(share(control, &bob, &wanted).await),
            "view_not_found",
            "it is not his to share"
        );

        let own = views::list(control, &ada).await.unwrap().items;
        assert_eq!(
            (own[0].owner.as_deref(), own[0].teams.as_slice()),
            (None, &["team of bob".to_owned()][..])
        );
        let seen = views::list(control, &bob).await.unwrap().items;
        assert_eq!((seen.len(), seen[0].owner.as_deref()), (1, Some("ada")));
        assert_eq!(
            code(views::update(control, &bob, view.id, draft()).await),
            "view_not_found"
        );
        assert_eq!(
            code(views::delete(control, &bob, view.id).await),
            "view_not_found"
        );
        assert_eq!(views::list(control, &eve).await.unwrap().total, 0);
        assert_eq!(
            list_shares(control, &eve, &ShareQuery::default())
                .await
                .unwrap()
                .total,
            0
        );
        // His own of the same name is another one.
        views::create(control, &bob, draft()).await.unwrap();
        assert_eq!(views::list(control, &bob).await.unwrap().total, 2);
    }
}
