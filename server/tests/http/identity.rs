//! Set-up, sign-in, sessions, keys.

use super::server;
use serde_json::json;
use std::time::{Duration, Instant};
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
async fn wrong_names_and_wrong_passwords_look_alike() {
    let (database, server) = server().await;
    let mut shortest = [Duration::MAX; 2];
    let mut answers = Vec::new();
    for (at, name) in [(0, OWNER), (1, "nobody"), (0, OWNER), (1, "nobody2")] {
        let begun = Instant::now();
        let answer = server.browser().sign_in(name, "wrong password").await;
        shortest[at] = shortest[at].min(begun.elapsed());
        assert_eq!(answer.status, 401);
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(
        shortest[1] * 3 > shortest[0] && shortest[0] * 3 > shortest[1],
        "{shortest:?}"
    );
    // Neither what was typed nor a password is kept or logged.
    let client = database.client().await.unwrap();
    let kept = client
        .query_one(
            "select count(*) from audit where outcome = 'refused' and concat(audit.*) not like '%nobody%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(kept.get::<_, i64>(0), 4);
    assert!(!server.log().contains("wrong password") && !server.log().contains("nobody"));
}

#[tokio::test]
async fn guessing_slows_down_here_and_nowhere_else() {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let options = TestServerOptions::on(&database).env("CHRONTAINER_TRUSTED_PROXIES", "127.0.0.1");
    let server = TestServer::start(options.clone()).await.unwrap();
    let second = TestServer::start(options).await.unwrap();
    let from = |server: &TestServer, address: &str| {
        let mut browser = server.browser();
        browser.proxy = vec![("x-forwarded-for".to_owned(), address.to_owned())];
        browser
    };
    let mut guesser = from(&server, "192.0.2.66");
    for _ in 0..5 {
        assert_eq!(guesser.sign_in(OWNER, "a wrong guess").await.status, 401);
    }
    // Now even the right password has to wait, on every server, and the answer says how long.
    for server in [&server, &second] {
        let slowed = from(server, "192.0.2.66").sign_in(OWNER, PASSWORD).await;
        assert_eq!(
            (slowed.status, slowed.code().as_str()),
            (429, "too_many_attempts")
        );
        let seconds: u64 = slowed.header("retry-after").parse().unwrap();
        assert_eq!(slowed.json()["details"]["retry_after"], json!(seconds));
        assert!((1..=2).contains(&seconds), "{seconds}");
    }
    // The owner is elsewhere, and does not notice.
    assert_eq!(
        from(&server, "198.51.100.7")
            .sign_in(OWNER, PASSWORD)
            .await
            .status,
        200
    );
    // Waiting helps, and a good sign-in ends it.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        from(&server, "192.0.2.66").sign_in(OWNER, PASSWORD).await.status,
        200
    );
    assert_eq!(
        from(&server, "192.0.2.66")
            .sign_in(OWNER, "a wrong guess")
            .await
            .status,
        401
    );
    assert_eq!(
        from(&server, "192.0.2.66").sign_in(OWNER, PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn a_thousand_guesses_at_once_are_counted_one_by_one() {
    let (_database, server) = server().await;
    let guesses = (0..40).map(|_| {
        let mut browser = server.browser();
        async move { browser.sign_in(OWNER, "a wrong guess").await.status }
    });
    let statuses = futures::future::join_all(guesses).await;
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!(looked_at <= 6, "{looked_at} guesses got through at once");
    assert_eq!(
        statuses.iter().filter(|status| **status == 429).count(),
        40 - looked_at
    );
}

#[tokio::test]
async fn many_names_from_one_address_slow_down_too() {
    let (_database, server) = server().await;
    let mut limited = 0;
    for n in 0..25 {
        limited += usize::from(
            server
                .browser()
                .sign_in(&format!("name {n}"), "whatever")
                .await
                .status
                == 429,
        );
    }
    assert!(limited > 0);
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
