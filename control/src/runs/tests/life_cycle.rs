//! The life cycle of runs as a state machine: random deeds of several servers, each foretold by a plain model, and every
//! change of a run's state checked against the rule of [`RunState::may_become`].

use super::*;
use crate::{Control, schedules::ticker};
use domain::{guards::Guards, ids::ScheduleId, schedules::ScheduleDraft};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::collections::BTreeMap;

/// Servers that share the database.
const SERVERS: usize = 2;
/// The schedules, by what their overlapping runs do; of `queue` so many wait.
const OVERLAPS: [&str; 3] = ["skip", "queue", "replace"];
const QUEUE: usize = 2;

/// What may happen. A run is chosen by its number, an executor by the server's.
#[derive(Clone, Debug)]
enum Deed {
    /// Somebody starts a run: of nothing, or of a step that fails and one of nothing.
    Start {
        fails: bool,
    },
    /// A schedule's time comes.
    Fire {
        schedule: usize,
        server: usize,
    },
    /// An executor claims a run and dies, or is suspended.
    Claim {
        run: usize,
        server: usize,
    },
    /// An executor that claimed a run writes.
    Write {
        run: usize,
        claim: usize,
    },
    /// An executor takes a run to its end.
    Execute {
        run: usize,
        server: usize,
    },
    Cancel {
        run: usize,
    },
    /// All leases are over.
    Expire,
    /// The server is known to be dead, and another one takes over.
    Dies {
        server: usize,
    },
    Sweep {
        server: usize,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let (run, server) = (|| 0..12_usize, || 0..SERVERS);
    prop_oneof![
        2 => any::<bool>().prop_map(|fails| Deed::Start { fails }),
        4 => (0..OVERLAPS.len(), server()).prop_map(|(schedule, server)| Deed::Fire { schedule, server }),
        4 => (run(), server()).prop_map(|(run, server)| Deed::Claim { run, server }),
        3 => (run(), 0..3_usize).prop_map(|(run, claim)| Deed::Write { run, claim }),
        4 => (run(), server()).prop_map(|(run, server)| Deed::Execute { run, server }),
        2 => run().prop_map(|run| Deed::Cancel { run }),
        1 => Just(Deed::Expire),
        1 => server().prop_map(|server| Deed::Dies { server }),
        1 => server().prop_map(|server| Deed::Sweep { server }),
    ]
}

/// A run as the model knows it.
struct Known {
    state: RunState,
    epoch: i32,
    fails: bool,
    schedule: Option<usize>,
    /// Who has it, and whether that is over.
    owner: Option<usize>,
    is_over: bool,
    /// What executors hold, or think that they hold, by epoch.
    claims: Vec<lease::Lease>,
}

impl Known {
    fn new(state: RunState, fails: bool, schedule: Option<usize>) -> Self {
        Self {
            state,
            epoch: 0,
            fails,
            schedule,
            owner: None,
            is_over: false,
            claims: Vec::new(),
        }
    }

    fn is_claimable(&self) -> bool {
        self.state == RunState::Queued || self.is_executed() && self.is_over
    }

    fn is_executed(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Cancelling)
    }

    fn claimed(&mut self, server: usize) {
        if self.state == RunState::Queued {
            self.state = RunState::Running;
        }
        self.epoch += 1;
        (self.owner, self.is_over) = (Some(server), false);
    }
}

/// The world of one case: what is, and what the model says.
struct World<'a> {
    fixture: &'a Fixture,
    servers: Vec<Control>,
    schedules: Vec<ScheduleId>,
    runs: BTreeMap<RunId, Known>,
}

