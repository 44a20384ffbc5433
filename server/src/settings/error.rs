use std::fmt;

/// One thing that is wrong with the environment, as a sentence for the person who starts the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

/// All that is wrong with the environment; displayed one sentence per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&problem.0)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
