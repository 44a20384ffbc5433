//! Set-up, sign-in, sessions, keys.

use super::server;
use testkit::{
    postgres::TestDatabase,
    server::{OWNER, PASSWORD, TestServer, TestServerOptions, migrations},
};

#[tokio::test]
async fn the_setup_link_makes_the_owner_once() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let mut server = TestServer::start(TestServerOptions::on(&database).not_set_up())
        .await
        .unwrap();
    let old = server.setup_link().unwrap();
    assert!(old.starts_with(&format!("{}/setup?token=", server.url)), "{old}");

    // Every page leads to set-up, and a new start makes a new link.
    assert_eq!(server.browser().open("/").await.header("location"), "/setup");
    assert_eq!(
        server.browser().open("/sign-in").await.header("location"),
        "/setup"
    );
    assert_eq!(server.stop().await.unwrap(), Some(0));
    server.start_again().await.unwrap();
    let token = |link: &str| link.split_once("token=").unwrap().1.to_owned();
    let new = server.setup_link().unwrap();
    let set_up = |token: String, name: &'static str, password: &'static str| {
        let mut browser = server.browser();
        async move {
            let fields = [("token", token.as_str()), ("name", name), ("password", password)];
            (browser.call("/_fn/auth/set-up", &fields).await, browser)
        }
    };
    let (refused, _) = set_up(token(&old), OWNER, PASSWORD).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "setup_link_invalid")
    );

    // What is wrong with the form does not use the link up.
    let (refused, _) = set_up(token(&new), OWNER, "short").await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "password_too_short")
    );
    let (refused, _) = set_up(token(&new), "  ", PASSWORD).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "name_empty"));

    let (made, mut browser) = set_up(token(&new), OWNER, PASSWORD).await;
    assert_eq!(made.status, 200, "{made:?}");
    let me = Box::pin(browser.fetch("/_fn/auth/me")).await;
    assert_eq!(me.json()["role"], "owner");

    let (refused, _) = set_up(token(&new), "second", PASSWORD).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "already_set_up"));
    assert_eq!(
        server.browser().open("/setup").await.header("location"),
        "/sign-in"
    );
    server.stop().await.unwrap();
    server.start_again().await.unwrap();
    assert_eq!(server.setup_link(), None);
    // The token is on standard output alone, and never in the log or the database.
    assert!(!server.log().contains(&token(&new)));
}

