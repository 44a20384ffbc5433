/// How the database connections of one server are shared out. Both pools come out of one number, so that a small
/// database's `max_connections` can be respected with one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSizes {
    /// For the control plane (diesel): everything people and schedules do.
    pub records: usize,
    /// For the job queue (sqlx).
    pub queue: usize,
    /// Held for as long as the server runs, to be told of changes (LISTEN).
    pub listen: usize,
}

const LISTEN: usize = 2;

impl PoolSizes {
    /// Shares out `total` connections (at least 6): 2 to listen, a quarter (at least 2) to the queue, the rest to records.
    pub fn split(total: usize) -> Self {
        let queue = (total / 4).max(2);
        Self {
            records: total.saturating_sub(queue + LISTEN).max(1),
            queue,
            listen: LISTEN,
        }
    }

    pub fn total(&self) -> usize {
        self.records + self.queue + self.listen
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        super::parse::between(6, 500)(text).map(Self::split)
    }
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self::split(16)
    }
}
