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

/// Runs to the end with its output on the terminal, as a compiler's messages should be.
pub fn visible(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("could not start {name}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} failed ({status}), see above").into())
    }
}
