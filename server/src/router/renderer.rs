//! Pages are rendered on threads of their own, each page on one from its beginning to its end.
//!
//! What a page holds may belong to the thread that made it (leptos' local signals and resources), and panics on any
//! other. Tasks of the server's runtime move between threads at every await.

use axum::{body::Body, extract::Request, response::Response};
use http_body_util::BodyExt;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::{mpsc, oneshot},
    task::LocalSet,
};
use tracing::Instrument;

const THREADS: usize = 2;
/// Rendering nests as deeply as a page, above all in a debug build.
const STACK: usize = 16 * 1024 * 1024;

type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The threads; cheap to clone. They end with the last clone.
#[derive(Clone, Debug)]
pub struct Renderer {
    threads: Arc<[mpsc::UnboundedSender<Job>]>,
    turn: Arc<AtomicUsize>,
}

impl Renderer {
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let threads: io::Result<Vec<_>> = (0..THREADS).map(|_| thread()).collect();
        Ok(Self {
            threads: threads?.into(),
            turn: Arc::default(),
        })
    }

    /// Runs a handler and reads its answer to the end there. Nothing when it panicked.
    pub async fn render<H, F>(&self, handler: H, request: Request) -> Option<Response>
    where
        H: FnOnce(Request) -> F + Send + 'static,
        F: Future<Output = Response>,
    {
        let (done, answer) = oneshot::channel();
        let span = tracing::Span::current();
        let job: Job = Box::new(move || {
            let rendering = async move {
                let (parts, body) = handler(request).await.into_parts();
                // Pages are rendered in full before they are sent, so there is nothing to stream.
                let body = body.collect().await.map(|body| body.to_bytes());
                if let Ok(body) = body {
                    // Whoever asked may be gone.
                    let _asked = done.send(Response::from_parts(parts, Body::from(body)));
                }
            };
            Box::pin(rendering.instrument(span))
        });
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % THREADS;
        self.threads.get(turn)?.send(job).ok()?;
        answer.await.ok()
    }
}

fn thread() -> io::Result<mpsc::UnboundedSender<Job>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
    std::thread::Builder::new()
        .name("render".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            LocalSet::new().block_on(&runtime, async move {
                while let Some(job) = jobs.recv().await {
                    tokio::task::spawn_local(job());
                }
            });
        })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use std::{rc::Rc, thread};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_page_stays_on_its_thread_and_a_panic_harms_no_other() {
        let renderer = Renderer::start().unwrap();
        for _ in 0..20 {
            let page = renderer
                .render(
                    async |_| {
                        let (here, local) = (thread::current().id(), Rc::new(1));
                        tokio::task::yield_now().await;
                        assert_eq!(thread::current().id(), here);
                        format!("page {local}").into_response()
                    },
                    Request::default(),
                )
                .await;
            assert_eq!(page.unwrap().status(), 200);
            let panicked = renderer.render(async |_| panic!("a broken page"), Request::default());
            assert!(panicked.await.is_none());
        }
    }
}
