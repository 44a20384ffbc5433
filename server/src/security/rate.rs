//! How often somebody may ask: so many requests a minute for each key, session or address, in bursts as they like.
//!
//! In the memory of each server: it protects that server, and a count shared by all would cost more than it saves. Guessing
//! passwords has counts of its own, in the database.

use super::Peer;
use crate::session::Credential;
use axum::extract::Request;
use domain::errors::{ErrorClass, Problem};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
    time::Instant,
};

/// Counts are forgotten when there are more than this; a full bucket is worth nothing to keep.
const MOST: usize = 20_000;
/// Many people may share an address.
const ADDRESS_FACTOR: f64 = 4.0;

/// What was asked so far.
pub struct Rates {
    per_minute: f64,
    hasher: RandomState,
    buckets: Mutex<HashMap<u64, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// How it stands after one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    limit: f64,
    left: f64,
}

impl Standing {
    /// The headers that programs read.
    pub fn put(self, headers: &mut HeaderMap) {
        let reset = ((self.limit - self.left) * 60.0 / self.limit).ceil();
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.left.floor().max(0.0)),
            ("ratelimit-reset", reset),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value as u64));
        }
    }
}

impl Rates {
    /// Without a limit for 0.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute: f64::from(per_minute),
            hasher: RandomState::new(),
            buckets: Mutex::default(),
        }
    }

    /// Counts a request. What it shows to be let in has a count of its own, and wrong keys count for their address too, so
    /// that inventing keys gains nothing.
    ///
    /// # Errors
    /// 429 `too_many_requests` with `retry_after`.
    pub fn count(&self, request: &Request) -> Result<Option<Standing>, Problem> {
        if self.per_minute == 0.0 {
            return Ok(None);
        }
        let peer = request.extensions().get::<Peer>();
        let address = peer
            .and_then(|peer| peer.client.address.clone())
            .unwrap_or_default();
        let now = Instant::now();
        let of_address = self.take(&("address", &address), self.per_minute * ADDRESS_FACTOR, now)?;
        let credential = peer.and_then(|peer| Credential::of(request.headers(), peer));
        let standing = match &credential {
            Some(Credential::Key(secret)) => {
                self.take(&("key", secret.expose_secret()), self.per_minute, now)?
            }
            Some(Credential::Session(secret)) => {
                self.take(&("session", secret.expose_secret()), self.per_minute, now)?
            }
            // A name and a password have counts of their own.
            Some(Credential::Basic(..)) | None => of_address,
        };
        Ok(Some(standing))
    }

    /// Counts something under a name of its own.
    ///
    /// # Errors
    /// 429 `too_many_requests` with `retry_after`.
    pub fn count_named(&self, kind: &str, name: &str) -> Result<(), Problem> {
        if self.per_minute > 0.0 {
            self.take(&(kind, name), self.per_minute, Instant::now())?;
        }
        Ok(())
    }

    fn take(&self, whose: &(&str, &str), limit: f64, now: Instant) -> Result<Standing, Problem> {
        let key = self.hasher.hash_one(whose);
        let Ok(mut buckets) = self.buckets.lock() else {
            return Ok(Standing { limit, left: limit });
        };
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs() < 60);
            if buckets.len() >= MOST {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: limit, at: now });
        let refill = now.duration_since(bucket.at).as_secs_f64() * limit / 60.0;
        bucket.left = (bucket.left + refill).min(limit);
        bucket.at = now;
        if bucket.left < 1.0 {
            let seconds = ((1.0 - bucket.left) * 60.0 / limit).ceil().max(1.0) as u64;
            return Err(refusal(seconds));
        }
        bucket.left -= 1.0;
        Ok(Standing {
            limit,
            left: bucket.left,
        })
    }
}

fn refusal(seconds: u64) -> Problem {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    Problem::new(
        ErrorClass::TooMany,
        "too_many_requests",
        format!("There were too many requests from here. Wait {seconds} {unit}, and ask less often."),
    )
    .with("retry_after", seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn take(rates: &Rates, whose: &str, now: Instant) -> Result<Standing, Problem> {
        rates.take(&("key", whose), 60.0, now)
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_a_second() {
        let (rates, now) = (Rates::new(60), Instant::now());
        for left in (0..60).rev() {
            assert_eq!(take(&rates, "a", now).unwrap().left, f64::from(left));
        }
        let refused = take(&rates, "a", now).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), &refused.details["retry_after"]),
            ("too_many_requests", &1.into())
        );
        assert!(take(&rates, "b", now).is_ok(), "others do not notice");
        let later = now + Duration::from_millis(1100);
        assert!(take(&rates, "a", later).is_ok());
        assert!(take(&rates, "a", later).is_err());
    }

    #[test]
    fn headers_tell_how_it_stands() {
        let mut headers = HeaderMap::new();
        Standing {
            limit: 60.0,
            left: 44.5,
        }
        .put(&mut headers);
        assert_eq!(headers["ratelimit-limit"], "60");
        assert_eq!(headers["ratelimit-remaining"], "44");
        assert_eq!(headers["ratelimit-reset"], "16");
    }

    #[test]
    fn many_strangers_are_forgotten() {
        let (rates, now) = (Rates::new(60), Instant::now());
        for n in 0..MOST + 10 {
            take(&rates, &n.to_string(), now).unwrap();
        }
        assert!(rates.buckets.lock().unwrap().len() <= MOST);
    }
}
