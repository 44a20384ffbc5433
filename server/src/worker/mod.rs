//! The worker: takes jobs from the queue (apalis) and executes their runs.
//!
//! The queue wakes and spreads; it is no lease. Which executor a run belongs to is decided by
//! [`control::runs::execute`], so a job that comes twice, or late, does no harm. A run's end deletes its job.

mod queue;
mod wake;

pub use queue::{QueueError, prepare};

use apalis::prelude::{
    BoxDynError, Data, Event, EventListenerExt, IntervalStrategy, PollWith, Strategy, StreamStrategy,
    WorkerBuilder, WorkerBuilderExt, WorkerContext,
};
use apalis_postgres::{Config, PostgresStorage, Pubsub};
use control::{
    Control, Part,
    runs::{Places, QUEUE, RunJob},
};
use parking_lot::Mutex;
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The queue is read although nobody rang: for jobs that were put back.
const POLL: Duration = Duration::from_millis(500);
/// How often a worker says that it lives, and how often it may miss before its jobs are given to others.
const HEARTBEAT: Duration = Duration::from_secs(5);
const MISSED: usize = 4;
/// Jobs that are taken at once. They wait here while all slots are busy, and are given to others after a lease.
const BATCH: usize = 200;
/// Between two tries to reach the database.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long engines may take to finish what they are doing when the server stops, and what is left after that. Together half
/// of the ten seconds that Docker gives a container to stop; what is still open is taken up by the next start.
const DRAIN: Duration = Duration::from_secs(4);
const LAST: Duration = Duration::from_secs(1);

/// The worker of this process.
pub struct Worker {
    control: Control,
    pool: PgPool,
    stop: CancellationToken,
    supervisor: JoinHandle<()>,
    places: Places,
}

/// What a job needs.
#[derive(Clone)]
struct Bench {
    control: Control,
    places: Places,
}

/// Starts the worker with its own few connections: `connections` to take jobs, `slots` runs at once.
pub fn start(control: &Control, connections: usize, slots: usize) -> Worker {
    let pool = queue::pool(control.db().spec(), connections);
    let stop = CancellationToken::new();
    let places = Places::new(slots);
    control.runs().open(places.clone());
    let bench = Bench {
        control: control.clone(),
        places: places.clone(),
    };
    let supervisor = tokio::spawn(supervise(bench, pool.clone(), stop.clone()));
    Worker {
        control: control.clone(),
        pool,
        stop,
        supervisor,
        places,
    }
}

impl Worker {
    /// Takes no more jobs, lets engines finish what they are doing, and gives back every run that is still open, so that
    /// another server, or the next start of this one, goes on at once.
    pub async fn stop(self) {
        self.stop.cancel();
        control::runs::drain(&self.control, DRAIN).await;
        let ended = async {
            self.places.empty().await;
            // Its jobs that nobody began go back to the queue.
            let _ = self.supervisor.await;
        };
        if tokio::time::timeout(LAST, ended).await.is_err() {
            tracing::warn!("the worker did not end in time; its runs are taken over");
        }
        self.pool.close().await;
    }
}

/// A database error ends a worker of the queue: another one takes its place, for ever.
async fn supervise(bench: Bench, pool: PgPool, stop: CancellationToken) {
    let mut pause = PAUSE;
    for start in 0_u64.. {
        let begun = tokio::time::Instant::now();
        // A name is used once: the queue would take a second start for a worker that is there already.
        let name = format!("runs-{}-{start}", bench.control.server_id());
        match work(&bench, &pool, &name, &stop).await {
            Ok(()) if stop.is_cancelled() => return,
            Ok(()) => tracing::warn!("the worker ended by itself; starting another one"),
            Err(error) => tracing::warn!(error, "the worker lost the database; starting another one"),
        }
        if begun.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn work(bench: &Bench, pool: &PgPool, name: &str, stop: &CancellationToken) -> Result<(), String> {
    let config = Config::default()
        .queue(QUEUE)
        .batch_size(BATCH)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED)
        // The end of a run deletes its job; until then it is nobody else's.
        .persist_results(false)
        .lock_tasks(false);
    // The interval first: a listener whose connection is gone answers at once and would hide what comes after it.
    let strategy = Strategy::new()
        .apply(IntervalStrategy::new(POLL))
        .apply(StreamStrategy::new(wake::stream(bench.control.runs().new_jobs())))
        .apply(StreamStrategy::new(Pubsub::new(pool.clone(), QUEUE.to_owned())));
    let storage = PostgresStorage::<RunJob>::new(pool).with_config(config);
    let context: Arc<Mutex<Option<WorkerContext>>> = Arc::default();
    let (seen, beats) = (context.clone(), bench.control.beats().clone());
    let worker = WorkerBuilder::new(name)
        .backend(PollWith::new(storage, strategy))
        .data(bench.clone())
        // One job at a time waits for a slot, and while it waits no further ones are taken.
        .concurrency(1)
        .on_event(move |worker, event| match event {
            Event::HeartBeat => {
                beats.beat(Part::Worker);
                seen.lock().get_or_insert_with(|| worker.clone());
            }
            Event::Error(error) => tracing::error!(%error, "a job failed"),
            _ => {}
        })
        .build(job);
    let mut run = std::pin::pin!(worker.run());
    tokio::select! {
        ended = &mut run => return ended.map_err(|error| error.to_string()),
        () = stop.cancelled() => {}
    }
    let stopped = context.lock().as_ref().map(WorkerContext::stop);
    match stopped {
        // It had not even begun.
        None => Ok(()),
        Some(Err(error)) => Err(error.to_string()),
        Some(Ok(())) => run.await.map_err(|error| error.to_string()),
    }
}

/// One job: waits for a place, then lets the run go its own way.
async fn job(job: RunJob, bench: Data<Bench>) -> Result<(), BoxDynError> {
    let place = bench.places.take(job.quick).await?;
    place.execute(&bench.control, job.run);
    Ok(())
}
