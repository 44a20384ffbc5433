//! Schedules of labels on a real engine: allowed, changed, gone, back again.

use super::*;
use crate::{audit, hosts};
use domain::{
    hosts::{Host, HostDraft, HostPatch},
    ids::HostId,
    labels::{LabelFinding, LabelState},
    runs::{RunTarget, TargetState},
};
use std::collections::BTreeMap;
use testkit::engines::{RunOptions, TestEngine};

fn labelled(all: &[(&str, &str)]) -> RunOptions {
    let labels: BTreeMap<String, String> = all
        .iter()
        .map(|(option, value)| (format!("chrontainer.{option}"), (*value).to_owned()))
        .collect();
    RunOptions {
        labels,
        ..RunOptions::default()
    }
}

/// Waits until it is so; labels are followed some seconds after a change.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to this: {what}");
}

impl Fixture {
    async fn listed(&self, archived: bool) -> Vec<Schedule> {
        let query = ScheduleQuery {
            archived,
            ..ScheduleQuery::default()
        };
        list(&self.control, &self.owner, query).await.unwrap().items
    }

    async fn allow(&self, host: HostId, on: bool) -> Host {
        let patch = HostPatch {
            label_schedules: Some(on),
            ..HostPatch::default()
        };
        hosts::change(&self.control, &self.owner, host, patch)
            .await
            .unwrap()
    }

    /// What the labels of the containers of this name ask for.
    async fn found(&self, name: &str) -> Vec<LabelFinding> {
        let query = LabelQuery {
            page: ListQuery {
                limit: Some(500),
                cursor: None,
            },
            ..LabelQuery::default()
        };
        let page = label_findings(&self.control, &self.owner, query).await.unwrap();
        page.items
            .into_iter()
            .filter(|one| one.container == name)
            .collect()
    }

