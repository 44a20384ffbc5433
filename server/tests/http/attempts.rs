//! Guessing names and passwords.

use super::server;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{
    postgres::TestDatabase,
    server::{OWNER, PASSWORD, TestServer, TestServerOptions, migrations},
};

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
