//! One request over a connection of its own, to an address that was looked at before.

use crate::runs::HttpAllow;
use bytes::Bytes;
use domain::actions::Http;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use url::{Host, Url};

const REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);
/// What is read of an answer, in bytes.
const LARGEST: usize = 1024 * 1024;

/// A request that is about to be made.
#[derive(Debug)]
pub(super) struct Request {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Bytes,
}

#[derive(Debug)]
pub(super) struct Failure {
    pub message: String,
    /// It is not allowed, so that trying again does not help.
    pub is_refusal: bool,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_refusal: false,
        }
    }

    fn refusal(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_refusal: true,
        }
    }
}

impl Request {
    /// Reads what a step says, with its variables filled in.
    pub fn new(http: &Http) -> Result<Self, String> {
        let url =
            Url::parse(http.url.trim()).map_err(|error| format!("The address cannot be read: {error}."))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &http.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("The header {name} cannot be sent: its name is none."))?;
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                format!("The header {name} cannot be sent: it holds a line break or the like.")
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self {
            url,
            method: http
                .method
                .as_str()
                .parse()
                .map_err(|_| "The method cannot be read.".to_owned())?,
            headers,
            body: http.body.clone().unwrap_or_default().into(),
        })
    }

    /// What follows from a redirect (RFC 9110, 15.4): the method may become GET, and what was meant for one host is not
    /// told to another.
    fn redirected(mut self, status: StatusCode, location: &str) -> Result<Self, Failure> {
        let url = self
            .url
            .join(location)
            .map_err(|_| Failure::new("The answer leads to an address that cannot be read."))?;
        let to_get = status == StatusCode::SEE_OTHER
            || (matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND)
                && self.method == Method::POST);
        if to_get && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if url.origin() != self.url.origin() {
            self.headers.clear();
        }
        self.url = url;
        Ok(self)
    }
}

/// Makes a request and follows redirects.
pub(super) async fn send(mut request: Request, allow: &HttpAllow) -> Result<Answer, Failure> {
    for _ in 0..=REDIRECTS {
        let (status, headers, body) = once(&request, allow).await?;
        let location = headers
            .get(header::LOCATION)
            .filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308))
            .and_then(|value| value.to_str().ok());
        match location {
            Some(location) => request = request.redirected(status, location)?,
            None => {
                return Ok(Answer {
                    status: status.as_u16(),
                    body,
                });
            }
        }
    }
    Err(Failure::new(format!(
        "The answers lead from one address to the next, more than {REDIRECTS} times. Correct the address."
    )))
}

async fn once(request: &Request, allow: &HttpAllow) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
    let url = &request.url;
    let secure = match url.scheme() {
        "https" => true,
        "http" => false,
        other => {
            return Err(Failure::refusal(format!(
                "Only http and https are requested, and the address leads to {other}."
            )));
        }
    };
    let host = url
        .host()
        .ok_or_else(|| Failure::refusal("The address names no host."))?
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = connect(&host, port, allow).await?;
    if !secure {
        return exchange(request, stream).await;
    }
    let name = match &host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::new(format!("{name} cannot be a host's name.")))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
    };
    let stream = tokio_rustls::TlsConnector::from(crate::tls::client().map_err(Failure::new)?)
        .connect(name, stream)
        .await
        .map_err(|error| Failure::new(format!("The secure connection to {host} failed: {error}.")))?;
    exchange(request, stream).await
}

/// Connects to the first address that may be reached and answers.
async fn connect(host: &Host<String>, port: u16, allow: &HttpAllow) -> Result<TcpStream, Failure> {
    let addresses: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(*address, port).into()],
        Host::Ipv6(address) => vec![(*address, port).into()],
        Host::Domain(name) => tokio::time::timeout(CONNECT, tokio::net::lookup_host((name.as_str(), port)))
            .await
            .map_err(|_| Failure::new(format!("The name server did not answer for {name}.")))?
            .map_err(|_| Failure::new(format!("{name} has no address. Check its spelling.")))?
            .collect(),
    };
    let host = host.to_string();
    let open: Vec<SocketAddr> = addresses
        .into_iter()
        .filter(|address| allow.permits(&host, address.ip()))
        .collect();
    if open.is_empty() {
        return Err(Failure::refusal(format!(
            "{host} is inside the server's own networks, where schedules may not make requests. The server's admin can \
             open it with CHRONTAINER_HTTP_ALLOW."
        )));
    }
    let mut last = String::new();
    for address in open {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} s", CONNECT.as_secs()),
        }
    }
    Err(Failure::new(format!("{host} could not be reached: {last}.")))
}

