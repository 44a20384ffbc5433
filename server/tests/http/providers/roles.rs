//! Roles by claims, looked at anew at each sign-in.

use super::{HOME, Scene, me};
use serde_json::{Value, json};

fn by_groups() -> Value {
    json!({
        "sign_up": "auto_create", "role_claim": "realm_access.roles",
        "mappings": [
            { "value": "ops", "org_id": HOME, "role": "admin" },
            { "value": "dev", "org_id": HOME, "role": "operator" },
            { "value": "boss", "org_id": HOME, "role": "owner" },
        ],
    })
}

fn with(subject: &str, groups: &[&str]) -> Value {
    json!({ "sub": subject, "preferred_username": subject, "email": "x@example.org", "realm_access": { "roles": groups } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_follows_the_claims() {
    let scene = Scene::new(by_groups()).await;
    scene.provider.person(with("ada", &["dev", "ops", "other"]));
    let mut before = scene.server.browser();
    scene.sign_in(&mut before).await;
    assert_eq!(me(&mut before).await["role"], "admin");
    // She left the group: the next sign-in takes the role, and what was open with it ends.
    scene.provider.person(with("ada", &["dev"]));
    let mut after = scene.server.browser();
    scene.sign_in(&mut after).await;
    assert_eq!(me(&mut after).await["role"], "operator");
    assert_eq!(before.fetch("/_fn/auth/me").await.status, 401);
    // She left all of them.
    scene.provider.person(with("ada", &["other"]));
    assert_eq!(scene.led_to().await, "/sign-in?problem=no_organisation");
    scene.provider.person(with("ada", &["ops"]));
    assert_eq!(scene.led_to().await, "/");
    let told = "select count(*) from audit where action in ('member.add', 'member.role') and after->>'provider' = 'SSO'";
    assert!(scene.count(told).await >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_gave_is_not_taken_by_claims() {
    let scene = Scene::new(by_groups()).await;
    scene.provider.person(with("ada", &["dev"]));
    let mut browser = scene.server.browser();
    scene.sign_in(&mut browser).await;
    scene.sql("update memberships set provider_id = null, role = 'viewer' where user_id = (select id from users where name = 'ada')")
        .await;
    scene.provider.person(with("ada", &["ops"]));
    let mut again = scene.server.browser();
    scene.sign_in(&mut again).await;
    assert_eq!(me(&mut again).await["role"], "viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_one() {
    let scene = Scene::new(by_groups()).await;
    scene.provider.person(with("grace", &["boss"]));
    assert_eq!(scene.led_to().await, "/");
    scene
        .sql("delete from memberships where user_id = (select id from users where name = 'owner')")
        .await;
    scene.provider.person(with("grace", &[]));
    let mut browser = scene.server.browser();
    scene.sign_in(&mut browser).await;
    assert_eq!(me(&mut browser).await["role"], "owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_all_the_same() {
    let scene = Scene::new(by_groups()).await;
    scene.provider.person(with("ada", &["dev"]));
    let mut browser = scene.server.browser();
    scene.sign_in(&mut browser).await;
    // One of her own is asked for before there is a session.
    scene
        .sql(
            "insert into second_factors (user_id, key_id, nonce, sealed, confirmed_at) \
         select id, 'x', '', '', now() from users where name = 'ada'",
        )
        .await;
    let mut step = scene.server.browser();
    let answer = scene.sign_in(&mut step).await;
    assert_eq!(answer.header("location"), "/sign-in/code?next=%2F");
    assert_eq!(
        step.fetch("/_fn/auth/me").await.status,
        401,
        "the step opens nothing"
    );
    // The organisation asks for one that she has not: she may only set it up.
    scene
        .sql("delete from second_factors; update orgs set second_factor_required = true")
        .await;
    let mut without = scene.server.browser();
    scene.sign_in(&mut without).await;
    assert_eq!(without.fetch("/_fn/containers/list?query=").await.status, 403);
}
