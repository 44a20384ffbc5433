//! The REST API as the command line uses it.

use domain::errors::ErrorClass;
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;

/// Why a call failed, as a sentence. The API key is in none of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("\"{0}\" is not the address of a server. Write it like http://nas:3000.")]
    Address(String),
    #[error("No server answers at {url}: {reason}. Start it, or name it with --url or CHRONTAINER_CLI_URL.")]
    Unreachable { url: String, reason: String },
    #[error("{message}")]
    Refused { message: String },
    #[error("{url} answers, but not as a Chrontainer server of this version ({status}).")]
    Strange { url: String, status: u16 },
}

/// One server.
pub struct Client {
    http: reqwest::Client,
    url: String,
    api_key: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    message: String,
}

impl Client {
    /// # Errors
    /// When the address is not an http or https one.
    pub fn new(url: &str, api_key: Option<String>) -> Result<Self, Error> {
        let url = url.trim_end_matches('/').to_owned();
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(Error::Address(url));
        }
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| Error::Unreachable {
                url: url.clone(),
                reason: error.to_string(),
            })?;
        Ok(Self { http, url, api_key })
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// When the server does not answer, refuses, or answers something else.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Error> {
        let mut request = self.http.get(format!("{}{path}", self.url)).query(query);
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.map_err(|error| Error::Unreachable {
            url: self.url.clone(),
            reason: reason(&error),
        })?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| Error::Unreachable {
            url: self.url.clone(),
            reason: reason(&error),
        })?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| Error::Strange {
                url: self.url.clone(),
                status: status.as_u16(),
            });
        }
        if status.as_u16() == ErrorClass::Unauthenticated.status() && self.api_key.is_none() {
            return Err(Error::Refused {
                message: "The server asks for an API key. Make one on its machine with `chrontainer-server api-key \
                          create --user NAME --name cli`, and set CHRONTAINER_CLI_API_KEY."
                    .to_owned(),
            });
        }
        match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => Err(Error::Refused {
                message: refusal.error.message,
            }),
            Err(_) => Err(Error::Strange {
                url: self.url.clone(),
                status: status.as_u16(),
            }),
        }
    }
}

/// The innermost reason says most ("connection refused").
fn reason(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}
