//! Waiting a little before doing something: typing settles, events come in bursts.

use leptos::prelude::*;
use std::time::Duration;

/// The value of `source`, once it has not changed for `quiet`. The first value is there at once.
pub fn settled<T>(source: impl Fn() -> T + Send + Sync + 'static, quiet: Duration) -> Signal<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let latest = Memo::new(move |_| source());
    let (out, set_out) = signal(latest.get_untracked());
    let round = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let value = latest.get();
        let mine = round.with_value(|round| round.wrapping_add(1));
        round.set_value(mine);
        if out.with_untracked(|out| *out == value) {
            return;
        }
        set_timeout(
            move || {
                if round.try_get_value() == Some(mine) {
                    let _ = set_out.try_set(value);
                }
            },
            quiet,
        );
    });
    out.into()
}

/// Calls `then` once, `gather` after the first of a burst of calls. Nothing happens when the page is gone by then.
pub fn gathered(gather: Duration, then: impl Fn() + Clone + 'static) -> impl Fn() + Clone + 'static {
    let waiting = StoredValue::new(false);
    move || {
        if waiting.try_get_value() != Some(false) {
            return;
        }
        waiting.set_value(true);
        let then = then.clone();
        set_timeout(
            move || {
                if waiting.try_set_value(false).is_none() {
                    then();
                }
            },
            gather,
        );
    }
}

/// Calls `then` soon after the first call, and at most once per `pause` after that: a stream of changes that never ends
/// is followed without being chased. Nothing happens when the page is gone by then.
pub fn paced(
    soon: Duration,
    pause: Duration,
    then: impl Fn() + Clone + 'static,
) -> impl Fn() + Clone + 'static {
    let waiting = StoredValue::new(false);
    let last = StoredValue::new(0_i64);
    move || {
        if waiting.try_get_value() != Some(false) {
            return;
        }
        waiting.set_value(true);
        let since = super::time::machine_now() - last.get_value();
        let rest = Duration::from_millis((pause.as_millis() as i64 - since).max(0).unsigned_abs());
        let then = then.clone();
        set_timeout(
            move || {
                if waiting.try_set_value(false).is_none() {
                    last.set_value(super::time::machine_now());
                    then();
                }
            },
            soon.max(rest.min(pause)),
        );
    }
}
