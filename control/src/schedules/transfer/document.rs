//! The file: reading it, writing it.

use crate::error::{Error, Result};
use domain::{
    errors::{ErrorClass, Problem},
    schedules::{Schedule, ScheduleDraft},
    transfer::FORMAT,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// The most schedules in one file.
const MOST: usize = 10_000;
/// What a schedule shows beside what a person wrote.
const SHOWN: [&str; 16] = [
    "origin",
    "warnings",
    "id",
    "version",
    "sentence",
    "next_at",
    "skipping",
    "last_run",
    "edited_by",
    "created_at",
    "updated_at",
    "paused_until",
    "overdue_since",
    "archived",
    "waiting",
    "webhook",
];
/// What is written although it is the default.
const KEPT: [&str; 5] = ["name", "enabled", "timezone", "triggers", "steps"];

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileFormat {
    #[default]
    Yaml,
    Json,
}

impl FileFormat {
    /// Reads `yaml` or `json`.
    ///
    /// # Errors
    /// 422 `unknown_format`.
    pub fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "yaml" => Ok(Self::Yaml),
            "json" => Ok(Self::Json),
            _ => Err(Problem::invalid(
                "unknown_format",
                "format",
                format!("There is no format {word} here. Formats are yaml and json."),
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    schedules: Vec<Value>,
}

/// One schedule of a file: its name as far as it can be told, and what was read or what is wrong with it.
pub(super) struct Entry {
    pub name: String,
    pub draft: Result<ScheduleDraft, Problem>,
}

/// Reads a file in either format.
///
/// # Errors
/// 422 `document_unreadable`, `unknown_format`, `too_many_schedules`.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Problem> {
    let unreadable = |why: String| {
        Problem::new(
            ErrorClass::Invalid,
            "document_unreadable",
            format!(
                "This is no file of schedules: {why}. It begins with `format: {FORMAT}`; docs/FORMAT.md shows one."
            ),
        )
    };
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?
    } else {
        serde_saphyr::from_str(text).map_err(|error| unreadable(first_line(&error.to_string())))?
    };
    let document: Document = serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?;
    if document.format != FORMAT {
        let message = format!(
            "The format {} cannot be read by this release: it reads {FORMAT}.",
            document.format.chars().take(60).collect::<String>()
        );
        return Err(Problem::invalid("unknown_format", "format", message));
    }
    if document.schedules.len() > MOST {
        let message = format!("A file holds at most {MOST} schedules. Divide it.");
        return Err(Problem::invalid("too_many_schedules", "schedules", message));
    }
    Ok(document.schedules.into_iter().map(entry).collect())
}

fn entry(value: Value) -> Entry {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let draft = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Problem::invalid("invalid_body", &path, error.into_inner().to_string())
    });
    Entry { name, draft }
}

/// A library's message is several lines with a picture of the place; the first says what and where.
fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or("it cannot be read")
        .trim_end_matches('.')
        .to_owned()
}

/// What a person wrote of a schedule, without what is the default.
pub(super) fn written(draft: &ScheduleDraft) -> Result<Value> {
    let mut all = object(draft)?;
    all.remove("version");
    let plain: ScheduleDraft =
        serde_json::from_value(serde_json::json!({ "name": "", "triggers": [], "steps": [] }))
            .map_err(|error| Error::Internal(error.to_string()))?;
    let plain = object(&plain)?;
    all.retain(|key, value| KEPT.contains(&key.as_str()) || plain.get(key) != Some(value));
    Ok(Value::Object(all))
}

/// The draft that makes a schedule what it is.
pub(super) fn draft_of(schedule: &Schedule) -> Result<ScheduleDraft> {
    let mut all = object(schedule)?;
    all.retain(|key, _| !SHOWN.contains(&key.as_str()));
    serde_json::from_value(Value::Object(all))
        .map_err(|error| Error::Internal(format!("a schedule as a draft: {error}")))
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::Internal("a schedule that is no object".to_owned())),
        Err(error) => Err(Error::Internal(error.to_string())),
    }
}

