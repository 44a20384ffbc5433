//! Whose rights, and the sealed store, on a real database.

#![allow(clippy::unwrap_used)]

use control::{
    Control, ControlOptions, Error,
    auth::actor_for_user,
    db::Db,
    secrets::{self, SealKey},
};
use domain::{
    auth::{Actor, Role, Via},
    ids::{OrgId, UserId},
};
use secrecy::ExposeSecret;
use testkit::{postgres::TestDatabase, server::migrations};

async fn database() -> TestDatabase {
    TestDatabase::create(&migrations()).await.unwrap()
}

fn control(database: &TestDatabase, key: &SealKey) -> Control {
    let db = Db::new(database.url().parse().unwrap(), 4).unwrap();
    Control::new(db, key.clone(), ControlOptions::default())
}

fn code(error: Error) -> String {
    error.into_problem().code
}

async fn count(database: &TestDatabase, sql: &str) -> i64 {
    database
        .client()
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_secret_opens_for_its_organisation_and_its_key_alone() {
    let database = database().await;
    let key = SealKey::random();
    let control = control(&database, &key);
    let actor = Actor::system(OrgId::HOME);
    let id = secrets::put(&control, &actor, "registry", &"hunter2".into())
        .await
        .unwrap();
    let again = secrets::put(&control, &actor, "Registry", &"hunter3".into())
        .await
        .unwrap();
    assert_eq!(id, again, "one row for one name");
    let opened = secrets::open(&control, OrgId::HOME, "registry").await.unwrap();
    assert_eq!(opened.expose_secret(), "hunter3");
    assert_eq!(
        code(
            secrets::open(&control, OrgId::new(), "registry")
                .await
                .unwrap_err()
        ),
        "secret_not_found"
    );

    // Nothing of it is in the database, the audit log included.
    for table in ["secrets", "audit", "events"] {
        let sql = format!("select count(*) from {table} where {table}::text like '%hunter%'");
        assert_eq!(count(&database, &sql).await, 0, "{table}");
    }

    let other = self::control(&database, &SealKey::random());
    let lost = secrets::open(&other, OrgId::HOME, "registry")
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(lost.code, "secret_key_lost");
    assert!(lost.message.contains(key.id()) && lost.message.contains("CHRONTAINER_SECRET_KEY_FILE"));
    secrets::check_key(&other).await.unwrap();

    // A value that was moved to another row does not open there.
    secrets::put(&control, &actor, "second", &"other".into())
        .await
        .unwrap();
    let client = database.client().await.unwrap();
    client
        .batch_execute(
            "update secrets s set nonce = o.nonce, sealed = o.sealed from secrets o \
             where s.name = 'second' and o.name <> 'second'",
        )
        .await
        .unwrap();
    assert_eq!(
        code(secrets::open(&control, OrgId::HOME, "second").await.unwrap_err()),
        "secret_damaged"
    );

    secrets::delete(&control, &actor, "REGISTRY").await.unwrap();
    assert_eq!(
        code(secrets::delete(&control, &actor, "registry").await.unwrap_err()),
        "secret_not_found"
    );
}

#[tokio::test]
async fn secrets_are_for_admins_and_have_plain_names() {
    let database = database().await;
    let control = control(&database, &SealKey::random());
    let operator = Actor {
        role: Role::Operator,
        ..Actor::system(OrgId::HOME)
    };
    let refused = secrets::put(&control, &operator, "x", &"y".into())
        .await
        .unwrap_err();
    assert_eq!(code(refused), "forbidden");
    assert_eq!(
        code(secrets::delete(&control, &operator, "x").await.unwrap_err()),
        "forbidden"
    );
    let admin = Actor::system(OrgId::HOME);
    for name in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
        let refused = secrets::put(&control, &admin, name, &"y".into())
            .await
            .unwrap_err();
        assert_eq!(code(refused), "secret_name_invalid", "{name}");
    }
    let large = "x".repeat(64 * 1024 + 1);
    assert_eq!(
        code(
            secrets::put(&control, &admin, "x", &large.into())
                .await
                .unwrap_err()
        ),
        "secret_too_large"
    );
    assert_eq!(count(&database, "select count(*) from secrets").await, 0);
}

#[tokio::test]
async fn rights_are_those_of_now() {
    let database = database().await;
    let control = control(&database, &SealKey::random());
    assert!(
        control::auth::setup_unattended(&control, "ada", "correct horse".into())
            .await
            .unwrap()
    );
    let client = database.client().await.unwrap();
    let id: String = client
        .query_one("select id::text from users", &[])
        .await
        .unwrap()
        .get(0);
    let user: UserId = id.parse().unwrap();
    let mut conn = control.db().conn().await.unwrap();

    let actor = actor_for_user(&mut conn, OrgId::HOME, user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (actor.role, actor.name.as_str(), &actor.via),
        (Role::Owner, "ada", &Via::System)
    );
    client
        .execute("update memberships set role = 'viewer'", &[])
        .await
        .unwrap();
    let demoted = actor_for_user(&mut conn, OrgId::HOME, user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(demoted.role, Role::Viewer);

    assert_eq!(
        actor_for_user(&mut conn, OrgId::new(), user).await.unwrap(),
        None,
        "another organisation"
    );
    assert_eq!(
        actor_for_user(&mut conn, OrgId::HOME, UserId::new())
            .await
            .unwrap(),
        None,
        "nobody"
    );
    client
        .execute("update users set disabled_at = now()", &[])
        .await
        .unwrap();
    assert_eq!(
        actor_for_user(&mut conn, OrgId::HOME, user).await.unwrap(),
        None,
        "disabled"
    );
    client
        .execute("update users set disabled_at = null", &[])
        .await
        .unwrap();
    client.execute("delete from memberships", &[]).await.unwrap();
    assert_eq!(
        actor_for_user(&mut conn, OrgId::HOME, user).await.unwrap(),
        None,
        "gone"
    );
}

#[tokio::test]
async fn the_audit_log_only_grows() {
    let database = database().await;
    let control = control(&database, &SealKey::random());
    control::auth::setup_unattended(&control, "ada", "correct horse".into())
        .await
        .unwrap();
    let client = database.client().await.unwrap();
    for sql in [
        "update audit set actor = 'x'",
        "delete from audit",
        "truncate audit",
    ] {
        let refused = client.batch_execute(sql).await.unwrap_err();
        assert!(
            refused.as_db_error().unwrap().message().contains("only grows"),
            "{sql}"
        );
    }
    let line = client
        .query_one(
            "select actor, action, object_name, outcome, via->>'via' from audit",
            &[],
        )
        .await
        .unwrap();
    let columns: [&str; 5] = std::array::from_fn(|at| line.get(at));
    assert_eq!(columns, ["console", "setup.complete", "ada", "done", "console"]);
}
