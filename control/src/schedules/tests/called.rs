//! What makes schedules run beside their clocks: other schedules' ends, events, webhooks; and the success that does not come.

use super::*;
use crate::schedules::happenings::{Happened, listen};
use domain::{
    guards::Expect,
    ids::{HostId, OrgId},
    triggers::{Outcome, WebhookSecrets},
};
use engine::{EngineEvent, EventAction};
use serde_json::{Value, json};

fn trigger(value: Value) -> Trigger {
    serde_json::from_value(value).unwrap()
}

fn after(schedule: &Schedule, of: Outcome) -> Trigger {
    Trigger::Outcome {
        schedule: schedule.name.clone(),
        of,
    }
}

/// A schedule that fails: nothing fits its target.
fn failing(name: &str) -> ScheduleDraft {
    ScheduleDraft {
        steps: vec![Step::new(Action::Start, "name:nobody")],
        ..draft(name, nightly())
    }
}

impl Fixture {
    /// Runs a schedule to its end, and decides what that called.
    async fn runs_now(&self, schedule: &Schedule) -> RunSummary {
        let run = run_now(&self.control, &self.owner, schedule.id).await.unwrap();
        self.work().await;
        let (one, two) = (self.another(), self.another());
        let (first, second) = tokio::join!(tick(&one), tick(&two));
        first.unwrap();
        second.unwrap();
        self.work().await;
        run
    }

    async fn count_of(&self, schedule: &Schedule) -> usize {
        self.runs_of(schedule.id).await.len()
    }

