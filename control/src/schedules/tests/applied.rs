//! Files, applied: all or nothing, again and again, by several people at once.

use super::*;
use crate::pages::ListQuery;
use domain::transfer::{ApplyReport, ChangeKind};
use std::fmt::Write as _;

/// A schedule of a file: its name, what it runs, and whose success it waits for.
type Line<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn file(schedules: &[Line<'_>]) -> String {
    let mut text = "format: chrontainer/v1\nschedules:\n".to_owned();
    for (name, runs, after) in schedules {
        let trigger = match after {
            Some(other) => format!("{{type: outcome, schedule: {other}, of: success}}"),
            None => "{type: cron, expression: 0 3 * * *}".to_owned(),
        };
        let action = match runs {
            Some(other) => format!("{{type: run_schedule, schedule: {other}}}"),
            None => "{type: noop}".to_owned(),
        };
        writeln!(
            text,
            "- name: {name}\n  triggers: [{trigger}]\n  steps: [{{action: {action}}}]"
        )
        .unwrap();
    }
    text
}

async fn applied(fixture: &Fixture, text: &str, prune: bool) -> Result<ApplyReport, Error> {
    let options = ApplyOptions {
        dry_run: false,
        prune,
    };
    apply(&fixture.control, &fixture.owner, text, options).await
}

fn counts(report: &ApplyReport) -> [u32; 4] {
    [report.created, report.updated, report.deleted, report.unchanged]
}

async fn names(fixture: &Fixture) -> Vec<String> {
    let query = ScheduleQuery {
        page: ListQuery {
            limit: Some(500),
            cursor: None,
        },
        ..ScheduleQuery::default()
    };
    let page = list(&fixture.control, &fixture.owner, query).await.unwrap();
    page.items.into_iter().map(|schedule| schedule.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_of_a_file_may_name_each_other_in_any_order() {
    let fixture = Fixture::new().await;
    let text = file(&[
        ("all", Some("backup"), None),
        ("report", None, Some("BACKUP")),
        ("backup", None, None),
    ]);
    let options = ApplyOptions {
        dry_run: true,
        prune: false,
    };
    let dry = apply(&fixture.control, &fixture.owner, &text, options)
        .await
        .unwrap();
    assert_eq!((dry.created, dry.invalid, dry.changes[0].id), (3, 0, None));
    assert!(
        dry.changes[1]
            .lines
            .iter()
            .any(|line| line.text.contains("schedule: backup")),
        "names and no ids: {:?}",
        dry.changes[1].lines
    );
    assert_eq!(names(&fixture).await, Vec::<String>::new());

    let report = applied(&fixture, &text, false).await.unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 0]);
    let backup = report.changes[2].id.unwrap();
    let all = get(&fixture.control, &fixture.owner, report.changes[0].id.unwrap())
        .await
        .unwrap();
    assert!(
        matches!(&all.steps[0].action, Action::RunSchedule(run) if run.schedule == backup.to_string()),
        "{:?}",
        all.steps
    );
    let audit = "select count(*) from audit where action like 'schedule.%'";
    let before = fixture.text(audit).await;
    let again = applied(&fixture, &text, true).await.unwrap();
    assert_eq!(counts(&again), [0, 0, 0, 3]);
    assert_eq!(
        fixture.text(audit).await,
        before,
        "nothing is written the second time"
    );

    // What is written into a file comes back from it, elsewhere too.
    let written = export(&fixture.control, &fixture.owner, None, FileFormat::Yaml)
        .await
        .unwrap();
    assert!(!written.contains(&backup.to_string()), "{written}");
    let again = applied(&fixture, &written, true).await.unwrap();
    assert_eq!(counts(&again), [0, 0, 0, 3]);
    let elsewhere = Fixture::new().await;
    assert_eq!(
        counts(&applied(&elsewhere, &written, true).await.unwrap()),
        [3, 0, 0, 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_within_a_file_are_refused_with_their_way() {
    let fixture = Fixture::new().await;
    applied(&fixture, &file(&[("old", None, None)]), false)
        .await
        .unwrap();
    // One runs two, two waits for the old one, which runs three, which one waits for: through the file and the table.
    let text = file(&[
        ("one", Some("two"), Some("three")),
        ("two", Some("old"), None),
        ("old", Some("three"), None),
        ("three", None, None),
        ("beside", Some("one"), None),
        ("own", Some("own"), None),
    ]);
    let problem = applied(&fixture, &text, false).await.unwrap_err().into_problem();
    assert_eq!(problem.code, "document_invalid");
    let report: ApplyReport = serde_json::from_value(problem.details["report"].clone()).unwrap();
    let wrong: Vec<(&str, &str)> = report
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Invalid)
        .map(|change| {
            (
                change.field.as_deref().unwrap(),
                change.problem.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
        [
            "schedules[0].steps[0].action.schedule",
            "schedules[1].steps[0].action.schedule",
            "schedules[2].steps[0].action.schedule",
            "schedules[5].steps[0].action.schedule"
        ]
    );
    assert!(
        wrong[0]
            .1
            .contains("one, then two, then old, then three, then one"),
        "{}",
        wrong[0].1
    );
    assert!(wrong[3].1.contains("start itself"), "{}", wrong[3].1);
    assert_eq!(names(&fixture).await, ["old"]);

    // A circle that the file itself opens is none.
    applied(
        &fixture,
        &file(&[("a", Some("b"), None), ("b", None, None)]),
        false,
    )
    .await
    .unwrap();
    let turned = applied(
        &fixture,
        &file(&[("a", None, None), ("b", Some("a"), None)]),
        false,
    )
    .await
    .unwrap();
    assert_eq!(counts(&turned), [0, 2, 0, 0]);
    // What the same file deletes cannot be named.
    let problem = applied(&fixture, &file(&[("b", Some("a"), None)]), true)
        .await
        .unwrap_err()
        .into_problem();
    assert!(
        problem.message.contains("is not in the file"),
        "{}",
        problem.message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_middle_leaves_everything_as_it_was() {
    let fixture = Fixture::new().await;
    applied(
        &fixture,
        &file(&[("goes", None, None), ("changes", None, None)]),
        false,
    )
    .await
    .unwrap();
    fixture
        .sql(
            "create function refuse() returns trigger language plpgsql as $$ begin \
             if new.name = 'last' then raise exception 'no'; end if; return new; end $$",
        )
        .await;
    fixture
        .sql("create trigger refuse before insert on schedules for each row execute function refuse()")
        .await;
    let audit = "select count(*) from audit where action like 'schedule.%'";
    let before = (names(&fixture).await, fixture.text(audit).await);
    let text = file(&[
        ("changes", Some("new"), None),
        ("new", None, None),
        ("last", None, None),
    ]);
    let problem = applied(&fixture, &text, true).await.unwrap_err().into_problem();
    assert_eq!(problem.code, "internal");
    assert_eq!((names(&fixture).await, fixture.text(audit).await), before);
    fixture.sql("drop trigger refuse on schedules").await;
    assert_eq!(
        counts(&applied(&fixture, &text, true).await.unwrap()),
        [2, 1, 1, 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_apply_at_once() {
    let fixture = Fixture::new().await;
    let other = fixture.person("otto", Role::Operator).await;
    let many = |by: &str| {
        let names: Vec<String> = (0..20).map(|n| format!("job {n}")).collect();
        let own = format!("of {by}");
        let mut lines: Vec<Line<'_>> = names
            .iter()
            .map(|name| (name.as_str(), Some(own.as_str()), None))
            .collect();
        lines.push((&own, None, None));
        file(&lines)
    };
    let options = ApplyOptions {
        dry_run: false,
        prune: true,
    };
    let (one, two) = (fixture.another(), fixture.another());
    for _ in 0..5 {
        // The same file: one of the two does it.
        let text = many("both");
        let (first, second) = tokio::join!(
            apply(&one, &fixture.owner, &text, options),
            apply(&two, &other, &text, options)
        );
        let (first, second) = (counts(&first.unwrap()), counts(&second.unwrap()));
        assert!(
            first == [0, 0, 0, 21] || second == [0, 0, 0, 21],
            "{first:?} {second:?}"
        );
        // Two files: one after the other, and what is there in the end is one of them as a whole.
        let (mine, theirs) = (many("olga"), many("otto"));
        let (first, second) = tokio::join!(
            apply(&one, &fixture.owner, &mine, options),
            apply(&two, &other, &theirs, options)
        );
        first.unwrap();
        second.unwrap();
        let now = names(&fixture).await;
        assert_eq!(now.len(), 21, "{now:?}");
        let whole = if now.contains(&"of olga".to_owned()) {
            &mine
        } else {
            &theirs
        };
        assert_eq!(
            counts(&applied(&fixture, whole, true).await.unwrap()),
            [0, 0, 0, 21]
        );
    }
}
