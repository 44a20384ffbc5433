//! How what the server sends is read in the browser: with little code, since every page has it.
//!
//! `serde_json` reads a text straight into a type, and for that writes a parser into each one, twice where both bytes
//! and text are read. Here the text becomes a tree first, always by the same code, and a type takes what it wants from
//! the tree ([`tree`]). What is wrong with a text is not said: nobody but another build of the page could understand.

mod tree;

use bytes::Bytes;
use leptos_server::codee::{Decoder, Encoder};
use serde::{Serialize, de::DeserializeOwned};
use server_fn::{ContentType, Decodes, Encodes, Format, FormatType, codec::Post};

/// JSON, written by `serde_json` and read by [`read`].
pub struct Lean;

/// The answer of a server function: `output = Answer`.
pub type Answer = Post<Lean>;

/// What a page asks the server for; the server's own page brings it along.
pub type Resource<T> = leptos_server::Resource<T, Lean>;

/// As leptos' `Resource::new`, read by [`read`].
#[track_caller]
pub fn resource<T, S, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetcher: impl Fn(S) -> F + Send + Sync + 'static,
) -> Resource<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    S: PartialEq + Clone + Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    leptos_server::Resource::new_with_options(source, fetcher, false)
}

/// A text that is not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be read")]
pub struct Unreadable;

/// Reads a value from JSON.
///
/// # Errors
/// When it is no JSON, or not of this type.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    T::deserialize(tree::parse(text)?)
}

impl ContentType for Lean {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Lean {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for Lean {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for Lean {
    type Error = Unreadable;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        read(std::str::from_utf8(&bytes).map_err(|_| Unreadable)?)
    }
}

impl<T: Serialize> Encoder<T> for Lean {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Lean {
    type Error = Unreadable;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Unreadable> {
        read(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{actions::Action, errors::Problem, schedules::Trigger};
    use serde::Deserialize;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Square { side: u8 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        deep: Option<char>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        text: String,
        small: i8,
        large: u64,
        negative: i64,
        ratio: f32,
        is_on: bool,
        nothing: (),
        maybe: Option<Option<u16>>,
        list: Vec<Shape>,
        pair: (String, bool),
        map: BTreeMap<String, Vec<u32>>,
        numbered: BTreeMap<u32, String>,
        #[serde(default)]
        absent: Vec<u8>,
        result: Result<u8, String>,
        tree: Value,
        #[serde(flatten)]
        inner: Inner,
    }

    fn everything() -> Everything {
        Everything {
            text: "Grüße \"\u{1F433}\"\n".to_owned(),
            small: -7,
            large: u64::MAX,
            negative: i64::MIN,
            ratio: 1.5,
            is_on: true,
            nothing: (),
            maybe: Some(Some(9)),
            list: vec![
                Shape::Point,
                Shape::Circle(2.25),
                Shape::Line(-1, 4),
                Shape::Square { side: 3 },
            ],
            pair: ("a".to_owned(), false),
            map: BTreeMap::from([("one".to_owned(), vec![1, 2]), (String::new(), Vec::new())]),
            numbered: BTreeMap::from([(7, "seven".to_owned())]),
            absent: Vec::new(),
            result: Err("why".to_owned()),
            tree: json!({ "a": [1, -2, 2.5, null, { "b": "c" }] }),
            inner: Inner { deep: Some('x') },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = serde_json::to_string(&everything()).unwrap();
        assert_eq!(read::<Everything>(&text), Ok(everything()));
        for text in [
            r#"{"type":"cron","expression":"0 3 * * *"}"#,
            r#"{"type":"interval","every":"5m"}"#,
            r#"{"at":"2026-12-01T03:00:00Z","type":"once"}"#,
        ] {
            assert_eq!(
                read::<Trigger>(text).unwrap(),
                serde_json::from_str(text).unwrap(),
                "{text}"
            );
        }
        let action = r#"{"type":"restart","grace":"10s"}"#;
        assert_eq!(
            read::<Action>(action).unwrap(),
            serde_json::from_str(action).unwrap()
        );
        let problem = Problem::not_found("host").with("retry_after", 3);
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(read::<Problem>(&text), Ok(problem));
    }

    #[test]
    fn what_was_not_expected_is_refused() {
        let good = serde_json::to_value(everything()).unwrap();
        let names: Vec<&String> = good.as_object().unwrap().keys().collect();
        for name in names {
            // A whole tree takes anything.
            let values = if name == "tree" {
                vec![]
            } else {
                vec![json!([[]]), json!({ "x": {} }), json!(-0.5e300)]
            };
            for value in values {
                let mut bad = good.clone();
                bad[name] = value;
                let theirs = serde_json::from_value::<Everything>(bad.clone());
                // Floats are as wide as they are.
                if theirs.is_err() {
                    assert_eq!(
                        read::<Everything>(&bad.to_string()),
                        Err(Unreadable),
                        "{name} {bad}"
                    );
                }
            }
        }
        assert_eq!(read::<Everything>("{\"text\":"), Err(Unreadable));
        assert_eq!(read::<u8>("1 2"), Err(Unreadable));
        assert_eq!(read::<u8>("256"), Err(Unreadable));
    }
}
