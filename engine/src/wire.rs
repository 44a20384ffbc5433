//! HTTP to one engine: deadlines, limits, and what each failure means.
//!
//! Three waits are told apart: connecting (the connector's limit), the answer's head, and the silence between
//! parts of its body. A deadline over the whole operation bounds their sum.

use crate::{
    client::{Options, version::ApiVersion},
    error::{EngineError, Unreachable},
    transport::{Connector, Transport, TransportError},
};
use bytes::{Bytes, BytesMut};
use futures::Stream;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor, rt::TokioTimer};
use serde::de::DeserializeOwned;
use std::{
    error::Error as _,
    io,
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// A request's body: bollard's type, so that its requests travel through the same client.
pub(crate) type Body =
    Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>>>;

/// The largest error text read from an engine.
const MAX_ERROR: usize = 64 * 1024;

pub(crate) struct Wire {
    client: Client<Connector, Body>,
    transport: Transport,
    authority: String,
    place: String,
    pub(crate) options: Options,
    /// The negotiated API version, packed; 0 until the engine was asked.
    api: AtomicU32,
}

impl Wire {
    pub(crate) fn new(transport: Transport, options: Options) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(4)
            .build(Connector::new(transport.clone(), options.connect));
        let (authority, place) = (transport.authority(), transport.place());
        Self {
            client,
            transport,
            authority,
            place,
            options,
            api: AtomicU32::new(0),
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// A question that has no version: how to learn the version.
    pub(crate) fn unversioned(&self, path: &str) -> Result<Request<Body>, EngineError> {
        get(format!("http://{}{path}", self.authority))
    }

    pub(crate) fn api(&self) -> Option<ApiVersion> {
        ApiVersion::unpack(self.api.load(Ordering::Relaxed))
    }

    pub(crate) fn set_api(&self, version: ApiVersion) {
        self.api.store(version.pack(), Ordering::Relaxed);
    }

    /// A question to a path of the API, under the negotiated version where there is one.
    pub(crate) fn question(&self, path: &str) -> Result<Request<Body>, EngineError> {
        let version = self.api().map(|api| format!("/v{api}")).unwrap_or_default();
        get(format!("http://{}{version}{path}", self.authority))
    }

    /// A request that changes something, under the negotiated version where there is one. Without a body where there is none.
    pub(crate) fn order(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Request<Body>, EngineError> {
        let version = self.api().map(|api| format!("/v{api}")).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{version}{path}", self.authority));
        let mut bytes = Bytes::new();
        if let Some(body) = body {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
            bytes = body.to_string().into();
        }
        request
            .body(Either::Left(Full::new(bytes)))
            .map_err(|error| EngineError::protocol(format!("the request could not be written ({error})")))
    }

    /// Sends an order and reads at most `limit` bytes of its answer, all within a deadline.
    pub(crate) async fn ordered(
        &self,
        operation: &'static str,
        request: Request<Body>,
        limit: usize,
        deadline: Duration,
    ) -> Result<Bytes, EngineError> {
        within(operation, deadline, async {
            let response = self.accepted(operation, request).await?;
            self.read(operation, response, limit).await
        })
        .await
    }

    /// Sends a request and waits for the answer's head, with no limit of its own but the connector's. A question whose
    /// connection breaks is asked once more: a kept connection may have been dead for long.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, EngineError> {
        let again = (request.method() == Method::GET).then(|| request.uri().clone());
        let error = match self.client.request(request).await {
            Ok(response) => return Ok(response),
            Err(error) => self.classify(operation, &error),
        };
        match (error, again) {
            (EngineError::Gone { .. }, Some(uri)) => {
                let request = get(uri)?;
                self.client
                    .request(request)
                    .await
                    .map_err(|error| self.classify(operation, &error))
            }
            (error, _) => Err(error),
        }
    }

    /// Sends a request, expects success (or 304), and turns any other status into the engine's own words.
    pub(crate) async fn accepted(
        &self,
        operation: &'static str,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, EngineError> {
        let response = self.send(operation, request).await?;
        if response.status().is_success() || response.status() == http::StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = self
            .read(operation, response, MAX_ERROR)
            .await
            .unwrap_or_default();
        Err(refusal(operation, &self.place, status, &body))
    }

    /// GETs a JSON document of at most `limit` bytes within the options' deadline.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        limit: usize,
    ) -> Result<T, EngineError> {
        let body = self
            .get_bytes(operation, path, limit, self.options.deadline)
            .await?;
        decode(operation, &body)
    }

    /// GETs at most `limit` bytes within a deadline.
    pub(crate) async fn get_bytes(
        &self,
        operation: &'static str,
        path: &str,
        limit: usize,
        deadline: Duration,
    ) -> Result<Bytes, EngineError> {
        within(operation, deadline, async {
            let response = self.accepted(operation, self.question(path)?).await?;
            self.read(operation, response, limit).await
        })
        .await
    }

    /// Reads a body to its end, at most `limit` bytes, and never waits longer than `idle` for the next part.
    pub(crate) async fn read(
        &self,
        operation: &'static str,
        response: Response<Incoming>,
        limit: usize,
    ) -> Result<Bytes, EngineError> {
        let mut body = response.into_body();
        let mut all = BytesMut::new();
        loop {
            let frame = match tokio::time::timeout(self.options.idle, body.frame()).await {
                Ok(None) => return Ok(all.freeze()),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => return Err(EngineError::Gone { operation }),
                Err(_) => {
                    return Err(EngineError::Timeout {
                        operation,
                        after: self.options.idle,
                    });
                }
            };
            if let Ok(data) = frame.into_data() {
                if all.len() + data.len() > limit {
                    return Err(EngineError::TooLarge { operation, limit });
                }
                all.extend_from_slice(&data);
            }
        }
    }

    fn classify(&self, operation: &'static str, error: &hyper_util::client::legacy::Error) -> EngineError {
        // TLS and SSH tell more than HTTP does, and may do so after the connection was made.
        let mut source = error.source();
        while let Some(cause) = source {
            let io = cause.downcast_ref::<io::Error>();
            if let Some(known) = io.and_then(|io| self.transport.understand(io)) {
                return known.into();
            }
            source = cause.source();
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<io::Error>().filter(|_| error.is_connect()) {
                return EngineError::connecting(&self.place, io);
            }
            if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
                if hyper.is_parse() {
                    return EngineError::protocol("it does not answer in HTTP");
                }
                return EngineError::Gone { operation };
            }
            source = cause.source();
        }
        if error.is_connect() {
            let why = Unreachable::Other(error.to_string());
            return EngineError::Unreachable {
                at: self.place.clone(),
                why,
            };
        }
        EngineError::Gone { operation }
    }
}

