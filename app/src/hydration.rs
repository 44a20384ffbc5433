//! When the page has been hydrated. Until then nothing that the server wrote may change: hydration takes its text as it
//! is and would never put it right. Effects are too early for that, since hydration waits for lazy pages in its middle.

use std::cell::RefCell;

type Waiting = Vec<Box<dyn FnOnce()>>;

thread_local! {
    static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(Some(Vec::new())) };
}

/// Calls this once the page is hydrated, or now where it is already.
pub fn when_done(then: impl FnOnce() + 'static) {
    let late = WAITING.with_borrow_mut(|waiting| match waiting {
        Some(waiting) => {
            waiting.push(Box::new(then));
            None
        }
        None => Some(then),
    });
    if let Some(then) = late {
        then();
    }
}

/// The page is hydrated.
pub fn done() {
    let waiting = WAITING.with_borrow_mut(Option::take);
    for then in waiting.into_iter().flatten() {
        then();
    }
}