    /// What a run was given by what made it run.
    async fn payload(&self, run: &RunSummary) -> Value {
        let text = self
            .text(&format!(
                "select plan->'payload' from runs where id = '{}'",
                run.id
            ))
            .await;
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_run_calls_those_who_wait_for_it_exactly_once() {
    let fixture = Fixture::new().await;
    let good = fixture.schedule(draft("good", nightly())).await;
    let bad = fixture.schedule(failing("bad")).await;
    let mut made = Vec::new();
    for of in Outcome::ALL {
        made.push(
            fixture
                .schedule(draft(&format!("good {}", of.as_str()), after(&good, of)))
                .await,
        );
        made.push(
            fixture
                .schedule(draft(&format!("bad {}", of.as_str()), after(&bad, of)))
                .await,
        );
    }
    assert_eq!(made[0].sentence, "After good succeeded");
    assert_eq!(made[0].next_at, None);
    let off = fixture.schedule(draft("off", after(&good, Outcome::Any))).await;
    set_enabled(&fixture.control, &fixture.owner, off.id, false)
        .await
        .unwrap();
    let run = fixture.runs_now(&good).await;
    fixture.runs_now(&bad).await;
    let mut counts = Vec::new();
    for schedule in &made {
        counts.push(fixture.count_of(schedule).await);
    }
    // success, failure, any; of the good one and of the bad one each.
    assert_eq!(counts, [1, 0, 0, 1, 1, 1]);
    assert_eq!(fixture.count_of(&off).await, 0);
    let called = &fixture.runs_of(made[0].id).await[0];
    assert_eq!(
        called.trigger,
        RunTrigger::Outcome {
            by: "good".to_owned(),
            of: run.id
        }
    );
    assert_eq!(called.status, RunState::Succeeded);
    let payload = fixture.payload(called).await;
    assert_eq!(
        (&payload["schedule"], &payload["status"]),
        (&json!("good"), &json!("succeeded"))
    );
    assert_eq!(
        fixture
            .text("select count(*) from schedule_calls where decided_at is null")
            .await,
        "0"
    );
    // A run that was cancelled before it began is no outcome.
    let run = run_now(&fixture.control, &fixture.owner, good.id).await.unwrap();
    runs::cancel(&fixture.control, &fixture.owner, run.id)
        .await
        .unwrap();
    tick(&fixture.control).await.unwrap();
    assert_eq!(fixture.count_of(&made[4]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_follow_each_other_and_never_in_a_circle() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let a = fixture.schedule(draft("a", nightly())).await;
    let b = fixture.schedule(draft("b", after(&a, Outcome::Success))).await;
    let c = fixture.schedule(draft("c", after(&b, Outcome::Any))).await;
    fixture.runs_now(&a).await;
    tick(control).await.unwrap();
    fixture.work().await;
    assert_eq!((fixture.count_of(&b).await, fixture.count_of(&c).await), (1, 1));

    let refused = update(control, owner, a.id, draft("a", after(&c, Outcome::Failure)))
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(refused.code, "schedules_in_a_circle");
    assert_eq!(refused.details["path"], json!(["a", "b", "c", "a"]));
    assert_eq!(refused.details["field"], "triggers[0].schedule");
    let itself = update(control, owner, b.id, draft("b", after(&b, Outcome::Any))).await;
    assert_eq!(code(itself), "schedules_in_a_circle");
    // Running what one waits for is a circle from the beginning.
    let both = ScheduleDraft {
        steps: vec![Step::new(
            serde_json::from_value(json!({ "type": "run_schedule", "schedule": "a" })).unwrap(),
            "",
        )],
        ..draft("d", after(&a, Outcome::Any))
    };
    assert_eq!(code(create(control, owner, both).await), "schedules_in_a_circle");
    let unknown = Trigger::Outcome {
        schedule: "nobody".to_owned(),
        of: Outcome::Any,
    };
    assert_eq!(
        code(create(control, owner, draft("e", unknown)).await),
        "unknown_schedule"
    );
    let file = export(control, owner, None, FileFormat::Yaml).await.unwrap();
    assert!(file.contains("schedule: b"), "{file}");
    let report = apply(control, owner, &file, ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(report.unchanged, 3, "{report:?}");
}

fn die(id: &str, nano: i64, code: i64) -> EngineEvent {
    EngineEvent {
        time_nano: nano,
        engine_id: id.repeat(64),
        action: EventAction::Die,
        attributes: [
            ("name", "web"),
            ("image", "x:1"),
            ("exitCode", code.to_string().as_str()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_run_however_many_servers_hear_of_it() {
    let fixture = Fixture::new().await;
    let waits = |name: &str, debounce: &str| {
        let event = json!({ "type": "event", "on": ["die"], "exit_codes": "nonzero", "target": "name:web", "debounce": debounce });
        let mut draft = draft(name, trigger(event));
        draft.guards.overlap = Overlap::Allow;
        draft
    };
    let each = fixture.schedule(waits("each", "0s")).await;
    let gathered = fixture.schedule(waits("gathered", "1s")).await;
    let other = json!({ "type": "event", "on": ["die", "start"], "target": "name:db" });
    let other = fixture.schedule(draft("other", trigger(other))).await;
    assert_eq!(each.sentence, "When name:web exits with an error");
    let servers = [fixture.control.clone(), fixture.another()];
    for server in &servers {
        let server = server.clone();
        tokio::spawn(async move { listen(&server).await });
    }
    let host = HostId::new();
    for (nano, code) in [(1_000, 1), (2_000, 137), (3_000, 0), (4_000, 2)] {
        for server in &servers {
            Happened::tell(server, OrgId::HOME, host, die("a", nano, code));
        }
    }
    // A container of a run is that run's affair.
    let mut own = die("b", 5_000, 1);
    own.attributes
        .insert("chrontainer.run".to_owned(), "x".to_owned());
    Happened::tell(&servers[0], OrgId::HOME, host, own);
    let mut made = 0;
    for _ in 0..200 {
        for server in &servers {
            tick(server).await.unwrap();
        }
        made = fixture.count_of(&each).await + fixture.count_of(&gathered).await;
        if made == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(made, 4);
    assert_eq!(fixture.count_of(&each).await, 3, "one for each code but 0");
    let run = &fixture.runs_of(gathered.id).await[0];
    assert_eq!(
        run.trigger,
        RunTrigger::Event {
            by: "web on  exited with 2".to_owned()
        }
    );
    let payload = fixture.payload(run).await;
    assert_eq!(
        (&payload["count"], &payload["exit_code"], &payload["container"]),
        (&json!(3), &json!(2), &json!("web"))
    );
    assert_eq!(fixture.count_of(&other).await, 0);
    // Told again by a server that was away.
    Happened::tell(&servers[1], OrgId::HOME, host, die("a", 1_000, 1));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    tick(&servers[1]).await.unwrap();
    assert_eq!(fixture.count_of(&each).await, 3);
    for server in servers {
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_runs_its_schedule_under_its_guards() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = fixture
        .schedule(draft("hooked", trigger(json!({ "type": "webhook" }))))
        .await;
    let Some(WebhookSecrets {
        path: Some(path),
        signing_secret: None,
    }) = made.webhook.clone()
    else {
        panic!("{made:?}");
    };
    let token = path.strip_prefix("/api/v1/hooks/").unwrap();
    let shown = get(control, owner, made.id).await.unwrap();
    assert_eq!((shown.webhook, shown.next_at), (None, None));
    let stored = fixture
        .text("select string_agg(coalesce(before::text, '') || coalesce(after::text, ''), '') from audit")
        .await;
    assert!(!stored.contains(token), "the token is in the audit log");

    let hook = find_webhook(control, token).await.unwrap();
    let run = call_webhook(control, &hook, None, b"{\"tag\":\"v2\"}")
        .await
        .unwrap();
    assert_eq!(
        (&run.trigger, run.status),
        (&RunTrigger::Webhook, RunState::Queued)
    );
    assert_eq!(fixture.payload(&run).await, json!({ "tag": "v2" }));
    // One at a time, as for a fire time.
    let second = call_webhook(control, &hook, None, b"").await.unwrap();
    assert_eq!(second.status, RunState::Skipped);
    assert!(second.message.unwrap().contains("had not ended"));
    fixture.work().await;
    assert_eq!(
        code(call_webhook(control, &hook, None, b"tag=v2").await),
        "body_not_json"
    );
    assert_eq!(
        code(find_webhook(control, "hook_wrong").await),
        "webhook_not_found"
    );

    set_enabled(control, owner, made.id, false).await.unwrap();
    assert_eq!(
        code(call_webhook(control, &hook, None, b"").await),
        "schedule_disabled"
    );
    set_enabled(control, owner, made.id, true).await.unwrap();

    // Signed from now on: the address stays, a secret comes.
    let signed = draft("hooked", trigger(json!({ "type": "webhook", "signed": true })));
    let saved = update(control, owner, made.id, signed.clone()).await.unwrap();
    let secrets = saved.webhook.unwrap();
    assert!(secrets.path.is_none() && secrets.signing_secret.is_some());
    assert_eq!(
        update(control, owner, made.id, signed).await.unwrap().webhook,
        None
    );
    let hook = find_webhook(control, token).await.unwrap();
    assert_eq!(
        code(call_webhook(control, &hook, Some("sha256=00"), b"").await),
        "signature_invalid"
    );
    let listed = crate::secrets::list(control, owner).await.unwrap();
    assert!(listed.items.is_empty(), "{listed:?}");

    let renewed = renew_webhook(control, owner, made.id).await.unwrap();
    assert!(renewed.path.is_some() && renewed.signing_secret != secrets.signing_secret);
    assert_eq!(code(find_webhook(control, token).await), "webhook_not_found");
    let plain = update(control, owner, made.id, draft("hooked", nightly()))
        .await
        .unwrap();
    assert_eq!(plain.webhook, None);
    assert_eq!(fixture.text("select count(*) from schedule_hooks").await, "0");
    assert_eq!(fixture.text("select count(*) from secrets").await, "0");
    assert_eq!(code(renew_webhook(control, owner, made.id).await), "no_webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_does_not_come_is_told_once_and_taken_back_by_the_next() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let expecting = |name: &str| {
        let mut draft = draft(name, nightly());
        draft.guards.expect = Some(Expect {
            within: "1h".parse().unwrap(),
        });
        draft
    };
    let made = fixture.schedule(expecting("nightly")).await;
    let idle = fixture.schedule(draft("idle", nightly())).await;
    // A success moves the time on, and nobody is told anything.
    run_now(control, owner, made.id).await.unwrap();
    fixture.work().await;
    fixture
        .sql("update schedules set expected_by = now() - interval '5 minutes' where expected_by is not null")
        .await;
    tick(control).await.unwrap();
    let shown = get(control, owner, made.id).await.unwrap();
    assert_eq!(shown.overdue_since, None);
    let moved = fixture
        .text(&format!(
            "select expected_by > now() + interval '59 minutes' from schedules where id = '{}'",
            made.id
        ))
        .await;
    assert_eq!(moved, "true");

    // As if everything had stood still for two hours, the servers too.
    fixture
        .sql("update runs set finished_at = finished_at - interval '2 hours'")
        .await;
    fixture
        .sql("update schedules set expected_by = now() - interval '1 hour' where expected_by is not null")
        .await;
    let (one, two) = (fixture.another(), fixture.another());
    let (first, second) = tokio::join!(tick(&one), tick(&two));
    first.unwrap();
    second.unwrap();
    tick(control).await.unwrap();
    let overdue = get(control, owner, made.id).await.unwrap();
    assert!(overdue.overdue_since.is_some());
    assert_eq!(get(control, owner, idle.id).await.unwrap().overdue_since, None);
    let lines = || async {
        fixture
            .text("select string_agg(action, ' ' order by id) from audit where action in ('schedule.overdue', 'schedule.recovered')")
            .await
    };
    assert_eq!(lines().await, "schedule.overdue");
    // A new name changes nothing about it.
    let renamed = update(control, owner, made.id, expecting("at night"))
        .await
        .unwrap();
    assert_eq!(renamed.overdue_since, overdue.overdue_since);

    run_now(control, owner, made.id).await.unwrap();
    fixture.work().await;
    assert_eq!(get(control, owner, made.id).await.unwrap().overdue_since, None);
    tick(control).await.unwrap();
    assert_eq!(lines().await, "schedule.overdue schedule.recovered");
}
