//! Bodies and queries that cannot be read: which field, and why.

use crate::error::ApiError;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use domain::errors::{ErrorClass, Problem};
use http::StatusCode;
use std::error::Error;

pub fn bad_body(rejection: &JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::JsonDataError(_) => Said::of(rejection)
            .problem(
                ErrorClass::Invalid,
                "body_invalid",
                "The body is JSON, but not what is expected here",
            )
            .into(),
        JsonRejection::JsonSyntaxError(_) => Problem::new(
            ErrorClass::BadRequest,
            "body_not_json",
            format!("The body is not valid JSON: {}.", Said::of(rejection).what),
        )
        .into(),
        JsonRejection::MissingJsonContentType(_) => ApiError::with_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type_unsupported",
            "The body must be JSON. Send it with the header `Content-Type: application/json`.",
        ),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => crate::security::too_large(),
        _ => Problem::new(
            ErrorClass::BadRequest,
            "body_unreadable",
            "The body could not be read to its end. Send it again.",
        )
        .into(),
    }
}

pub fn bad_query(rejection: &QueryRejection) -> ApiError {
    Said::of(rejection)
        .problem(
            ErrorClass::BadRequest,
            "query_invalid",
            "The query of the address cannot be used",
        )
        .into()
}

/// What serde says; axum's own sentence names types.
struct Said {
    /// Where, as every 422 writes it (`steps[0].target`); empty for the whole.
    path: String,
    what: String,
}

impl Said {
    fn of(rejection: &(dyn Error + 'static)) -> Self {
        let mut error = rejection;
        loop {
            if let Some(body) = error.downcast_ref() {
                return Self::at::<serde_json::Error>(body);
            }
            if let Some(query) = error.downcast_ref() {
                return Self::at::<serde::de::value::Error>(query);
            }
            match error.source() {
                Some(source) => error = source,
                None => {
                    return Self {
                        path: String::new(),
                        what: error.to_string(),
                    };
                }
            }
        }
    }

    fn at<E: Error>(error: &serde_path_to_error::Error<E>) -> Self {
        let mut path = error.path().to_string();
        if error.path().iter().len() == 0 {
            path.clear();
        }
        Self {
            path,
            what: error.inner().to_string(),
        }
    }

    fn problem(&self, class: ErrorClass, code: &str, sentence: &str) -> Problem {
        let place = if self.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.path)
        };
        let problem = Problem::new(class, code, format!("{sentence}: {place}{}.", self.what));
        match self.field() {
            Some(field) => problem.with("field", field),
            None => problem,
        }
    }

    fn field(&self) -> Option<String> {
        let path = Some(self.path.as_str()).filter(|path| !path.is_empty());
        match (path, self.named()) {
            // Of what is missing, and within what is read in one piece (a trigger), only the words tell the name.
            (Some(path), Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
                Some(format!("{path}.{name}"))
            }
            (path, name) => path.or(name).map(str::to_owned),
        }
    }

    /// The field that is missing or unknown.
    fn named(&self) -> Option<&str> {
        let rest = self
            .what
            .strip_prefix("missing field `")
            .or_else(|| self.what.strip_prefix("unknown field `"))?;
        rest.split('`').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::schedules::ScheduleDraft;
    use serde_json::{Value, json};

    fn refused(body: &Value) -> (String, Value) {
        let rejection = axum::Json::<ScheduleDraft>::from_bytes(body.to_string().as_bytes()).unwrap_err();
        let problem = bad_body(&rejection).problem;
        (problem.code, problem.details["field"].clone())
    }

    #[test]
    fn a_wrong_body_names_the_field() {
        let good = json!({
            "name": "nightly", "timezone": "UTC",
            "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
            "steps": [{ "action": { "type": "restart", "grace": "10s" }, "target": "*" }],
        });
        let with = |pointer: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(pointer).expect("a field") = value;
            body
        };
        let without = |pointer: &str, name: &str| {
            let mut body = good.clone();
            let parent = body.pointer_mut(pointer).and_then(Value::as_object_mut);
            parent.expect("an object").remove(name);
            body
        };
        let mut unknown = good.clone();
        unknown["color"] = json!("red");
        for (body, field) in [
            (with("/name", json!(7)), json!("name")),
            (with("/steps", json!("all")), json!("steps")),
            (with("/steps/0/target", json!(null)), json!("steps[0].target")),
            (without("", "name"), json!("name")),
            (without("/steps/0", "action"), json!("steps[0].action")),
            (
                without("/triggers/0", "expression"),
                json!("triggers[0].expression"),
            ),
            (with("/triggers/0/type", json!("moon")), json!("triggers[0].type")),
            (unknown, json!("color")),
            (json!([]), Value::Null),
        ] {
            assert_eq!(refused(&body), ("body_invalid".to_owned(), field), "{body}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_field() {
        let rejection = axum::Json::<ScheduleDraft>::from_bytes(b"{\"name\": ").unwrap_err();
        let error = bad_body(&rejection);
        assert_eq!(
            (error.status(), error.problem.code.as_str()),
            (StatusCode::BAD_REQUEST, "body_not_json")
        );
        assert_eq!(error.problem.details, Value::Null);
    }

    #[test]
    fn a_wrong_query_names_the_field() {
        #[derive(Debug, serde::Deserialize)]
        struct List {
            #[allow(dead_code, reason = "only read")]
            limit: Option<u32>,
        }
        let uri = "http://nas/api/v1/runs?limit=many".parse().unwrap();
        let error = bad_query(&axum::extract::Query::<List>::try_from_uri(&uri).unwrap_err());
        assert_eq!(error.problem.details["field"], "limit");
        assert_eq!(
            error.problem.message,
            "The query of the address cannot be used: limit: invalid digit found in string."
        );
    }
}
