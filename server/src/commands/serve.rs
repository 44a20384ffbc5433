//! `serve`: runs until it is told to stop.

use super::Failure;
use crate::settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is printed, line by line: `listening on http://…` (or https) once requests are answered (programs wait for it), then
/// the set-up link while one is needed.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    // Before the start, so that Ctrl-C during a long start ends it too.
    let mut signals = Signals::new()?;
    let mut starting = Box::pin(crate::serve(settings));
    let server = tokio::select! {
        server = &mut starting => server?,
        () = signals.next() => {
            tracing::info!("stopping; a second signal does not wait for what is being started");
            tokio::select! {
                // What has started has a database to stop.
                server = starting => if let Ok(server) = server { server.stop().await? },
                () = signals.next() => {}
            }
            return Ok(());
        }
    };
    let listening = format!("{}://{}", server.scheme(), server.address());
    println!("listening on {listening}");
    if server.url() != listening {
        println!("open {}", server.url());
    }
    if let Some(link) = server.setup_link() {
        println!("set up with this link, once: {link}");
    }
    tracing::info!(release = env!("CARGO_PKG_VERSION"), address = %server.address(), "started");
    signals.next().await;
    tracing::info!("stopping");
    tokio::select! {
        stopped = server.stop() => stopped?,
        () = signals.next() => {
            tracing::warn!("stopping at once; the private database is left running and is adopted at the next start");
            return Ok(());
        }
    }
    tracing::info!("stopped");
    Ok(())
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