/// Writes a file.
pub(super) fn write(schedules: Vec<Value>, format: FileFormat) -> Result<String> {
    let mut document = Map::new();
    document.insert("format".to_owned(), FORMAT.into());
    document.insert("schedules".to_owned(), Value::Array(schedules));
    text(&Value::Object(document), format)
}

pub(super) fn text(value: &Value, format: FileFormat) -> Result<String> {
    let value = InOrder(value);
    match format {
        FileFormat::Json => serde_json::to_string_pretty(&value)
            .map(|text| text + "\n")
            .map_err(|error| Error::Internal(error.to_string())),
        FileFormat::Yaml => {
            serde_saphyr::to_string(&value).map_err(|error| Error::Internal(error.to_string()))
        }
    }
}

/// A value whose keys come in the order in which people read them: what it is, when, what it does, then its guards.
struct InOrder<'a>(&'a Value);

const FIRST: [&str; 10] = [
    "format",
    "name",
    "type",
    "enabled",
    "timezone",
    "schedules",
    "triggers",
    "steps",
    "action",
    "target",
];

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(InOrder)),
            Value::Object(map) => {
                let place = |key: &String| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len());
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| place(key));
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, InOrder(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn draft(value: Value) -> ScheduleDraft {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_file_reads_in_both_formats_and_says_what_is_wrong() {
        let yaml = "format: chrontainer/v1\nschedules:\n  - name: nightly\n    timezone: Europe/Berlin\n    triggers:\n      \
                    - type: cron\n        expression: 0 3 * * *\n    steps:\n      - action: {type: restart}\n        target: 'name:web'\n";
        let entries = read(yaml).unwrap();
        let draft = entries[0].draft.as_ref().unwrap();
        assert_eq!(
            (entries[0].name.as_str(), draft.steps[0].target.as_str()),
            ("nightly", "name:web")
        );
        let json = write(vec![written(draft).unwrap()], FileFormat::Json).unwrap();
        assert_eq!(read(&json).unwrap()[0].draft.as_ref().unwrap(), draft);
        for (text, code) in [
            ("", "document_unreadable"),
            ("format: [", "document_unreadable"),
            ("{\"format\": 1}", "document_unreadable"),
            ("format: chrontainer/v9\nschedules: []", "unknown_format"),
            (
                "format: chrontainer/v1\nschedules: []\nmore: 1",
                "document_unreadable",
            ),
        ] {
            assert_eq!(read(text).err().unwrap().code, code, "{text}");
        }
        let wrong = read("format: chrontainer/v1\nschedules:\n  - name: x\n    triggers: []\n    steps: [{action: {type: fly}}]").unwrap();
        let problem = wrong[0].draft.as_ref().unwrap_err();
        assert!(
            problem.details["field"].as_str().unwrap().starts_with("steps[0]"),
            "{problem:?}"
        );
    }

    fn words() -> impl Strategy<Value = String> {
        // Whatever YAML reads as something else unless it is quoted.
        prop_oneof![
            "[ -~]{1,20}",
            "[a-zäöü#:*&!|>'\"%@` -]{1,12}",
            prop::sample::select(vec![
                "no",
                "1",
                "null",
                "~",
                "0x1f",
                "1e3",
                "- a",
                "a: b",
                "2026-01-01",
                " x ",
                "on"
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        /// Whatever was written reads back as it was.
        #[test]
        fn what_is_written_reads_back(
            name in words(), target in words(), step in prop::option::of(words()), minute in 0_u32..60,
            every in 1_u64..100_000, enabled in any::<bool>(),
        ) {
            let draft = draft(json!({
                "name": name, "enabled": enabled, "timezone": "Europe/Lisbon",
                "triggers": [{ "type": "cron", "expression": format!("*/7 {minute} * * *") },
                    { "type": "interval", "every": format!("{every}s") }],
                "steps": [{ "name": step, "action": { "type": "stop", "grace": "10s" }, "target": target },
                    { "action": { "type": "noop" } }],
            }));
            for format in [FileFormat::Yaml, FileFormat::Json] {
                let text = write(vec![written(&draft).unwrap()], format).unwrap();
                let read = read(&text).unwrap();
                prop_assert_eq!(read[0].draft.as_ref().unwrap(), &draft, "{}", text);
            }
        }
    }
}
