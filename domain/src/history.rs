//! What was changed in a schedule: who saved it, when, and which fields became what.

use crate::ids::AuditId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A change of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleChange {
    /// The line of the audit log that tells of it.
    pub id: AuditId,
    pub at: DateTime<Utc>,
    /// The person's name at the time.
    pub by: String,
    /// `session`, `api_key`, `system` or `console`.
    pub via: String,
    /// `create`, `update`, `enable`, `disable`, `pause`, `resume` or `renew_webhook`.
    pub action: String,
    /// What the schedule was called afterwards.
    pub name: String,
    /// What became different. Of a schedule that was made there is nothing to compare.
    pub changes: Vec<FieldChange>,
}

/// One field that became different.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// As the API calls it: `steps[0].target`.
    pub field: String,
    /// Absent when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: Option<Value>,
    /// Absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: Option<Value>,
}

/// The fields in which two documents differ. Lists of objects are compared item by item, without what is the same at
/// their beginnings and ends, so that one more step is one line; other lists, and objects of another `type`, are one value.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    // What is null is not there.
    let (before, after) = (
        before.filter(|it| !it.is_null()),
        after.filter(|it| !it.is_null()),
    );
    match (before, after) {
        (None, None) => {}
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after)))
            if before.get("type") == after.get("type") =>
        {
            fields(path, before, after, found);
        }
        (Some(Value::Array(before)), Some(Value::Array(after)))
            if before.iter().chain(after).all(Value::is_object) =>
        {
            items(path, before, after, found);
        }
        (before, after) => found.push(FieldChange {
            field: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn fields(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<FieldChange>) {
    let new = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(new) {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        compare(&path, before.get(key), after.get(key), found);
    }
}

fn items(path: &str, before: &[Value], after: &[Value], found: &mut Vec<FieldChange>) {
    let same = |pairs: &mut dyn Iterator<Item = (&Value, &Value)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut before.iter().zip(after));
    let (before, after) = (&before[head..], &after[head..]);
    let tail = same(&mut before.iter().rev().zip(after.iter().rev()));
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    for at in 0..before.len().max(after.len()) {
        let path = format!("{path}[{}]", head + at);
        compare(&path, before.get(at), after.get(at), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: Value, after: Value) -> Vec<String> {
        let text = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        differences(&before, &after)
            .into_iter()
            .map(|change| {
                format!(
                    "{}: {} > {}",
                    change.field,
                    text(change.before),
                    text(change.after)
                )
            })
            .collect()
    }

    #[test]
    fn fields_are_named_as_the_api_names_them() {
        assert_eq!(
            told(
                json!({"name": "a", "retry": null, "steps": [{"action": {"type": "stop", "grace": "5s"}, "target": "name:web"}]}),
                json!({"name": "b", "retry": {"attempts": 3}, "steps": [{"action": {"type": "stop", "grace": "9s"}, "target": "name:db"}]})
            ),
            [
                "name: \"a\" > \"b\"",
                "retry: - > {\"attempts\":3}",
                "steps[0].action.grace: \"5s\" > \"9s\"",
                "steps[0].target: \"name:web\" > \"name:db\"",
            ]
        );
    }

    #[test]
    fn one_more_item_is_one_line_wherever_it_is() {
        let step = |target: &str| json!({ "target": target });
        assert_eq!(
            told(
                json!({"s": [step("a"), step("b")]}),
                json!({"s": [step("x"), step("a"), step("b")]})
            ),
            ["s[0]: - > {\"target\":\"x\"}"]
        );
        assert_eq!(
            told(
                json!({"s": [step("a"), step("b"), step("c")]}),
                json!({"s": [step("a"), step("c")]})
            ),
            ["s[1]: {\"target\":\"b\"} > -"]
        );
        assert_eq!(
            told(json!({"s": [step("a")]}), json!({"s": [step("a")]})),
            [""; 0]
        );
    }

    #[test]
    fn another_kind_of_action_is_one_value() {
        assert_eq!(
            told(
                json!({"action": {"type": "stop", "grace": "5s"}, "command": ["sh", "-c", "a"]}),
                json!({"action": {"type": "pull"}, "command": ["sh", "-c", "b"]})
            ),
            [
                "action: {\"grace\":\"5s\",\"type\":\"stop\"} > {\"type\":\"pull\"}",
                "command: [\"sh\",\"-c\",\"a\"] > [\"sh\",\"-c\",\"b\"]"
            ]
        );
    }
}
