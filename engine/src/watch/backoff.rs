//! Pauses between attempts: each twice the last, spread so that many hosts do not come back at one instant.

use std::time::Duration;

pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between three quarters of its nominal length and all of it.
    pub(super) fn pause(&mut self) -> Duration {
        let nominal = self.next;
        self.next = nominal.saturating_mul(2).min(self.longest);
        nominal.mul_f64(rand::random_range(0.75..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(250), Duration::from_secs(30));
        let mut backoff = Backoff::new(first, longest);
        let mut nominal = first;
        for _ in 0..20 {
            let pause = backoff.pause();
            assert!(
                pause <= nominal && pause >= nominal.mul_f64(0.74),
                "{pause:?} of {nominal:?}"
            );
            nominal = (nominal * 2).min(longest);
        }
        assert_eq!(nominal, longest);
        backoff.reset();
        assert!(backoff.pause() <= first);
    }
}
