//! Blackouts: what they hold, and what happens at their end.

use super::*;
use crate::blackouts;
use domain::blackouts::{Blackout, BlackoutDraft, BlackoutOn, BlackoutPolicy, BlackoutWindow};

fn now() -> domain::Timestamp {
    chrono::Utc::now()
}

fn closed(name: &str, on: BlackoutOn, policy: BlackoutPolicy) -> BlackoutDraft {
    BlackoutDraft {
        name: name.to_owned(),
        enabled: true,
        on,
        timezone: "UTC".to_owned(),
        window: BlackoutWindow::Dated {
            from: now() - Duration::from_secs(3600),
            to: now() + Duration::from_secs(3600),
        },
        policy,
        version: None,
    }
}

impl Fixture {
    async fn blackout(&self, draft: BlackoutDraft) -> Blackout {
        blackouts::create(&self.control, &self.owner, draft)
            .await
            .unwrap()
    }

    async fn due_now(&self, id: ScheduleId) -> RunSummary {
        self.sql(&format!(
            "update schedules set next_at = clock_timestamp(), anchor_at = clock_timestamp() where id = '{id}'"
        ))
        .await;
        tick(&self.control).await.unwrap();
        self.runs_of(id).await.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_a_blackout_is_skipped_and_says_why_but_a_persons_runs() {
    let fixture = Fixture::new().await;
    let one = fixture.schedule(draft("one", every(3600))).await;
    let two = fixture.schedule(draft("two", every(3600))).await;
    let on_one = BlackoutOn::Schedule { id: one.id };
    let made = fixture
        .blackout(closed("freeze", on_one, BlackoutPolicy::Skip))
        .await;
    assert_eq!(made.on_name, "Schedule one");
    assert!(made.active_until.is_some());
    let skipped = fixture.due_now(one.id).await;
    assert_eq!(skipped.status, RunState::Skipped);
    let why = skipped.message.unwrap();
    assert!(
        why.starts_with("Skipped: the blackout freeze is on until"),
        "{why}"
    );
    assert_eq!(fixture.due_now(two.id).await.status, RunState::Queued);
    let by_hand = run_now(&fixture.control, &fixture.owner, one.id).await.unwrap();
    assert_eq!(by_hand.status, RunState::Queued);
    fixture.work().await;
    blackouts::delete(&fixture.control, &fixture.owner, made.id)
        .await
        .unwrap();
    assert_eq!(fixture.due_now(one.id).await.status, RunState::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postponed_run_starts_at_the_end_and_not_before() {
    let fixture = Fixture::new().await;
    let made = fixture.schedule(draft("nightly", every(3600))).await;
    let all = closed("freeze", BlackoutOn::Organisation, BlackoutPolicy::Postpone);
    let blackout = fixture.blackout(all.clone()).await;
    let held = fixture.due_now(made.id).await;
    assert_eq!(held.status, RunState::Waiting);
    assert!(
        held.message
            .unwrap()
            .starts_with("Waits for the end of the blackout freeze")
    );
    assert_eq!(
        fixture.text("select state from schedule_fires").await,
        "postponed"
    );
    runs::sweep::once(&fixture.control).await.unwrap();
    tick(&fixture.control).await.unwrap();
    assert_eq!(fixture.runs_of(made.id).await[0].status, RunState::Waiting);
    // The next fire finds that one waiting.
    let second = fixture.due_now(made.id).await;
    assert_eq!(second.status, RunState::Skipped);
    assert!(second.message.unwrap().contains("still waiting"));
    // Its end comes while another window is on: it waits on.
    fixture
        .blackout(BlackoutDraft {
            name: "second".to_owned(),
            ..all
        })
        .await;
    blackouts::delete(&fixture.control, &fixture.owner, blackout.id)
        .await
        .unwrap();
    tick(&fixture.control).await.unwrap();
    let held = &fixture.runs_of(made.id).await[1];
    assert_eq!(held.status, RunState::Waiting);
    assert!(held.message.as_deref().unwrap().contains("blackout second"));
    // The end itself.
    fixture
        .sql("update blackouts set recurrence = jsonb_set(recurrence, '{to}', to_jsonb(now()))")
        .await;
    fixture
        .sql("update runs set held_until = now() where state = 'waiting'")
        .await;
    tick(&fixture.control).await.unwrap();
    assert_eq!(fixture.runs_of(made.id).await[1].status, RunState::Queued);
    fixture.work().await;
    assert_eq!(fixture.runs_of(made.id).await[1].status, RunState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn blackouts_are_made_changed_listed_and_deleted() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let weekly = BlackoutDraft {
        window: BlackoutWindow::Weekly {
            days: vec![domain::blackouts::Day::Sat, domain::blackouts::Day::Sun],
            start: "22:00".to_owned(),
            duration: "8h".parse().unwrap(),
        },
        timezone: "europe/berlin".to_owned(),
        ..closed("weekend", BlackoutOn::Organisation, BlackoutPolicy::Skip)
    };
    let made = fixture.blackout(weekly.clone()).await;
    assert_eq!(made.timezone, "Europe/Berlin");
    assert!(
        made.sentence.contains("22:00") && made.sentence.ends_with("for 8 hours"),
        "{}",
        made.sentence
    );
    assert!(made.next.is_some());
    assert_eq!(
        code(blackouts::create(control, owner, weekly.clone()).await),
        "name_taken"
    );
    let off = BlackoutDraft {
        enabled: false,
        version: Some(made.version),
        ..weekly.clone()
    };
    let changed = blackouts::update(control, owner, made.id, off.clone())
        .await
        .unwrap();
    assert_eq!((changed.version, changed.active_until), (2, None));
    assert_eq!(
        code(blackouts::update(control, owner, made.id, off).await),
        "stale_version"
    );
    let nowhere = BlackoutDraft {
        name: "x".to_owned(),
        on: BlackoutOn::Host {
            id: domain::ids::HostId::new(),
        },
        ..weekly.clone()
    };
    assert_eq!(
        code(blackouts::create(control, owner, nowhere).await),
        "host_not_found"
    );
    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        code(blackouts::delete(control, &viewer, made.id).await),
        "forbidden"
    );
    assert_eq!(blackouts::list(control, &viewer).await.unwrap().total, 1);
    blackouts::delete(control, owner, made.id).await.unwrap();
    assert_eq!(
        code(blackouts::get(control, owner, made.id).await),
        "blackout_not_found"
    );
    let told = fixture
        .text("select string_agg(action, ' ' order by id) from audit where object_kind = 'blackout'")
        .await;
    assert_eq!(told, "blackout.create blackout.update blackout.delete");
}
