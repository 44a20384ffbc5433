//! Asking for runs: again, in lists, and until they end.

use super::*;
use crate::testing::work_on;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_same_run() {
    let fixture = Fixture::new().await;
    let send = |steps: Vec<Step>| {
        start_direct(
            &fixture.control,
            &fixture.owner,
            "Try".to_owned(),
            RunPlan::of(steps),
            Some("key-1"),
        )
    };
    let answers = futures::future::join_all((0..8).map(|_| send(vec![noop()]))).await;
    let mut ids: Vec<RunId> = answers.into_iter().map(|answer| answer.unwrap().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(fixture.text("select count(*) from runs").await, "1");
    let other = send(vec![noop(), noop()]).await.unwrap_err().into_problem();
    assert_eq!(other.code, "idempotency_key_reused");

    let mut calls = 0;
    for _ in 0..3 {
        let answer = idempotent(&fixture.control, &fixture.owner, Some("key-2"), b"hash", async {
            calls += 1;
            Ok((201, serde_json::json!({ "call": calls })))
        });
        assert_eq!(answer.await.unwrap(), (201, serde_json::json!({ "call": 1 })));
    }
    assert_eq!(calls, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_by_page_and_awaited() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(direct(&fixture, &fixture.owner, vec![noop()]).await);
    }
    ids.reverse();
    let page = |cursor| RunQuery {
        page: ListQuery {
            limit: Some(2),
            cursor,
        },
        ..RunQuery::default()
    };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = list(&fixture.control, &fixture.owner, page(cursor))
            .await
            .unwrap();
        assert_eq!(found.total, 5);
        seen.extend(found.items.iter().map(|run| run.id));
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let bad = list(&fixture.control, &fixture.owner, page(Some("x".to_owned())))
        .await
        .unwrap_err();
    assert_eq!(bad.into_problem().class, ErrorClass::BadRequest);

    let patient = wait(
        &fixture.control,
        &fixture.owner,
        ids[0],
        Duration::from_millis(50),
    )
    .await
    .unwrap();
    assert_eq!(patient.status, RunState::Queued);
    let waiting = wait(&fixture.control, &fixture.owner, ids[0], Duration::from_secs(20));
    let (run, ()) = tokio::join!(waiting, work_on(&fixture.control));
    assert_eq!(run.unwrap().status, RunState::Succeeded);
    let queued = RunQuery {
        state: Some(RunState::Queued),
        ..RunQuery::default()
    };
    assert!(
        list(&fixture.control, &fixture.owner, queued)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
