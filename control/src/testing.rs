//! What the tests of this crate share: a real database with the queue's tables, servers on it, and a person.

use crate::{
    Control, ControlOptions,
    db::{ConnectSpec, Db, migrate},
    runs,
    secrets::SealKey,
};
use apalis_postgres::PostgresStorage;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::{
    actions::Action,
    auth::{Actor, Role, Via},
    guards::Guards,
    ids::{OrgId, RunId, SessionId, UserId},
    runs::Run,
    schedules::{Schedule, ScheduleDraft, Step, Trigger},
};
use testkit::postgres::TestDatabase;

/// A database of one's own, and servers on it.
pub(crate) struct Fixture {
    pub control: Control,
    pub owner: Actor,
    database: TestDatabase,
}

impl Fixture {
    pub async fn new() -> Self {
        let migrations = testkit::server::migrations();
        let database =
            TestDatabase::from_template("control with the queue", &migrations, async |url: String| {
                migrate(&url.parse()?).await?;
                let pool = sqlx::PgPool::connect(&url).await?;
                PostgresStorage::setup(&pool).await?;
                pool.close().await;
                Ok(())
            })
            .await
            .unwrap();
        let control = server(&database, ControlOptions::default());
        let owner = person(&control, "olga", Role::Owner).await;
        Self {
            control,
            owner,
            database,
        }
    }

    /// Another server on the same database.
    pub fn another(&self) -> Control {
        server(&self.database, ControlOptions::default())
    }

    /// Another server with options of its own.
    pub fn like(&self, options: ControlOptions) -> Control {
        server(&self.database, options)
    }

    /// Another server that seals with a key of its own.
    pub fn keyed(&self, key: SealKey) -> Control {
        let spec: ConnectSpec = self.database.url().parse().unwrap();
        Control::new(Db::new(spec, 6).unwrap(), key, ControlOptions::default())
    }

    pub async fn person(&self, name: &str, role: Role) -> Actor {
        person(&self.control, name, role).await
    }

    /// Runs SQL of the test's own.
    pub async fn sql(&self, sql: &str) -> usize {
        let mut conn = self.control.db().conn().await.unwrap();
        diesel::sql_query(sql).execute(&mut conn).await.unwrap()
    }

    /// The first column of the first row, which is text.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let mut conn = self.control.db().conn().await.unwrap();
        let row: Row = diesel::sql_query(format!("select ({sql})::text as text"))
            .get_result(&mut conn)
            .await
            .unwrap();
        row.text
    }

    /// Does what a worker would: executes every run that has a job, until none is left.
    pub async fn work(&self) {
        work_on(&self.control).await;
    }

    /// A schedule of one step that does nothing.
    pub async fn by_cron(&self, name: &str, timezone: &str, expression: &str) -> Schedule {
        let draft = ScheduleDraft {
            name: name.to_owned(),
            enabled: true,
            timezone: timezone.to_owned(),
            triggers: vec![Trigger::Cron {
                expression: expression.to_owned(),
            }],
            steps: vec![Step::new(Action::Noop, "")],
            guards: Guards::default(),
            version: None,
        };
        crate::schedules::create(&self.control, &self.owner, draft)
            .await
            .unwrap()
    }

    pub async fn run(&self, id: RunId) -> Run {
        runs::get(&self.control, &self.owner, id).await.unwrap()
    }
}

/// Does what a worker of this server would.
pub(crate) async fn work_on(control: &Control) {
    #[derive(diesel::QueryableByName)]
    struct Job {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        job: Vec<u8>,
    }
    loop {
        let mut conn = control.db().conn().await.unwrap();
        let jobs: Vec<Job> = diesel::sql_query(
            "update apalis.jobs set status = 'Queued', lock_at = now() where id in (\
             select id from apalis.jobs where status = 'Pending' limit 100 for update skip locked) returning job",
        )
        .load(&mut conn)
        .await
        .unwrap();
        drop(conn);
        if jobs.is_empty() {
            return;
        }
        let executed = jobs.into_iter().map(|job| async move {
            let job: runs::RunJob = serde_json::from_slice(&job.job).unwrap();
            runs::execute(control, job.run).await.unwrap();
        });
        futures::future::join_all(executed).await;
    }
}

fn server(database: &TestDatabase, options: ControlOptions) -> Control {
    let spec: ConnectSpec = database.url().parse().unwrap();
    Control::new(Db::new(spec, 6).unwrap(), SealKey::random(), options)
}

async fn person(control: &Control, name: &str, role: Role) -> Actor {
    let id = UserId::new();
    let mut conn = control.db().conn().await.unwrap();
    diesel::sql_query("insert into users (id, name) values ($1, $2)")
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(name)
        .execute(&mut conn)
        .await
        .unwrap();
    diesel::sql_query("insert into memberships (org_id, user_id, role) values ($1, $2, $3)")
        .bind::<SqlUuid, _>(OrgId::HOME.0)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(role.as_str())
        .execute(&mut conn)
        .await
        .unwrap();
    Actor {
        org_id: OrgId::HOME,
        user_id: Some(id),
        name: name.to_owned(),
        role,
        server_admin: false,
        second_factor_missing: false,
        grants: Vec::new(),
        schedules: Vec::new(),
        via: Via::Session { id: SessionId::new() },
        address: None,
    }
}