fn get<U>(uri: U) -> Result<Request<Body>, EngineError>
where
    http::Uri: TryFrom<U, Error: Into<http::Error>>,
{
    Request::get(uri)
        .body(Either::Left(Full::new(Bytes::new())))
        .map_err(|error| EngineError::protocol(format!("the request could not be written ({error})")))
}

/// Bounds a whole operation.
pub(crate) async fn within<T>(
    operation: &'static str,
    deadline: Duration,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(deadline, work).await {
        Ok(result) => result,
        Err(_) => Err(EngineError::Timeout {
            operation,
            after: deadline,
        }),
    }
}

pub(crate) fn decode<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, EngineError> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::debug!(%error, operation, "an engine's answer could not be read");
        EngineError::protocol(format!(
            "its answer could not be read when asked to {operation} ({error})"
        ))
    })
}

/// The engine's own words from an error answer: Docker and Podman both send `{"message": …}`.
fn refusal(operation: &'static str, at: &str, status: u16, body: &[u8]) -> EngineError {
    #[derive(serde::Deserialize)]
    struct Words {
        message: String,
    }
    let spoken = serde_json::from_slice::<Words>(body)
        .ok()
        .map(|words| words.message);
    let Some(message) = spoken else {
        let text = plain(&String::from_utf8_lossy(body));
        if text.contains("HTTP request to an HTTPS server") {
            return TransportError::TlsExpected { at: at.to_owned() }.into();
        }
        return match status {
            // Engines word every refusal as JSON; a bare error page comes from some other server.
            400..=499 => EngineError::protocol(format!("it answered with HTTP status {status}")),
            _ => EngineError::Refused {
                operation,
                status,
                message: or_status(text, status),
            },
        };
    };
    let message = or_status(plain(&message), status);
    match status {
        404 => EngineError::NotFound { operation, message },
        409 => EngineError::Conflict { operation, message },
        _ => EngineError::Refused {
            operation,
            status,
            message,
        },
    }
}

/// One line without control characters, at most 1,000 characters: it is shown to people.
fn plain(text: &str) -> String {
    let line: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1000)
        .collect();
    line.trim().to_owned()
}

fn or_status(text: String, status: u16) -> String {
    if text.is_empty() {
        format!("it gave no reason (HTTP status {status})")
    } else {
        text
    }
}