#[tokio::test]
async fn many_at_once_make_one_owner() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let server = TestServer::start(TestServerOptions::on(&database).not_set_up())
        .await
        .unwrap();
    let link = server.setup_link().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let tries = (0..8).map(|n| {
        let (mut browser, token) = (server.browser(), token.to_owned());
        async move {
            let name = format!("owner {n}");
            let fields = [
                ("token", token.as_str()),
                ("name", name.as_str()),
                ("password", PASSWORD),
            ];
            browser.call("/_fn/auth/set-up", &fields).await.status
        }
    });
    let mut statuses = futures::future::join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(
        statuses[1..].iter().all(|status| matches!(status, 403 | 409)),
        "{statuses:?}"
    );
    let count = database
        .client()
        .await
        .unwrap()
        .query_one("select count(*) from users", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn unattended_setup_happens_at_the_first_start_only() {
    let (database, mut server) = server().await;
    assert_eq!(server.setup_link(), None);
    let client = database.client().await.unwrap();
    client
        .execute("update users set name = 'renamed'", &[])
        .await
        .unwrap();
    server.stop().await.unwrap();
    server.start_again().await.unwrap();
    let names = client.query("select name from users", &[]).await.unwrap();
    assert_eq!(names.len(), 1, "no second owner");
    assert_eq!(
        server.browser().sign_in("Renamed", PASSWORD).await.status,
        200,
        "names ignore case"
    );
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let (database, server) = server().await;
    let mut browser = server.sign_in().await.unwrap();
    let first = browser.cookie.clone().unwrap();
    assert_eq!(browser.fetch("/_fn/auth/me").await.json()["name"], OWNER);
    assert_eq!(
        browser.open("/sign-in").await.header("location"),
        "/",
        "the doors are behind us"
    );

    // Signing in again ends the session that the browser came with.
    assert_eq!(browser.sign_in(OWNER, PASSWORD).await.status, 200);
    assert_ne!(browser.cookie.as_ref().unwrap(), &first);
    let mut planted = server.browser();
    planted.cookie = Some(first);
    assert_eq!(planted.fetch("/_fn/auth/me").await.status, 401);

    let kept = browser.cookie.clone();
    let out = browser.call("/_fn/auth/sign-out", &[]).await;
    assert_eq!(out.status, 200, "{out:?}");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(browser.cookie, None);
    browser.cookie = kept;
    assert_eq!(browser.fetch("/_fn/auth/me").await.code(), "not_signed_in");

    let rows = database
        .client()
        .await
        .unwrap()
        .query("select action, outcome, user_id is not null from audit where action like 'session.%' order by id", &[])
        .await
        .unwrap();
    let rows: Vec<(String, String, bool)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let line = |action: &str| (action.to_owned(), "done".to_owned(), true);
    assert_eq!(
        rows,
        [
            line("session.begin"),
            line("session.begin"),
            line("session.end"),
            line("session.end")
        ]
    );
}

#[tokio::test]
async fn sessions_expire_by_the_databases_clock() {
    let (database, server) = server().await;
    let client = database.client().await.unwrap();
    for sql in [
        "update sessions set last_seen_at = now() - interval '7 days 1 second'",
        "update sessions set expires_at = now() - interval '1 second'",
        "update users set disabled_at = now()",
    ] {
        client
            .execute("update users set disabled_at = null", &[])
            .await
            .unwrap();
        let mut browser = server.sign_in().await.unwrap();
        assert_eq!(browser.fetch("/_fn/auth/me").await.status, 200);
        client.execute(sql, &[]).await.unwrap();
        assert_eq!(browser.fetch("/_fn/auth/me").await.status, 401, "{sql}");
        let page = browser.open("/schedules?q=web").await;
        assert_eq!(
            (page.status, page.header("location")),
            (303, "/sign-in?next=%2Fschedules%3Fq%3Dweb")
        );
    }
}

#[tokio::test]
async fn use_keeps_a_session_alive_and_is_noted_once_a_minute() {
    let (database, server) = server().await;
    let client = database.client().await.unwrap();
    let mut browser = server.sign_in().await.unwrap();
    let seen = "select last_seen_at::text from sessions";
    client
        .execute(
            "update sessions set last_seen_at = now() - interval '6 days'",
            &[],
        )
        .await
        .unwrap();
    browser.fetch("/_fn/auth/me").await;
    let noted: String = client.query_one(seen, &[]).await.unwrap().get(0);
    let fresh = client
        .query_one(
            "select last_seen_at > now() - interval '1 minute' from sessions",
            &[],
        )
        .await
        .unwrap();
    assert!(fresh.get::<_, bool>(0));
    browser.fetch("/_fn/auth/me").await;
    assert_eq!(
        client.query_one(seen, &[]).await.unwrap().get::<_, String>(0),
        noted
    );
}

#[tokio::test]
async fn a_key_opens_the_api_until_it_is_revoked() {
    let (database, server) = server().await;
    assert!(server.api_key.starts_with("chk_"));
    assert_eq!(server.get("/metrics").await.status, 200);
    let client = database.client().await.unwrap();
    let row = client
        .query_one(
            "select prefix, key_hash, last_used_at is not null from api_keys",
            &[],
        )
        .await
        .unwrap();
    assert!(server.api_key.starts_with(row.get::<_, &str>(0)));
    assert_eq!(row.get::<_, &[u8]>(1).len(), 32, "only a hash is kept");
    assert!(row.get::<_, bool>(2));
    for sql in [
        "update api_keys set expires_at = now() - interval '1 second'",
        "update users set disabled_at = now()",
        "update api_keys set revoked_at = now()",
    ] {
        client
            .batch_execute("update users set disabled_at = null; update api_keys set expires_at = null")
            .await
            .unwrap();
        assert_eq!(server.get("/metrics").await.status, 200);
        client.execute(sql, &[]).await.unwrap();
        let refused = server.get("/metrics").await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (401, "key_invalid"),
            "{sql}"
        );
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    // A wrong key is refused, whatever cookie comes with it.
    client
        .batch_execute("update users set disabled_at = null")
        .await
        .unwrap();
    let browser = server.sign_in().await.unwrap();
    let both = browser
        .request(reqwest::Method::GET, "/metrics")
        .bearer_auth("chk_wrong");
    assert_eq!(testkit::server::Answer::of(both).await.status, 401);
}

#[tokio::test]
async fn the_command_line_makes_keys_and_new_passwords() {
    let (_database, server) = server().await;
    let taken = server
        .command(&["api-key", "create", "--user", OWNER, "--name", "laptop"])
        .await
        .unwrap();
    assert_eq!(taken.lines().count(), 1);
    let again = server
        .command(&["api-key", "create", "--user", OWNER, "--name", "Laptop"])
        .await
        .unwrap_err();
    assert!(
        again.to_string().contains("already a key of this name"),
        "{again}"
    );
    let nobody = server
        .command(&["api-key", "create", "--user", "nobody", "--name", "x"])
        .await
        .unwrap_err();
    assert!(nobody.to_string().contains("no such user"), "{nobody}");

    let mut browser = server.sign_in().await.unwrap();
    let printed = server.command(&["user", "reset", "--name", OWNER]).await.unwrap();
    let password = printed.lines().last().unwrap().to_owned();
    assert_eq!(
        browser.fetch("/_fn/auth/me").await.status,
        401,
        "every session has ended"
    );
    assert_eq!(server.browser().sign_in(OWNER, PASSWORD).await.status, 401);
    assert_eq!(server.browser().sign_in(OWNER, &password).await.status, 200);
    assert!(!server.log().contains(&password));
}
