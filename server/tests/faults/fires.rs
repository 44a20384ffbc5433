//! Whether every fire time of schedules of every second was decided exactly once.

use super::api::{SOON, text, until};
use serde_json::Value;
use tokio_postgres::Client;

/// What may have become of a fire time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// It ran.
    Each,
    /// It ran, or is recorded as missed: no server was there.
    OrMissed,
}

/// The database's clock, to the second.
pub async fn now(client: &Client) -> String {
    let row = client
        .query_one("select date_trunc('second', clock_timestamp())::text", &[])
        .await
        .unwrap();
    row.get(0)
}

/// Waits until the schedules have decided everything up to `to` and its runs have ended, and proves that each second from
/// a schedule's first fire time on was decided once and ran once.
pub async fn exactly_once(client: &Client, schedules: &[Value], to: &str, fired: Fired) {
    let ids: Vec<String> = schedules.iter().map(|schedule| text(&schedule["id"])).collect();
    let first: Vec<String> = schedules
        .iter()
        .map(|schedule| text(&schedule["next_at"]))
        .collect();
    until("everything due has run", SOON, async || {
        let open = client
            .query_one(
                "select count(*) from schedules s where s.id = any($1::text[]::uuid[]) and (s.next_at <= $2::text::timestamptz \
                   or exists (select from runs r where r.schedule_id = s.id and r.scheduled_for <= $2::text::timestamptz \
                     and r.state in ('queued', 'running')))",
                &[&ids, &to],
            )
            .await
            .ok()?;
        (open.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let wrong = client
        .query(
            "select w.id, t::text, string_agg(f.state, ','), string_agg(r.state, ',') \
             from unnest($1::text[], $2::text[]) as w (id, first) \
             cross join generate_series(w.first::timestamptz, $3::text::timestamptz, '1 second') as t \
             left join schedule_fires f on f.schedule_id = w.id::uuid and f.fire_at = t \
             left join runs r on r.schedule_id = w.id::uuid and r.scheduled_for = t and r.state <> 'missed' \
             group by w.id, t \
             having not (count(*) = 1 and min(f.state) = 'claimed' and min(r.state) = 'succeeded' \
               or $4 and count(*) = 1 and min(f.state) = 'missed' and min(r.state) is null) \
             order by t limit 20",
            &[&ids, &first, &to, &(fired == Fired::OrMissed)],
        )
        .await
        .unwrap();
    let wrong: Vec<(String, String, Option<String>, Option<String>)> = wrong
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    assert!(
        wrong.is_empty(),
        "not exactly once (schedule, second, fires, runs): {wrong:#?}"
    );
    let strange: i64 = client
        .query_one(
            "select count(*) from runs r join unnest($1::text[], $2::text[]) as w (id, first) on w.id::uuid = r.schedule_id \
             where r.scheduled_for is null or r.scheduled_for < w.first::timestamptz \
               or r.scheduled_for <> date_trunc('second', r.scheduled_for)",
            &[&ids, &first],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(strange, 0, "runs at times that are none of the schedule's");
}
