//! Waking: this process at once, the other servers by a coalesced NOTIFY. The payload is a topic, never data.

use crate::db::{ConnectSpec, Db, establish};
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use futures::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "chrontainer";
/// NOTIFY takes a lock of the whole cluster at commit: at most one per topic in this time.
const COALESCE: Duration = Duration::from_millis(20);

/// What there is to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The outbox has rows.
    Events,
    /// A schedule's next fire time changed.
    Schedules,
    /// The list of hosts changed.
    Hosts,
}

impl Topic {
    const ALL: [Topic; 3] = [Topic::Events, Topic::Schedules, Topic::Hosts];

    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Schedules => "schedules",
            Self::Hosts => "hosts",
        }
    }
}

/// The bells of this process.
#[derive(Clone, Default)]
pub struct Wake {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    local: [Notify; 3],
    /// Topics that the other servers have not been told yet.
    remote: [std::sync::atomic::AtomicBool; 3],
    send: Notify,
}

impl Wake {
    /// Rings here at once and, a few milliseconds later, on every other server.
    pub fn ring(&self, topic: Topic) {
        self.inner.local[topic as usize].notify_one();
        self.inner.remote[topic as usize].store(true, std::sync::atomic::Ordering::Release);
        self.inner.send.notify_one();
    }

    /// Waits for the bell. One waiter per topic.
    pub async fn wait(&self, topic: Topic) {
        self.inner.local[topic as usize].notified().await;
    }

    /// Tells the other servers; runs until cancelled.
    pub(crate) async fn send_loop(&self, db: Db, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.send.notified() => {}
            }
            for topic in Topic::ALL {
                let flag = &self.inner.remote[topic as usize];
                if !flag.swap(false, std::sync::atomic::Ordering::AcqRel) {
                    continue;
                }
                let sent = async {
                    let mut conn = db.conn().await?;
                    diesel::sql_query("select pg_notify($1, $2)")
                        .bind::<Text, _>(CHANNEL)
                        .bind::<Text, _>(topic.as_str())
                        .execute(&mut conn)
                        .await?;
                    crate::Result::<()>::Ok(())
                };
                // A lost NOTIFY costs the others at most their poll interval.
                if let Err(error) = sent.await {
                    tracing::debug!(error = %error, "could not notify the other servers");
                }
            }
            tokio::time::sleep(COALESCE).await;
        }
    }

    /// Hears the other servers; runs until cancelled and reconnects for ever.
    pub(crate) async fn listen_loop(&self, spec: ConnectSpec, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                result = self.listen(&spec) => {
                    if let Err(error) = result {
                        tracing::debug!(error = %error, "the LISTEN connection ended");
                    } else {
                        pause = Duration::from_millis(100);
                    }
                }
            }
            // Whatever was missed meanwhile.
            for topic in Topic::ALL {
                self.inner.local[topic as usize].notify_one();
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    async fn listen(&self, spec: &ConnectSpec) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut conn = establish(spec).await?;
        diesel::sql_query(format!("listen {CHANNEL}"))
            .execute(&mut conn)
            .await?;
        let mut notifications = std::pin::pin!(conn.notifications_stream());
        while let Some(notification) = notifications.next().await {
            let payload = notification?.payload;
            for topic in Topic::ALL {
                if topic.as_str() == payload {
                    self.inner.local[topic as usize].notify_one();
                }
            }
        }
        Ok(())
    }
}
