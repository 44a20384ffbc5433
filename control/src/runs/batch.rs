//! Group commit: calls that arrive while a statement is on its way go out together in the next one.
//!
//! A lone call goes out at once, so nothing waits for a batch to fill. Under load the number of statements, and with it
//! of commits, stays small: that is what makes a thousand runs in one second cheap.

use crate::error::{Error, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Statements on their way at once; each takes a connection.
const LANES: usize = 2;
/// Calls per statement.
const MOST: usize = 256;

/// Calls of one kind: an `I` goes in, an `O` comes out.
pub(crate) struct Batcher<I, O>(Arc<Mutex<State<I, O>>>);

struct State<I, O> {
    waiting: Vec<(I, oneshot::Sender<Result<O>>)>,
    lanes: usize,
}

impl<I, O> Default for Batcher<I, O> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            waiting: Vec::new(),
            lanes: 0,
        })))
    }
}

impl<I: Clone + Send + 'static, O: Send + 'static> Batcher<I, O> {
    /// Does it together with what else is waiting. `statement` takes the inputs and gives as many outputs, in their order.
    pub async fn call<F, S>(&self, input: I, statement: S) -> Result<O>
    where
        S: Fn(Vec<I>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<O>>> + Send,
    {
        let (sender, receiver) = oneshot::channel();
        let lead = {
            let mut state = self.0.lock();
            state.waiting.push((input, sender));
            let lead = state.lanes < LANES;
            state.lanes += usize::from(lead);
            lead
        };
        if lead {
            // A task of its own: the caller that leads may be dropped, those that follow must not notice.
            let state = self.0.clone();
            tokio::spawn(async move { drive(&state, &statement).await });
        }
        match receiver.await {
            Ok(result) => result,
            Err(_) => Err(Error::Internal("a batch ended without an answer".to_owned())),
        }
    }
}

async fn drive<I, O, F, S>(state: &Mutex<State<I, O>>, statement: &S)
where
    I: Clone,
    S: Fn(Vec<I>) -> F,
    F: Future<Output = Result<Vec<O>>>,
{
    /// Gives the lane back also when the statement panics.
    struct Lane<'a, I, O>(&'a Mutex<State<I, O>>, bool);
    impl<I, O> Drop for Lane<'_, I, O> {
        fn drop(&mut self) {
            if self.1 {
                self.0.lock().lanes -= 1;
            }
        }
    }
    let mut lane = Lane(state, true);
    loop {
        let batch: Vec<_> = {
            let mut state = state.lock();
            if state.waiting.is_empty() {
                state.lanes -= 1;
                lane.1 = false;
                return;
            }
            let take = state.waiting.len().min(MOST);
            state.waiting.drain(..take).collect()
        };
        match statement(batch.iter().map(|(input, _)| input.clone()).collect()).await {
            Ok(outputs) => {
                for ((_, sender), output) in batch.into_iter().zip(outputs) {
                    // A caller that is gone needs no answer.
                    let _ = sender.send(Ok(output));
                }
            }
            Err(error) if batch.len() > 1 && !error.is_transient() => {
                // One of them is bad: each alone, so that it fails alone.
                for (input, sender) in batch {
                    let output = statement(vec![input]).await.and_then(|outputs| {
                        outputs
                            .into_iter()
                            .next()
                            .ok_or_else(|| Error::Internal("a batch gave too few answers".to_owned()))
                    });
                    let _ = sender.send(output);
                }
            }
            Err(error) => {
                let text = error.to_string();
                let mut first = Some(error);
                for (_, sender) in batch {
                    let error = first.take().unwrap_or_else(|| Error::NoConnection(text.clone()));
                    let _ = sender.send(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn calls_that_wait_go_out_together_and_each_gets_its_own_answer() {
        let batcher = Arc::new(Batcher::<u32, u32>::default());
        let statements = Arc::new(AtomicUsize::new(0));
        let calls = (0..100).map(|n| {
            let (batcher, statements) = (batcher.clone(), statements.clone());
            async move {
                let answer = batcher
                    .call(n, move |inputs| {
                        statements.fetch_add(1, Ordering::Relaxed);
                        async move {
                            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                            Ok(inputs.into_iter().map(|n| n * 2).collect())
                        }
                    })
                    .await;
                assert_eq!(answer.unwrap(), n * 2);
            }
        });
        futures::future::join_all(calls).await;
        let statements = statements.load(Ordering::Relaxed);
        assert!(statements <= 4, "{statements} statements");
    }

    #[tokio::test]
    async fn one_bad_call_fails_alone() {
        let batcher = Batcher::<u32, u32>::default();
        let calls = (0..20).map(|n| {
            batcher.call(n, |inputs| async move {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                if inputs.contains(&7) {
                    return Err(Error::Internal("seven".to_owned()));
                }
                Ok(inputs)
            })
        });
        let answers = futures::future::join_all(calls).await;
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.is_err(), n == 7, "{n}");
        }
    }
}