impl World<'_> {
    fn chosen(&self, number: usize) -> Option<RunId> {
        let count = self.runs.len().max(1);
        self.runs.keys().nth(number % count).copied()
    }

    async fn does(&mut self, deed: &Deed) {
        match *deed {
            Deed::Start { fails } => {
                let steps = match fails {
                    true => vec![restart("name:gone"), noop()],
                    false => vec![noop()],
                };
                let id = direct(self.fixture, &self.fixture.owner, steps).await;
                self.runs.insert(id, Known::new(RunState::Queued, fails, None));
            }
            Deed::Fire { schedule, server } => self.fires(schedule, server).await,
            Deed::Claim { run, server } => {
                let Some(id) = self.chosen(run) else { return };
                let control = &self.servers[server];
                let claimed = lease::claim(control, id).await.unwrap();
                let known = self.runs.get_mut(&id).unwrap();
                assert_eq!(
                    claimed.is_some(),
                    known.is_claimable(),
                    "{deed:?} {:?}",
                    known.state
                );
                if let Some(claimed) = claimed {
                    known.claimed(server);
                    assert_eq!(claimed.epoch, known.epoch);
                    known.claims.push(control.runs().leases.hold(control, &claimed));
                }
            }
            Deed::Write { run, claim } => {
                let Some(id) = self.chosen(run) else { return };
                let known = self.runs.get_mut(&id).unwrap();
                let Some(lease) = known.claims.iter().rev().nth(claim) else {
                    return;
                };
                let written = lease.fenced(Note::default(), RENEW, "", |query| query).await;
                let holds = lease.epoch == known.epoch && known.is_executed() && known.owner.is_some();
                match written {
                    Ok(state) => assert!(holds && state == known.state, "{deed:?} {state:?}"),
                    Err(Error::LeaseLost(lost)) => assert!(!holds && lost == id, "{deed:?}"),
                    Err(error) => panic!("{error}"),
                }
                known.is_over &= !holds;
            }
            Deed::Execute { run, server } => {
                let Some(id) = self.chosen(run) else { return };
                execute(&self.servers[server], id).await.unwrap();
                let known = self.runs.get_mut(&id).unwrap();
                if known.is_claimable() {
                    known.claimed(server);
                    known.state = match (known.state, known.fails) {
                        (RunState::Cancelling, _) => RunState::Cancelled,
                        (_, true) => RunState::Failed,
                        (_, false) => RunState::Succeeded,
                    };
                    self.promote();
                }
            }
            Deed::Cancel { run } => {
                let Some(id) = self.chosen(run) else { return };
                let cancelled = cancel(&self.fixture.control, &self.fixture.owner, id).await;
                let known = self.runs.get_mut(&id).unwrap();
                assert_eq!(cancelled.is_err(), known.state.is_final());
                known.state = match known.state {
                    RunState::Waiting | RunState::Queued => RunState::Cancelled,
                    RunState::Running => RunState::Cancelling,
                    state => state,
                };
                self.promote();
            }
            Deed::Expire => self.expire().await,
            Deed::Dies { server } => {
                let dead = self.servers[server].server_id();
                take_over(&self.fixture.control, dead).await.unwrap();
                for known in self.runs.values_mut() {
                    if known.is_executed() && known.owner == Some(server) {
                        (known.owner, known.is_over) = (None, true);
                    }
                }
            }
            Deed::Sweep { server } => {
                sweep::once(&self.servers[server]).await.unwrap();
            }
        }
    }

    async fn fires(&mut self, schedule: usize, server: usize) {
        let (id, overlap) = (self.schedules[schedule], OVERLAPS[schedule]);
        self.fixture
            .sql(&format!(
                "update schedules set next_at = clock_timestamp() where id = '{id}'"
            ))
            .await;
        ticker::tick(&self.servers[server]).await.unwrap();
        let own = || self.runs.values().filter(|run| run.schedule == Some(schedule));
        let open = own().filter(|run| !run.state.is_final()).count();
        let waiting = own().filter(|run| run.state == RunState::Waiting).count();
        let state = match overlap {
            _ if open == 0 => RunState::Queued,
            "queue" if waiting < QUEUE => RunState::Waiting,
            "replace" => RunState::Waiting,
            _ => RunState::Skipped,
        };
        if overlap == "replace" {
            for run in self
                .runs
                .values_mut()
                .filter(|run| run.schedule == Some(schedule))
            {
                run.state = match run.state {
                    RunState::Waiting | RunState::Queued => RunState::Cancelled,
                    RunState::Running => RunState::Cancelling,
                    state => state,
                };
            }
        }
        let newest = format!("select max(id::text) from runs where schedule_id = '{id}'");
        let run: RunId = self.fixture.text(&newest).await.parse().unwrap();
        let known = self.runs.insert(run, Known::new(state, false, Some(schedule)));
        assert!(known.is_none(), "it made a run");
        self.promote();
    }

    /// Of each schedule without a run under way the first that waits goes on.
    fn promote(&mut self) {
        for schedule in 0..OVERLAPS.len() {
            let mut own: Vec<_> = self
                .runs
                .values_mut()
                .filter(|run| run.schedule == Some(schedule))
                .collect();
            let is_busy = own
                .iter()
                .any(|run| !run.state.is_final() && run.state != RunState::Waiting);
            if let Some(next) = own
                .iter_mut()
                .find(|run| run.state == RunState::Waiting && !is_busy)
            {
                next.state = RunState::Queued;
            }
        }
    }

    async fn expire(&mut self) {
        self.fixture
            .sql("update runs set lease_until = now() - interval '1 second' where lease_until is not null")
            .await;
        for known in self.runs.values_mut() {
            known.is_over |= known.is_executed();
        }
    }

    /// What is, beside what the model says.
    async fn compare(&self, after: &str) {
        let told = self
            .fixture
            .text("select coalesce(string_agg(id || ' ' || state || ' ' || epoch, ', ' order by id), '') from runs")
            .await;
        let model: Vec<String> = self
            .runs
            .iter()
            .map(|(id, run)| format!("{id} {} {}", run.state, run.epoch))
            .collect();
        assert_eq!(told, model.join(", "), "after {after}");
    }

    /// All is brought to its end by the sweep and the workers, as after any crash.
    async fn ends(mut self) {
        self.expire().await;
        for _ in 0..OVERLAPS.len() + QUEUE + 1 {
            sweep::once(&self.servers[0]).await.unwrap();
            self.fixture.work().await;
        }
        let open = "select count(*) from runs where finished_at is null or lease_until is not null \
                    or state in ('waiting', 'queued', 'running', 'cancelling')";
        assert_eq!(self.fixture.text(open).await, "0", "all have ended");
        assert_eq!(
            self.fixture.text("select count(*) from apalis.jobs").await,
            "0",
            "no job is left"
        );
        let twice =
            "select count(*) from (select run_id, step from run_steps group by 1, 2 having count(*) > 1) t";
        assert_eq!(self.fixture.text(twice).await, "0");
        for (id, known) in &self.runs {
            let ended = self.fixture.run(*id).await.summary.status;
            assert!(!known.state.is_final() || known.state == ended, "{id}: {ended}");
        }
        self.lives().await;
    }

    /// Each change of a state was one that the life cycle has, and no epoch went back.
    async fn lives(&self) {
        let told = self
            .fixture
            .text("select coalesce(string_agg(distinct before || ' ' || after, ','), '') from life where before <> after")
            .await;
        for change in told.split(',').filter(|change| !change.is_empty()) {
            let (before, after) = change.split_once(' ').unwrap();
            let (before, after) = (RunState::from_word(before), RunState::from_word(after));
            let (before, after) = (before.unwrap(), after.unwrap());
            assert!(before.may_become(after), "{before} became {after}");
        }
        let back = "select count(*) from life where epoch not in (epoch_before, epoch_before + 1)";
        assert_eq!(self.fixture.text(back).await, "0");
    }
}

