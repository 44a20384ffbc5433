//! One server per data directory.

use std::{
    fs::{self, File},
    io::{Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::ClusterError;

/// The right to supervise the cluster of a data directory. The kernel takes it back when the process ends.
#[derive(Debug)]
pub(super) struct DataLock(#[expect(dead_code, reason = "held, not read")] File);

impl DataLock {
    pub fn take(data_dir: &Path) -> Result<Self, ClusterError> {
        let path = data_dir.join("chrontainer.lock");
        let failed = |source| ClusterError::io("lock", &path, source);
        // The file stays: removing a lock file lets two servers lock two files of the same name.
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
                let pid = if pid.is_empty() { "unknown".to_owned() } else { pid };
                return Err(ClusterError::InUse {
                    data_dir: data_dir.to_owned(),
                    pid,
                });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}
