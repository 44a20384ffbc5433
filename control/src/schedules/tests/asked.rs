//! What runs only when it is asked to, many at once, and trying a whole run again.

use super::*;
use domain::templates::TEMPLATES;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_without_times_is_saved_and_runs_by_hand() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let by_hand = ScheduleDraft {
        triggers: Vec::new(),
        ..draft("by hand", nightly())
    };
    let made = fixture.schedule(by_hand.clone()).await;
    assert_eq!((made.sentence.as_str(), made.next_at), ("Only by hand", None));
    let shown = preview(control, owner, &[], "UTC", 5).await.unwrap();
    assert_eq!((shown.sentence.as_str(), shown.next.len()), ("Only by hand", 0));
    run_now(control, owner, made.id).await.unwrap();
    fixture.work().await;
    tick(control).await.unwrap();
    let after = get(control, owner, made.id).await.unwrap();
    assert!(!after.archived, "it has no times that could have passed");
    assert_eq!(after.last_run.unwrap().status, RunState::Succeeded);
    let timed = update(control, owner, made.id, draft("by hand", nightly()))
        .await
        .unwrap();
    assert!(timed.next_at.is_some());
    let again = update(control, owner, made.id, by_hand).await.unwrap();
    assert_eq!(again.next_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_switched_together_or_none() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let a = fixture.schedule(draft("a", nightly())).await;
    let b = fixture.schedule(draft("b", nightly())).await;
    let gone = ScheduleId::new();
    assert_eq!(
        code(switch_many(control, owner, &[a.id, gone], false).await),
        "schedule_not_found"
    );
    assert!(get(control, owner, a.id).await.unwrap().enabled, "all or none");
    let off = switch_many(control, owner, &[b.id, a.id, b.id], false)
        .await
        .unwrap();
    assert_eq!(
        off.iter().map(|one| one.enabled).collect::<Vec<_>>(),
        [false, false]
    );
    switch_many(control, owner, &[a.id], true).await.unwrap();
    let until = chrono::Utc::now() + chrono::TimeDelta::days(3);
    pause(control, owner, a.id, Some(until)).await.unwrap();
    let on = switch_many(control, owner, &[a.id, b.id], true).await.unwrap();
    assert!(
        on.iter()
            .all(|one| one.enabled && one.paused_until.is_none() && one.next_at.is_some())
    );
    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        code(switch_many(control, &viewer, &[a.id], false).await),
        "forbidden"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_is_tried_again_as_often_as_is_asked() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let mut failing = draft("failing", nightly());
    // Before what fails, and done again with it.
    failing.steps = vec![
        Step::new(Action::Noop, ""),
        Step::new(Action::Start, "name:nothing-is-called-so"),
    ];
    failing.guards.retry =
        serde_json::from_value(json!({ "attempts": 3, "initial": "1ms", "of": "run" })).unwrap();
    let made = fixture.schedule(failing.clone()).await;
    run_now(control, owner, made.id).await.unwrap();
    fixture.work().await;
    let runs = fixture.runs_of(made.id).await;
    assert_eq!((runs.len(), runs[0].status), (2, RunState::Waiting), "{runs:?}");
    let first = &runs[1];
    assert_eq!(first.status, RunState::Partial, "its first step was done");
    assert_eq!(
        runs[0].trigger,
        RunTrigger::Attempt {
            by: "attempt 2 of 3".to_owned(),
            of: first.id
        }
    );
    for expected in [3, 3, 3] {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tick(control).await.unwrap();
        fixture.work().await;
        assert_eq!(fixture.runs_of(made.id).await.len(), expected);
    }
    let runs = fixture.runs_of(made.id).await;
    assert!(runs.iter().all(|run| run.status == RunState::Partial), "{runs:?}");
    let last = fixture.run(runs[0].id).await;
    assert_eq!(last.steps.len(), 2, "the whole was done");

    // Only after a time limit: this was none.
    failing.name = "patient".to_owned();
    failing.guards.retry =
        serde_json::from_value(json!({ "attempts": 3, "initial": "1ms", "of": "run", "on": ["timed_out"] }))
            .unwrap();
    let patient = fixture.schedule(failing.clone()).await;
    run_now(control, owner, patient.id).await.unwrap();
    fixture.work().await;
    assert_eq!(fixture.runs_of(patient.id).await.len(), 1);

    // A step's own is of its targets.
    failing.name = "wrong".to_owned();
    failing.steps[1].retry = serde_json::from_value(json!({ "attempts": 2, "of": "run" })).unwrap();
    let problem = create(control, owner, failing).await.unwrap_err().into_problem();
    assert_eq!(
        (problem.code.as_str(), &problem.details["field"]),
        ("retry_of_run", &"steps[1].retry.of".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_template_is_accepted() {
    let fixture = Fixture::new().await;
    for template in TEMPLATES {
        for draft in template.drafts(template.name, "name:web", "Europe/Berlin") {
            let name = draft.name.clone();
            let made = create(&fixture.control, &fixture.owner, draft).await;
            assert!(made.is_ok(), "{name}: {:?}", made.err());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_shows_the_secrets_of_the_webhooks_that_it_makes_once() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let file = "format: chrontainer/v1\nschedules:\n  - name: hooked\n    triggers: [{type: webhook, signed: true}]\n    \
                steps: [{action: {type: noop}}]\n";
    let dry = ApplyOptions {
        dry_run: true,
        prune: false,
    };
    assert_eq!(
        apply(control, owner, file, dry).await.unwrap().changes[0].webhook,
        None
    );
    let report = apply(control, owner, file, ApplyOptions::default())
        .await
        .unwrap();
    let secrets = report.changes[0].webhook.clone().unwrap();
    assert!(secrets.signing_secret.is_some());
    let path = secrets.path.unwrap();
    let token = path.strip_prefix("/api/v1/hooks/").unwrap();
    assert!(find_webhook(control, token).await.is_ok());
    let again = apply(control, owner, file, ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!((again.unchanged, &again.changes[0].webhook), (1, &None));
    let stored = fixture
        .text("select string_agg(coalesce(before::text, '') || coalesce(after::text, ''), '') from audit")
        .await;
    assert!(!stored.contains(token), "the token is in the audit log");
}
