use super::*;
use crate::{auth, testing::Fixture};
use domain::{auth::Role, people::OrgChange};
use secrecy::ExposeSecret;

const PASSWORD: &str = "seven otters on a raft";

fn code<T: std::fmt::Debug>(result: crate::Result<T>) -> String {
    result.unwrap_err().into_problem().code
}

/// What the app of the person shows, `ahead` steps from now.
fn shown(secret: &str, ahead: i64) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = String::new();
    for letter in secret.chars() {
        bits.push_str(&format!("{:05b}", letters.find(letter).unwrap()));
    }
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let now = jiff::Timestamp::now().as_second();
    format!("{:06}", totp::code(&bytes, totp::step(now) + ahead).unwrap())
}

async fn person(fixture: &Fixture) -> auth::NewSession {
    fixture.person("ada", Role::Operator).await;
    auth::set_password(&fixture.control, "ada", PASSWORD.into())
        .await
        .unwrap();
    auth::sign_in(&fixture.control, "ada", PASSWORD.into(), &Client::default())
        .await
        .unwrap()
}

async fn step(fixture: &Fixture) -> String {
    match auth::enter(&fixture.control, "ada", PASSWORD.into(), &Client::default())
        .await
        .unwrap()
    {
        auth::Entered::Step(token) => token.expose_secret().to_owned(),
        auth::Entered::Session(_) => panic!("no code was asked for"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_asks_for_a_code_and_takes_each_once() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let client = Client::default();
    let session = person(&fixture).await;
    let setup = begin_second_factor(control, &session.actor).await.unwrap();
    assert!(setup.url.contains(&setup.secret));
    // Until the first right code it asks nobody.
    auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
    assert_eq!(
        code(confirm_second_factor(control, &session.actor, "000000", &client).await),
        "code_wrong"
    );
    let (codes, fresh) = confirm_second_factor(control, &session.actor, &shown(&setup.secret, 0), &client)
        .await
        .unwrap();
    let fresh = fresh.unwrap();
    assert_eq!(codes.len(), CODES);
    assert_eq!(
        auth::authenticate_session(control, session.token.expose_secret(), &client)
            .await
            .unwrap(),
        None,
        "the session of before is worth nothing"
    );
    assert_eq!(
        code(begin_second_factor(control, &fresh.actor).await),
        "second_factor_on"
    );
    assert_eq!(
        code(auth::sign_in(control, "ada", PASSWORD.into(), &client).await),
        "second_factor_needed"
    );

    // The token of the step opens nothing by itself, and the code that was taken is worth nothing again.
    let token = step(&fixture).await;
    assert_eq!(
        auth::authenticate_session(control, &token, &client)
            .await
            .unwrap(),
        None
    );
    let again = sign_in_with_code(control, &token, &shown(&setup.secret, 0), &client).await;
    assert_eq!(code(again), "code_wrong");
    let signed_in = sign_in_with_code(control, &token, &shown(&setup.secret, 1), &client)
        .await
        .unwrap();
    assert_eq!(signed_in.actor.name, "ada");
    assert_eq!(
        code(sign_in_with_code(control, &token, &codes[0], &client).await),
        "sign_in_again"
    );

    // A recovery code, however it is typed, once.
    let token = step(&fixture).await;
    let typed = codes[0].to_uppercase().replace('-', " ");
    sign_in_with_code(control, &token, &typed, &client).await.unwrap();
    let token = step(&fixture).await;
    assert_eq!(
        code(sign_in_with_code(control, &token, &codes[0], &client).await),
        "code_wrong"
    );
    assert_eq!(
        second_factor(control, &fresh.actor)
            .await
            .unwrap()
            .recovery_codes_left,
        9
    );
    fixture.sql("update sign_in_steps set expires_at = now()").await;
    assert_eq!(
        code(sign_in_with_code(control, &token, &codes[1], &client).await),
        "sign_in_again"
    );
    // Nothing of it is in the database as it was shown.
    for table in ["second_factors", "recovery_codes", "audit"] {
        for text in [&setup.secret, &codes[1]] {
            let found = format!("select count(*) from {table} where {table}::text like '%{text}%'");
            assert_eq!(fixture.text(&found).await, "0", "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_slows_down() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let client = Client::default();
    let session = person(&fixture).await;
    let setup = begin_second_factor(control, &session.actor).await.unwrap();
    confirm_second_factor(control, &session.actor, &shown(&setup.secret, 0), &client)
        .await
        .unwrap();
    let mut answers = Vec::new();
    for n in 0..8 {
        // A new password step does not start the count anew, nor does another address.
        let token = step(&fixture).await;
        let from = Client {
            address: Some(format!("192.0.2.{n}")),
            ..Client::default()
        };
        answers.push(code(sign_in_with_code(control, &token, "000000", &from).await));
    }
    assert!(answers.contains(&"too_many_attempts".to_owned()), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_the_password_by_an_admin_and_on_the_machine() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let client = Client::default();
    let session = person(&fixture).await;
    let user = session.actor.user_id.unwrap();
    let on = async |actor: &Actor| {
        let setup = begin_second_factor(control, actor).await.unwrap();
        let (_, session) = confirm_second_factor(control, actor, &shown(&setup.secret, 0), &client)
            .await
            .unwrap();
        session.unwrap().actor
    };
    let ada = on(&session.actor).await;
    assert_eq!(
        code(end_second_factor(control, &ada, "wrong one".into()).await),
        "wrong_password"
    );
    end_second_factor(control, &ada, PASSWORD.into()).await.unwrap();
    let ada = on(&ada).await;
    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        code(clear_second_factor(control, &viewer, user).await),
        "forbidden"
    );
    clear_second_factor(control, &fixture.owner, user).await.unwrap();
    auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
    on(&ada).await;
    auth::set_password_and(control, "ada", PASSWORD.into(), false)
        .await
        .unwrap();
    assert_eq!(
        code(auth::sign_in(control, "ada", PASSWORD.into(), &client).await),
        "second_factor_needed"
    );
    auth::set_password_and(control, "ada", PASSWORD.into(), true)
        .await
        .unwrap();
    auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_may_ask_for_it() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let client = Client::default();
    let ask = OrgChange {
        second_factor_required: Some(true),
        ..OrgChange::default()
    };
    let org = fixture.owner.org_id;
    let refused = crate::people::change_org(control, &fixture.owner, org, ask.clone()).await;
    assert_eq!(code(refused), "second_factor_first");
    let session = person(&fixture).await;
    fixture.sql("update orgs set second_factor_required = true").await;
    let found = auth::authenticate_session(control, session.token.expose_secret(), &client)
        .await
        .unwrap()
        .unwrap();
    assert!(!found.may(Permission::ContainersRead) && found.may(Permission::OwnManage));
    let setup = begin_second_factor(control, &found).await.unwrap();
    let (_, session) = confirm_second_factor(control, &found, &shown(&setup.secret, 0), &client)
        .await
        .unwrap();
    let token = session.unwrap().token;
    let found = auth::authenticate_session(control, token.expose_secret(), &client)
        .await
        .unwrap()
        .unwrap();
    assert!(found.may(Permission::ContainersRead));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_for_the_secrets_changes_no_code() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let client = Client::default();
    let session = person(&fixture).await;
    let setup = begin_second_factor(control, &session.actor).await.unwrap();
    confirm_second_factor(control, &session.actor, &shown(&setup.secret, 0), &client)
        .await
        .unwrap();
    let key = crate::secrets::SealKey::random();
    let rotated = crate::secrets::rotate(control, &key, false).await.unwrap();
    assert_eq!((rotated.sealed, rotated.lost), (1, 0));

    // A server with the old key can no longer read it, and says so.
    let token = step(&fixture).await;
    let old = sign_in_with_code(control, &token, &shown(&setup.secret, 1), &client).await;
    assert_eq!(code(old), "secret_key_lost");
    let restarted = fixture.keyed(key);
    let session = sign_in_with_code(&restarted, &token, &shown(&setup.secret, 1), &client)
        .await
        .unwrap();
    assert_eq!(session.actor.name, "ada");
}
