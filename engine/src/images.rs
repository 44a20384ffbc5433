//! Images of one engine.

use crate::{
    client::Engine,
    error::EngineError,
    wire::{decode, within},
};
use http::Method;
use http_body_util::BodyExt;
use serde::Deserialize;
use std::time::Duration;

/// What a pull brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The host had it already.
    pub up_to_date: bool,
    /// The engine's last words.
    pub status: String,
}

/// The longest silence of an engine that pulls: it tells of its progress all the time.
const SILENCE: Duration = Duration::from_secs(180);
/// The longest line of its progress, in bytes.
const LINE: usize = 256 * 1024;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Progress {
    status: Option<String>,
    error: Option<String>,
}

/// The largest description of an image that is read, in bytes.
const DESCRIPTION: usize = 4 * 1024 * 1024;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Described {
    /// `null` for an image that no registry has seen.
    repo_digests: Option<Vec<String>>,
}

impl Engine {
    /// The digests under which registries know an image (`nginx@sha256:…`); none for one that was built here.
    ///
    /// # Errors
    /// `NotFound` for an image that is gone; anything else of [`EngineError`].
    pub async fn image_digests(&self, image_id: &str) -> Result<Vec<String>, EngineError> {
        const OPERATION: &str = "describe the image";
        self.ready().await?;
        let path = format!("/images/{}/json", escaped(image_id));
        let body = self
            .wire
            .get_bytes(OPERATION, &path, DESCRIPTION, self.options().deadline)
            .await?;
        Ok(decode::<Described>(OPERATION, &body)?
            .repo_digests
            .unwrap_or_default())
    }

    /// Pulls an image (`alpine:3`, `ghcr.io/owner/app@sha256:…`); `latest` when it names no tag.
    ///
    /// # Errors
    /// `Refused` and `NotFound` in the registry's or the engine's words; anything else of [`EngineError`].
    pub async fn pull(&self, image: &str) -> Result<Pulled, EngineError> {
        const OPERATION: &str = "pull the image";
        self.ready().await?;
        let path = format!("/images/create?fromImage={}", escaped(&whole(image)));
        let request = self.wire.order(Method::POST, &path, None)?;
        let response = within(OPERATION, SILENCE, self.wire.accepted(OPERATION, request)).await?;
        let mut body = response.into_body();
        let mut buffer: Vec<u8> = Vec::new();
        let mut pulled = Pulled {
            up_to_date: false,
            status: String::new(),
        };
        loop {
            let data = match tokio::time::timeout(SILENCE, body.frame()).await {
                Err(_) => {
                    return Err(EngineError::Timeout {
                        operation: OPERATION,
                        after: SILENCE,
                    });
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(EngineError::Gone { operation: OPERATION }),
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            buffer.extend_from_slice(&data);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                read(OPERATION, &line, &mut pulled)?;
            }
            if buffer.len() > LINE {
                return Err(EngineError::TooLarge {
                    operation: OPERATION,
                    limit: LINE,
                });
            }
        }
        read(OPERATION, &buffer, &mut pulled)?;
        Ok(pulled)
    }
}

fn read(operation: &'static str, line: &[u8], pulled: &mut Pulled) -> Result<(), EngineError> {
    let Ok(progress) = serde_json::from_slice::<Progress>(line) else {
        return Ok(());
    };
    if let Some(message) = progress.error {
        return Err(EngineError::Refused {
            operation,
            status: 500,
            message,
        });
    }
    if let Some(status) = progress.status.filter(|status| !status.trim().is_empty()) {
        pulled.up_to_date |= status.contains("Image is up to date");
        pulled.status = status.trim_start_matches("Status: ").to_owned();
    }
    Ok(())
}

/// Without a tag an engine would pull every tag there is.
fn whole(image: &str) -> String {
    let image = image.trim();
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || image.contains('@') {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

/// For a query: everything but the plainest characters.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_means_the_latest() {
        for (image, full) in [
            ("alpine", "alpine:latest"),
            ("alpine:3", "alpine:3"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("app@sha256:00", "app@sha256:00"),
        ] {
            assert_eq!(whole(image), full);
        }
        assert_eq!(escaped("a/b:1&x=ä"), "a%2Fb%3A1%26x%3D%C3%A4");
    }

    #[test]
    fn progress_is_read_and_an_error_in_it_is_one() {
        let mut pulled = Pulled {
            up_to_date: false,
            status: String::new(),
        };
        read(
            "pull",
            br#"{"status":"Status: Image is up to date for alpine:3"}"#,
            &mut pulled,
        )
        .expect("progress");
        assert!(
            pulled.up_to_date && pulled.status.starts_with("Image is"),
            "{pulled:?}"
        );
        let line = br#"{"errorDetail":{"message":"no such host"},"error":"no such host"}"#;
        let error = read("pull", line, &mut pulled).expect_err("an error");
        assert_eq!(error.engine_message(), Some("no such host"));
    }
}