/// A database that writes down every change of a run, with the schedules.
async fn prepared() -> (Fixture, Vec<ScheduleId>) {
    let fixture = Fixture::new().await;
    for sql in [
        "create table life (before text, after text, epoch_before integer, epoch integer)",
        "create function lives() returns trigger language plpgsql as $$ begin \
           if old.state <> new.state or old.epoch <> new.epoch then \
             insert into life values (old.state, new.state, old.epoch, new.epoch); \
           end if; return new; end $$",
        "create trigger life after update on runs for each row execute function lives()",
    ] {
        fixture.sql(sql).await;
    }
    let mut schedules = Vec::new();
    for overlap in OVERLAPS {
        let guards: Guards =
            serde_json::from_value(serde_json::json!({ "overlap": overlap, "queue_depth": QUEUE })).unwrap();
        let schedule = fixture.by_cron(overlap, "UTC", "0 0 29 2 *").await;
        let draft = ScheduleDraft {
            name: overlap.to_owned(),
            enabled: true,
            timezone: "UTC".to_owned(),
            triggers: schedule.triggers.clone(),
            steps: vec![noop()],
            guards,
            version: None,
        };
        crate::schedules::update(&fixture.control, &fixture.owner, schedule.id, draft)
            .await
            .unwrap();
        schedules.push(schedule.id);
    }
    (fixture, schedules)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_each_run_goes_its_way_once() {
    let (fixture, schedules) = prepared().await;
    let mut runner = TestRunner::new(Config {
        cases: 20,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let cases = prop::collection::vec(deed(), 1..40);
    let here = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&cases, |deeds| {
            here.block_on(async {
                for table in ["runs", "life", "apalis.jobs", "schedule_fires"] {
                    fixture.sql(&format!("delete from {table}")).await;
                }
                let mut world = World {
                    fixture: &fixture,
                    servers: (0..SERVERS).map(|_| fixture.another()).collect(),
                    schedules: schedules.clone(),
                    runs: BTreeMap::new(),
                };
                for deed in &deeds {
                    world.does(deed).await;
                    world.compare(&format!("{deed:?}")).await;
                }
                world.ends().await;
            });
            Ok(())
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
