//! Running other programs: quiet when they succeed, everything they said when they fail.

use crate::Result;
use std::process::{Command, Stdio};

/// Runs to the end and returns standard output; on failure the error holds both streams.
pub fn output(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("could not start {name}: {error}"))?;
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    if out.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&out.stderr);
    Err(format!("{name} failed ({}):\n{stdout}{stderr}", out.status).into())
}