    /// The schedules that come from a container of this name.
    async fn of(&self, archived: bool, name: &str) -> Vec<Schedule> {
        let place = format!("local/{name}");
        let mut all = self.listed(archived).await;
        all.retain(|schedule| {
            schedule
                .origin
                .as_ref()
                .is_some_and(|origin| origin.place == place)
        });
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_make_schedules_only_where_an_admin_lets_them() {
    let engine = TestEngine::shared().await;
    let (web, bad) = (engine.name("web"), engine.name("bad"));
    let nightly = [
        ("nightly.cron", "0 3 * * *"),
        ("nightly.action", "restart"),
        ("nightly.timezone", "Europe/Berlin"),
        ("nightly.grace", "1s"),
    ];
    engine.run_container(&web, labelled(&nightly)).await;
    let wrong = [
        ("x.cron", "0 25 * * *"),
        ("x.action", "stop"),
        ("y.every", "1h"),
        ("y.action", "exec"),
    ];
    engine.run_container(&bad, labelled(&wrong)).await;
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    control.start().await.unwrap();
    let local = HostDraft::new("local", engine.docker_host());
    let host = hosts::create(control, owner, local).await.unwrap();
    assert!(!host.label_schedules, "off until somebody lets them");

    // They are told of, and make nothing.
    let found = until("labels are seen", async || {
        Some(fixture.found(&web).await).filter(|found| !found.is_empty())
    })
    .await;
    assert_eq!((found.len(), found[0].state), (1, LabelState::NotAllowed));
    assert_eq!(
        found[0].sentence.as_deref(),
        Some("Restart: Every day at 03:00, Europe/Berlin")
    );
    assert!(found[0].problem.as_ref().unwrap().contains("admin"));
    assert_eq!(fixture.of(false, &web).await, []);
    let operator = fixture.person("otto", Role::Operator).await;
    let patch = HostPatch {
        label_schedules: Some(true),
        ..HostPatch::default()
    };
    assert_eq!(
        code(hosts::change(control, &operator, host.id, patch).await),
        "forbidden"
    );

    assert!(fixture.allow(host.id, true).await.label_schedules);
    let made = until("a schedule", async || fixture.of(false, &web).await.pop()).await;
    assert_eq!(made.name, format!("local/{web}: nightly"));
    assert_eq!(
        (made.sentence.as_str(), made.timezone.as_str()),
        ("Every day at 03:00", "Europe/Berlin")
    );
    assert_eq!(
        made.edited_by.as_deref(),
        Some("olga"),
        "it acts for who let them"
    );
    assert_eq!(made.steps[0].target, format!("container:local/{web}"));
    let origin = made.origin.clone().unwrap();
    assert_eq!(origin.label, "chrontainer.nightly");
    let one = fixture.found(&web).await.remove(0);
    assert_eq!(
        (one.state, one.schedule_id),
        (LabelState::Accepted, Some(made.id))
    );
    let wrong = fixture.found(&bad).await;
    assert!(
        wrong.iter().all(|one| one.state == LabelState::Wrong),
        "{wrong:?}"
    );
    let labels: Vec<&str> = wrong.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["chrontainer.x.cron", "chrontainer.y.action"]);
    assert_eq!(fixture.of(false, &bad).await, []);

    // Nobody writes it here, and no file does.
    assert_eq!(
        code(update(control, owner, made.id, draft("mine", nightly_trigger())).await),
        "from_labels"
    );
    assert_eq!(code(delete(control, owner, made.id).await), "from_labels");
    let file = export(control, owner, None, FileFormat::Yaml).await.unwrap();
    assert!(!file.contains(&web), "{file}");
    let prune = ApplyOptions {
        prune: true,
        dry_run: false,
    };
    let report = apply(control, owner, "format: chrontainer/v1\nschedules: []\n", prune)
        .await
        .unwrap();
    assert_eq!(report.deleted, 0);
    let same = format!(
        "format: chrontainer/v1\nschedules:\n  - name: '{}'\n    triggers: []\n    steps: [{{action: {{type: noop}}}}]\n",
        made.name
    );
    assert_eq!(
        code(apply(control, owner, &same, ApplyOptions::default()).await),
        "document_invalid"
    );

    // It acts on its own container.
    let before = engine.started_at(&web).await;
    let run = run_now(control, owner, made.id).await.unwrap();
    fixture.work().await;
    let run = fixture.run(run.id).await;
    let targets: Vec<&RunTarget> = run.steps[0].targets.iter().collect();
    assert_eq!(
        (targets.len(), targets[0].status),
        (1, TargetState::Succeeded),
        "{run:#?}"
    );
    assert_ne!(engine.started_at(&web).await, before);

    // Made anew with another label, it is the same schedule.
    engine.remove(&web).await;
    let noon = [("nightly.cron", "0 12 * * *"), ("nightly.action", "stop")];
    engine.run_container(&web, labelled(&noon)).await;
    let changed = until("the new time", async || {
        let mut all = fixture.of(false, &web).await;
        all.retain(|one| one.sentence == "Every day at 12:00");
        all.pop()
    })
    .await;
    assert_eq!((changed.id, changed.timezone.as_str()), (made.id, "UTC"));
    assert_eq!(changed.steps[0].action.verb(), "stop");

    // Without the label it goes into the archive, with its history, and comes back with the label.
    engine.remove(&web).await;
    engine.run_container(&web, RunOptions::default()).await;
    let archived = until("the archive", async || fixture.of(true, &web).await.pop()).await;
    assert_eq!(
        (archived.id, archived.next_at, archived.archived),
        (made.id, None, true)
    );
    assert_eq!(fixture.runs_of(made.id).await.len(), 1);
    assert_eq!(code(run_now(control, owner, made.id).await), "label_gone");
    assert_eq!(
        code(set_enabled(control, owner, made.id, true).await),
        "label_gone"
    );
    engine.remove(&web).await;
    engine.run_container(&web, labelled(&noon)).await;
    let back = until("it is back", async || fixture.of(false, &web).await.pop()).await;
    assert!(back.id == made.id && back.next_at.is_some(), "{back:?}");

    // Switched off by a person, it stays so.
    set_enabled(control, owner, made.id, false).await.unwrap();
    // No longer allowed, it ends at once.
    fixture.allow(host.id, false).await;
    let ended = fixture.of(true, &web).await.pop().unwrap();
    assert_eq!((ended.id, ended.enabled), (made.id, false));
    fixture.allow(host.id, true).await;
    let again = until("it is allowed again", async || {
        fixture.of(false, &web).await.pop()
    })
    .await;
    assert_eq!((again.id, again.enabled, again.next_at), (made.id, false, None));
    let query = audit::AuditQuery::default();
    let lines = audit::list(control, owner, &query).await.unwrap().items;
    assert!(
        lines
            .iter()
            .any(|line| line.actor == "Labels on local" && line.action == "schedule.archive")
    );

    hosts::delete(control, owner, host.id, true).await.unwrap();
    assert_eq!(fixture.of(false, &web).await, []);
    assert_eq!(fixture.of(true, &web).await.len(), 1);
    delete(control, owner, made.id).await.unwrap();
    engine.remove(&web).await;
    engine.remove(&bad).await;
    control.stop().await;
}

fn nightly_trigger() -> Trigger {
    super::nightly()
}
