//! Ids are UUIDv7 and begin with their time, so an index by id is one by time too.

use uuid::{NoContext, Timestamp, Uuid};

/// An id that sorts before all that were given out at this time (seconds and nanoseconds since 1970) or later.
pub(crate) fn first_id(seconds: u64, nanos: u32) -> Uuid {
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos));
    let mut bytes = *id.as_bytes();
    bytes[6..].fill(0);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_before_what_is_made_then() {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let first = first_id(now.as_secs(), now.subsec_nanos());
        let made = Uuid::now_v7();
        assert!(first < made);
        assert!(first_id(now.as_secs() + 1, 0) > made);
    }
}
