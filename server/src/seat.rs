//! Who served from this data directory before, known for certain, so that its runs need not wait for their leases.
//!
//! `<data>/server.lock` is locked for as long as its server lives. The kernel takes the lock back when the process ends,
//! however it ends, and not while it is only suspended. In the file stands the id of the server that has it, so whoever gets
//! the lock reads there who is dead.

use domain::ids::ServerId;
use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The lock of a data directory; dropping it gives it up.
#[derive(Debug)]
pub struct Seat {
    file: File,
    before: Option<ServerId>,
}

impl Seat {
    /// Nothing while another server has it, since several may share a directory when their database is elsewhere, and where
    /// there can be no such file: then leases alone tell when a run may be taken over.
    pub fn take(data_dir: &Path) -> Option<Self> {
        match Self::try_take(data_dir) {
            Ok(seat) => seat,
            Err(error) => {
                tracing::warn!(%error, "{} cannot be locked", data_dir.display());
                None
            }
        }
    }

    fn try_take(data_dir: &Path) -> io::Result<Option<Self>> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(data_dir.join("server.lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut text = String::new();
        // What a crash of the machine made unreadable names nobody.
        let before = match file.read_to_string(&mut text) {
            Ok(_) => text.trim().parse().ok(),
            Err(_) => None,
        };
        Ok(Some(Self { file, before }))
    }

    /// The server that had it before; its process is gone.
    pub fn before(&self) -> Option<ServerId> {
        self.before
    }

    /// Writes down who has it now. Before that server takes any run, and after what [`Seat::before`] left was taken over.
    pub fn sign(&mut self, server: ServerId) {
        // Ids are of one length: it is never empty, not even for a moment.
        let signed = self
            .file
            .rewind()
            .and_then(|()| writeln!(self.file, "{server}"))
            .and_then(|()| self.file.stream_position())
            .and_then(|end| self.file.set_len(end))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = signed {
            // The next server names a dead one that left nothing, and waits for leases.
            tracing::warn!(%error, "server.lock cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gets_the_lock_learns_who_had_it() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (ServerId::new(), ServerId::new());
        let mut seat = Seat::take(dir.path()).unwrap();
        assert_eq!(seat.before(), None);
        seat.sign(first);
        assert!(Seat::take(dir.path()).is_none(), "it is taken");
        drop(seat);
        let mut seat = Seat::take(dir.path()).unwrap();
        assert_eq!(seat.before(), Some(first));
        drop(seat);
        // One that never signed has left nothing, so the one before it still counts.
        seat = Seat::take(dir.path()).unwrap();
        assert_eq!(seat.before(), Some(first));
        seat.sign(second);
        drop(seat);
        assert_eq!(Seat::take(dir.path()).unwrap().before(), Some(second));
        std::fs::write(dir.path().join("server.lock"), [0xff, 0, 7]).unwrap();
        assert_eq!(Seat::take(dir.path()).unwrap().before(), None);
    }

    #[test]
    fn without_a_directory_there_is_none() {
        assert!(Seat::take(Path::new("/nonexistent/chrontainer")).is_none());
    }
}
