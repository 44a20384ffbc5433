//! Which versions of Postgres are installed, and where.

use std::path::{Path, PathBuf};

use super::{ClusterError, account::quiet_command};

/// The oldest major version the schema is tested with.
pub(super) const LEAST_MAJOR: u32 = 15;
const NEEDED: [&str; 4] = ["initdb", "postgres", "pg_dump", "pg_restore"];

/// The programs of one installed version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub bin: PathBuf,
    pub major: u32,
}

impl Programs {
    pub fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }
}

/// The installed versions, newest first; only the named directory where one is named.
pub(super) async fn installed(bin: Option<&Path>) -> Result<Vec<Programs>, ClusterError> {
    let candidates = match bin {
        Some(bin) => vec![bin.to_owned()],
        None => candidates(),
    };
    let mut found: Vec<Programs> = Vec::new();
    for bin in candidates {
        if !NEEDED.iter().all(|program| bin.join(program).exists()) {
            continue;
        }
        if let Some(major) = version(&bin).await
            && found.iter().all(|other| other.major != major)
        {
            found.push(Programs { bin, major });
        }
    }
    found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
    match found.first() {
        None => Err(ClusterError::NoPostgres {
            searched: bin.map_or_else(
                || "/usr/lib/postgresql, /usr/pgsql-*, /usr/libexec/postgresql* and PATH".to_owned(),
                |bin| bin.display().to_string(),
            ),
        }),
        Some(newest) if newest.major < LEAST_MAJOR => Err(ClusterError::TooOld {
            found: newest.major,
            least: LEAST_MAJOR,
        }),
        Some(_) => {
            found.retain(|programs| programs.major >= LEAST_MAJOR);
            Ok(found)
        }
    }
}

/// Debian, Red Hat and Alpine keep the server's programs out of `PATH`; others have them there.
fn candidates() -> Vec<PathBuf> {
    let children = |parent: &str, prefix: &str, below: &str| -> Vec<PathBuf> {
        std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join(below))
            .collect()
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = children("/usr/lib/postgresql", "", "bin");
    all.extend(children("/usr", "pgsql-", "bin"));
    all.extend(children("/usr/libexec", "postgresql", ""));
    all.extend(std::env::split_paths(&path));
    all
}

async fn version(bin: &Path) -> Option<u32> {
    let output = quiet_command(&bin.join("postgres"))
        .arg("--version")
        .output()
        .await
        .ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` is 15; `17beta1` is 17.
fn major(text: &str) -> Option<u32> {
    let number: String = text
        .split(") ")
        .nth(1)?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
