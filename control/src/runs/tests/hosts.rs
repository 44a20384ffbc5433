//! Runs and the state of their hosts: maintenance keeps planned work away, and a host that hangs holds nobody's place.

use super::{direct, engines::step};
use crate::{blackouts, hosts, runs::execute, testing::Fixture};
use domain::{
    blackouts::{BlackoutDraft, BlackoutOn, BlackoutPolicy, BlackoutWindow},
    hosts::{HostDraft, HostPatch},
    ids::HostId,
    runs::{RunState, TargetState},
};
use std::time::{Duration, Instant};
use testkit::engines::{GeneratedEngine, RunOptions, TestEngine};

/// A server that knows the engine, its host, and the name of a container on it.
async fn with_one_container(engine: &TestEngine) -> (Fixture, HostId, String) {
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::with(engine).await;
    fixture.see(&web).await;
    let host = fixture.control.fleet().host_names(fixture.owner.org_id)[0].id;
    (fixture, host, web)
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_keeps_planned_work_away_and_nothing_that_is_asked_for() {
    let engine = TestEngine::shared().await;
    let (fixture, host, web) = with_one_container(&engine).await;
    let patch = HostPatch {
        maintenance: Some(true),
        ..HostPatch::default()
    };
    hosts::change(&fixture.control, &fixture.owner, host, patch)
        .await
        .unwrap();
    let begun = Instant::now();
    while !fixture.control.fleet().in_maintenance(host) {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    for trigger in [
        r#"{"type":"schedule"}"#,
        r#"{"type":"webhook"}"#,
        r#"{"type":"event","by":"x"}"#,
    ] {
        let before = engine.started_at(&web).await;
        let steps = vec![step("restart", &format!("name:{web}"))];
        let id = direct(&fixture, &fixture.owner, steps).await;
        let planned = format!("update runs set trigger = '{trigger}' where id = '{id}'");
        fixture.sql(&planned).await;
        fixture.work().await;
        let run = fixture.run(id).await;
        assert_eq!(run.summary.status, RunState::Skipped, "{run:#?}");
        let target = &run.steps[0].targets[0];
        assert_eq!(target.status, TargetState::Skipped);
        assert!(
            target.message.as_deref().unwrap().contains("in maintenance"),
            "{target:?}"
        );
        assert_eq!(engine.started_at(&web).await, before, "{trigger}");
    }

    let before = engine.started_at(&web).await;
    let id = direct(
        &fixture,
        &fixture.owner,
        vec![step("restart", &format!("name:{web}"))],
    )
    .await;
    fixture.work().await;
    assert_eq!(fixture.run(id).await.summary.status, RunState::Succeeded);
    assert_ne!(engine.started_at(&web).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_runs_on_a_host_that_hangs_end_together() {
    let engine = GeneratedEngine::start("hung", 3).await;
    let fixture = Fixture::new().await;
    fixture.control.start().await.unwrap();
    let draft = HostDraft::new("hung", engine.docker_host());
    let host = hosts::create(&fixture.control, &fixture.owner, draft)
        .await
        .unwrap()
        .id;
    let begun = Instant::now();
    while !fixture.control.fleet().is_settled(host) {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.hang(true);
    hosts::retry(&fixture.control, &fixture.owner, host)
        .await
        .unwrap();
    while fixture.control.fleet().host_error(host).is_none() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it was never found to hang"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let mut runs = Vec::new();
    for _ in 0..100 {
        runs.push(direct(&fixture, &fixture.owner, vec![step("restart", "host:hung")]).await);
    }
    let begun = Instant::now();
    let executed = runs.iter().map(|id| execute(&fixture.control, *id));
    for result in futures::future::join_all(executed).await {
        result.unwrap();
    }
    let took = begun.elapsed();
    for id in runs {
        let run = fixture.run(id).await;
        assert!(run.summary.status == RunState::Failed, "{run:#?}");
    }
    // One ping's patience, and the database's time for a hundred runs; each used to hold a place for a minute.
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackout_of_a_host_keeps_planned_work_off_its_containers() {
    let engine = TestEngine::shared().await;
    let (fixture, host, web) = with_one_container(&engine).await;
    let now = chrono::Utc::now();
    let draft = BlackoutDraft {
        name: "quiet".to_owned(),
        enabled: true,
        on: BlackoutOn::Host { id: host },
        timezone: "UTC".to_owned(),
        window: BlackoutWindow::Dated {
            from: now - Duration::from_secs(3600),
            to: now + Duration::from_secs(3600),
        },
        policy: BlackoutPolicy::Skip,
        version: None,
    };
    blackouts::create(&fixture.control, &fixture.owner, draft)
        .await
        .unwrap();
    let before = engine.started_at(&web).await;
    let steps = || vec![step("restart", &format!("name:{web}"))];
    let id = direct(&fixture, &fixture.owner, steps()).await;
    fixture
        .sql(&format!(
            r#"update runs set trigger = '{{"type":"schedule"}}' where id = '{id}'"#
        ))
        .await;
    fixture.work().await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Skipped, "{run:#?}");
    assert!(
        run.summary.message.as_deref().unwrap().contains("blackout quiet"),
        "{run:#?}"
    );
    assert_eq!(engine.started_at(&web).await, before);

    // Somebody asks for it now.
    let id = direct(&fixture, &fixture.owner, steps()).await;
    fixture.work().await;
    assert_eq!(fixture.run(id).await.summary.status, RunState::Succeeded);
}
