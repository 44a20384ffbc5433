//! Who changed a schedule, and what.

use super::*;
use domain::{auth::Actor, history::ScheduleChange, ids::OrgId, pages::Page};
use serde_json::json;

async fn of(fixture: &Fixture, id: ScheduleId) -> Page<ScheduleChange> {
    history(&fixture.control, &fixture.owner, id, &ListQuery::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_save_is_kept_with_who_when_and_what() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let made = fixture.schedule(draft("nightly", nightly())).await;
    let otto = fixture.person("otto", Role::Operator).await;
    let mut change = draft("every night", nightly());
    change
        .steps
        .push(Step::new(Action::from_verb("restart").unwrap(), "name:web"));
    change.guards.overlap = Overlap::Queue;
    update(control, &otto, made.id, change.clone()).await.unwrap();
    set_enabled(control, &fixture.owner, made.id, false)
        .await
        .unwrap();
    // About single runs, or about nothing that is the schedule's own.
    set_enabled(control, &fixture.owner, made.id, true).await.unwrap();
    skip_next(control, &fixture.owner, made.id).await.unwrap();
    run_now(control, &fixture.owner, made.id).await.unwrap();

    let page = of(&fixture, made.id).await;
    let told: Vec<_> = page
        .items
        .iter()
        .map(|change| (change.by.as_str(), change.action.as_str(), change.name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("olga", "enable", "every night"),
            ("olga", "disable", "every night"),
            ("otto", "update", "every night"),
            ("olga", "create", "nightly"),
        ]
    );
    assert_eq!((page.total, page.next), (4, None));
    let fields: Vec<_> = page.items[2]
        .changes
        .iter()
        .map(|change| (change.field.as_str(), change.before.clone(), change.after.clone()))
        .collect();
    assert_eq!(
        fields,
        [
            ("name", Some(json!("nightly")), Some(json!("every night"))),
            ("overlap", Some(json!("skip")), Some(json!("queue"))),
            (
                "steps[1]",
                None,
                Some(json!({ "action": { "type": "restart" }, "target": "name:web" }))
            ),
        ]
    );
    assert_eq!(page.items[1].changes[0].field, "enabled");
    assert!(page.items[3].changes.is_empty());

    let first = ListQuery {
        limit: Some(3),
        cursor: None,
    };
    let first = history(control, &fixture.owner, made.id, &first).await.unwrap();
    assert_eq!((first.items.len(), first.total), (3, 4));
    let rest = ListQuery {
        limit: Some(3),
        cursor: first.next,
    };
    let rest = history(control, &fixture.owner, made.id, &rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.items[0].action.as_str()), (1, "create"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_a_schedule_is_of_its_own_organisation() {
    let fixture = Fixture::new().await;
    let made = fixture.schedule(draft("nightly", nightly())).await;
    let other = fixture.schedule(draft("other", nightly())).await;
    assert_eq!(of(&fixture, other.id).await.total, 1);
    let stranger = Actor {
        org_id: OrgId::new(),
        ..fixture.owner.clone()
    };
    let list = ListQuery::default();
    assert_eq!(
        code(history(&fixture.control, &stranger, made.id, &list).await),
        "schedule_not_found"
    );
    delete(&fixture.control, &fixture.owner, made.id).await.unwrap();
    assert_eq!(
        code(history(&fixture.control, &fixture.owner, made.id, &list).await),
        "schedule_not_found"
    );
}
