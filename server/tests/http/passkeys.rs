//! Passkeys over HTTP: where there are none, and what is refused. That right answers are taken is shown with a software device in
//! `control`, and with Chromium's in `end2end`.

use super::server;
use serde_json::{Value, json};
use testkit::{
    postgres::TestDatabase,
    server::{PASSWORD, TestServer, TestServerOptions, migrations},
};

const NOBODYS: &str = r#"{"id":"bm9ib2R5","rawId":"bm9ib2R5","type":"public-key","response":{"authenticatorData":"AAAA",
    "clientDataJSON":"e30","signature":"AAAA","userHandle":null}}"#;

async fn at_localhost() -> (TestDatabase, TestServer) {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let options = TestServerOptions::on(&database).env("CHRONTAINER_PUBLIC_URL", "http://localhost:3000");
    let server = TestServer::start(options).await.unwrap();
    (database, server)
}

fn token(challenge: &Value) -> String {
    challenge["token"].as_str().unwrap().to_owned()
}

fn options(challenge: &Value) -> Value {
    serde_json::from_str(challenge["options"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_address_without_a_name_has_none_and_says_why() {
    let (database, server) = server().await;
    let mut owner = server.sign_in().await.unwrap();
    let list = owner.fetch("/_fn/auth/passkeys").await.json();
    let why = list["place"]["refusal"].as_str().unwrap();
    assert!(why.contains(&server.url), "{why}");
    assert_eq!(
        owner.call("/_fn/auth/begin-passkey", &[]).await.code(),
        "passkeys_not_here"
    );
    let mut stranger = server.browser();
    let begun = stranger.call("/_fn/auth/begin-passkey-sign-in", &[]).await;
    assert_eq!((begun.status, begun.code().as_str()), (409, "passkeys_not_here"));
    assert!(owner.open("/settings").await.text.contains(why));

    // The sign-in page is quiet about it until somebody has one.
    assert!(!stranger.open("/sign-in").await.text.contains("allow passkeys"));
    let client = database.client().await.unwrap();
    let sql = "insert into passkeys (id, user_id, credential_id, rp_id, name, public) \
               select gen_random_uuid(), id, 'x', 'localhost', 'Key ring', '{}' from users";
    client.execute(sql, &[]).await.unwrap();
    let page = stranger.open("/sign-in").await.text;
    assert!(page.contains("allow passkeys") && !page.contains("Sign in with a passkey"));
}

#[tokio::test]
async fn questions_are_for_their_place_and_answers_for_their_question() {
    let (database, server) = at_localhost().await;
    let client = database.client().await.unwrap();
    let mut owner = server.sign_in().await.unwrap();
    let begun = owner.call("/_fn/auth/begin-passkey", &[]).await.json();
    let asked = &options(&begun)["publicKey"];
    assert_eq!(asked["rp"], json!({ "id": "localhost", "name": "Chrontainer" }));
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    let finish = [
        ("token", token(&begun)),
        ("answer", "{}".to_owned()),
        ("name", String::new()),
    ];
    let fields = finish.each_ref().map(|(key, value)| (*key, value.as_str()));
    let made = owner.call("/_fn/auth/finish-passkey", &fields).await;
    assert_eq!((made.status, made.code().as_str()), (422, "passkey_unreadable"));

    // Nobody's answer signs in, and its question is over.
    let mut stranger = server.browser();
    let begun = stranger.call("/_fn/auth/begin-passkey-sign-in", &[]).await.json();
    assert_eq!(options(&begun)["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(options(&begun).get("mediation"), None);
    let token = token(&begun);
    let fields = [("token", token.as_str()), ("answer", NOBODYS), ("next", "/")];
    let refused = stranger.call("/_fn/auth/passkey-sign-in", &fields).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "passkey_refused")
    );
    let again = stranger.call("/_fn/auth/passkey-sign-in", &fields).await;
    assert_eq!((again.status, again.code().as_str()), (409, "passkey_too_late"));
    assert_eq!(stranger.cookie, None);
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(stranger.call("/_fn/auth/passkey-sign-in", &fields).await.status);
    }
    assert!(answers.contains(&429), "{answers:?}");

    // Without a step that waits there is nothing to complete.
    let step = stranger.call("/_fn/auth/begin-passkey-step", &[]).await;
    assert_eq!(step.code(), "sign_in_again");
    assert_eq!(stranger.fetch("/_fn/auth/step").await.json(), Value::Null);
    assert_eq!(stranger.open("/sign-in/code").await.status, 200);

    // A session that was begun a while ago must show whose it is.
    client
        .execute(
            "update sessions set proven_at = now() - interval '11 minutes'",
            &[],
        )
        .await
        .unwrap();
    let late = owner.call("/_fn/auth/begin-passkey", &[]).await;
    assert_eq!((late.status, late.code().as_str()), (403, "prove_first"));
    let id = [("id", "01890a5d-ac96-774b-bcce-b302099a8057")];
    assert_eq!(
        owner.call("/_fn/auth/remove-passkey", &id).await.code(),
        "prove_first"
    );
    assert_eq!(
        owner.call("/_fn/auth/begin-proof", &[]).await.code(),
        "no_passkey_here"
    );
    let wrong = owner.call("/_fn/auth/prove", &[("password", "not it")]).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (422, "wrong_password"));
    assert_eq!(
        owner
            .call("/_fn/auth/prove", &[("password", PASSWORD)])
            .await
            .status,
        200
    );
    assert_eq!(owner.call("/_fn/auth/begin-passkey", &[]).await.status, 200);
    let gone = owner.call("/_fn/auth/remove-passkey", &id).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "passkey_not_found"));
    let name = [id[0], ("name", "Desk")];
    assert_eq!(
        owner.call("/_fn/auth/rename-passkey", &name).await.code(),
        "passkey_not_found"
    );
}

#[tokio::test]
async fn an_account_without_a_password_sets_one() {
    let (database, server) = server().await;
    let client = database.client().await.unwrap();
    let mut owner = server.sign_in().await.unwrap();
    let mut elsewhere = server.sign_in().await.unwrap();
    let new = [("password", "eight otters on a raft")];
    let set = owner.call("/_fn/auth/set-password", &new).await;
    assert_eq!((set.status, set.code().as_str()), (409, "password_exists"));
    client
        .execute("update users set password_hash = null", &[])
        .await
        .unwrap();
    assert!(owner.open("/settings").await.text.contains("Set password"));
    client
        .execute(
            "update sessions set proven_at = now() - interval '11 minutes'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(
        owner.call("/_fn/auth/set-password", &new).await.code(),
        "prove_first"
    );
    client
        .execute("update sessions set proven_at = now()", &[])
        .await
        .unwrap();
    let common = owner
        .call("/_fn/auth/set-password", &[("password", "password123")])
        .await;
    assert_eq!(common.code(), "password_common");
    assert_eq!(owner.call("/_fn/auth/set-password", &new).await.status, 200);
    assert_eq!(
        owner.fetch("/_fn/auth/me").await.status,
        200,
        "with the new cookie"
    );
    assert_eq!(elsewhere.fetch("/_fn/auth/me").await.status, 401);
    let mut browser = server.browser();
    assert_eq!(
        browser.sign_in(testkit::server::OWNER, new[0].1).await.status,
        200
    );
}