async fn exchange(
    request: &Request,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::new(format!("The connection broke: {error}."));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let driving = tokio::spawn(connection);
    let path = request.url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let mut built = http::Request::builder().method(request.method.clone()).uri(path);
    if let Some(headers) = built.headers_mut() {
        headers.extend(request.headers.clone());
        let authority = &request.url[url::Position::BeforeHost..url::Position::AfterPort];
        if let Ok(authority) = HeaderValue::try_from(authority) {
            headers.insert(header::HOST, authority);
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!(
                "chrontainer/",
                env!("CARGO_PKG_VERSION")
            )));
    }
    let built = built
        .body(Full::new(request.body.clone()))
        .map_err(|error| Failure::new(format!("The request cannot be written: {error}.")))?;
    let result = async {
        let response = sender.send_request(built).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| Failure::new(format!("The answer could not be read to its end: {error}.")))?
            .to_bytes();
        Ok((head.status, head.headers, body))
    }
    .await;
    driving.abort();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Answers every request with the text that belongs to its path, and counts.
    async fn server(answer: fn(&str) -> String) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; 8192];
                let read = stream.read(&mut buffer).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let _ = stream.write_all(answer(&text).as_bytes()).await;
            }
        });
        address
    }

    fn request(url: String, method: &str) -> Request {
        let http = serde_json::json!({ "url": url, "method": method, "headers": { "x-token": "abc" }, "body": "hi" });
        Request::new(&serde_json::from_value(http).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_made_and_its_answer_read() {
        let address = server(|text| {
            let good = text.starts_with("POST /hook?a=1 HTTP/1.1")
                && text.contains("x-token: abc")
                && text.ends_with("hi");
            let status = if good { "201 Created" } else { "400 Bad Request" };
            format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok")
        })
        .await;
        let allow: HttpAllow = "127.0.0.0/8".parse().unwrap();
        let answer = send(request(format!("http://{address}/hook?a=1#x"), "POST"), &allow)
            .await
            .unwrap();
        assert_eq!((answer.status, &answer.body[..]), (201, &b"ok"[..]));
    }

    #[tokio::test]
    async fn inner_addresses_are_refused_also_behind_a_redirect() {
        let address = server(|_| {
            "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data\r\ncontent-length: 0\r\n\r\n".to_owned()
        })
        .await;
        let closed = send(
            request(format!("http://{address}/"), "GET"),
            &HttpAllow::default(),
        )
        .await
        .unwrap_err();
        assert!(
            closed.is_refusal && closed.message.contains("CHRONTAINER_HTTP_ALLOW"),
            "{closed:?}"
        );
        let named = send(
            request(format!("http://localhost:{}/", address.port()), "GET"),
            &HttpAllow::default(),
        )
        .await
        .unwrap_err();
        assert!(named.is_refusal, "{named:?}");
        let allow: HttpAllow = "127.0.0.0/8".parse().unwrap();
        let behind = send(request(format!("http://{address}/"), "GET"), &allow)
            .await
            .unwrap_err();
        assert!(
            behind.is_refusal && behind.message.starts_with("169.254.169.254"),
            "{behind:?}"
        );
    }

    #[tokio::test]
    async fn secrets_do_not_follow_to_another_host() {
        let other = server(|text| {
            let leaked = text.contains("x-token");
            format!(
                "HTTP/1.1 {}\r\ncontent-length: 0\r\n\r\n",
                if leaked { "500 Leaked" } else { "204 Fine" }
            )
        })
        .await;
        let moved = request("http://127.0.0.1:1/".to_owned(), "POST")
            .redirected(StatusCode::TEMPORARY_REDIRECT, &format!("http://{other}/"))
            .unwrap();
        assert_eq!(moved.method, Method::POST);
        let allow: HttpAllow = "127.0.0.0/8".parse().unwrap();
        assert_eq!(send(moved, &allow).await.unwrap().status, 204);
        let same = request(format!("http://{other}/a"), "POST")
            .redirected(StatusCode::SEE_OTHER, "/b")
            .unwrap();
        assert_eq!(
            (same.method, same.headers.len(), same.body.len()),
            (Method::GET, 1, 0)
        );
    }
}
