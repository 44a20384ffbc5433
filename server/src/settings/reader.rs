use std::{collections::BTreeMap, ffi::OsString};

use super::{
    error::{Problem, SettingsError},
    paths::Home,
    reference::{PREFIX, SETTINGS, SettingDoc},
};

/// Variables with our prefix that other programs read: the tests and the command line client.
const OTHERS: [&str; 2] = ["CHRONTAINER_TEST_", "CHRONTAINER_CLI_"];

/// The environment while it is read: hands out values, collects problems.
pub(super) struct Reader {
    ours: BTreeMap<String, OsString>,
    home: Home,
    problems: Vec<Problem>,
}

impl Reader {
    pub fn new(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut ours = BTreeMap::new();
        let mut home = Home::default();
        for (name, value) in vars {
            let Some(name) = name.to_str() else { continue };
            match name {
                _ if value.is_empty() => {}
                "HOME" => home.home = Some(value.into()),
                "XDG_DATA_HOME" => home.data = Some(value.into()),
                "XDG_RUNTIME_DIR" => home.runtime = Some(value.into()),
                _ if OTHERS.iter().any(|prefix| name.starts_with(prefix)) => {}
                _ if name.starts_with(PREFIX) => drop(ours.insert(name.to_owned(), value)),
                _ => {}
            }
        }
        Self {
            ours,
            home,
            problems: Vec::new(),
        }
    }

    pub fn home(&self) -> Home {
        self.home.clone()
    }

    /// The value of `CHRONTAINER_<name>`, or `None` when it is not set or, with the problem noted, not usable.
    pub fn value<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let name = format!("{PREFIX}{name}");
        debug_assert!(
            SETTINGS.iter().any(|setting| setting.name == name),
            "{name} is not documented"
        );
        let raw = self.ours.remove(&name)?;
        let Some(text) = raw.to_str().map(str::trim) else {
            self.problem(format!("{name} is not valid UTF-8; write its value in UTF-8."));
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let secret = SETTINGS
                    .iter()
                    .any(|setting| setting.name == name && setting.secret);
                let shown = if secret {
                    String::new()
                } else {
                    format!(" is `{text}`")
                };
                let joint = if secret { " cannot be used: " } else { ": " };
                self.problem(format!("{name}{shown}{joint}{reason}."));
                None
            }
        }
    }

    pub fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(Problem(sentence.into()));
    }

    /// What is left over is unknown.
    pub fn finish(mut self) -> Result<(), SettingsError> {
        for name in std::mem::take(&mut self.ours).into_keys() {
            let advice = match nearest(&name) {
                Some(known) => format!("did you mean {}?", known.name),
                None => "the known ones are listed in docs/OPERATIONS.md.".to_owned(),
            };
            self.problem(format!("{name} is not a setting of Chrontainer; {advice}"));
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(SettingsError {
                problems: self.problems,
            })
        }
    }
}

fn nearest(name: &str) -> Option<&'static SettingDoc> {
    let name = name.trim_start_matches(PREFIX);
    SETTINGS
        .iter()
        .map(|setting| {
            (
                strsim::normalized_damerau_levenshtein(name, setting.name.trim_start_matches(PREFIX)),
                setting,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, setting)| setting)
}
