//! Requests to providers: one connection each, with a deadline and a limit of size, and no redirect is followed.
//!
//! Inner addresses are allowed, because a server administrator wrote the issuer and many run theirs at home. Link-local ones
//! are not: no provider lives there, but the metadata of clouds does.

use http::{HeaderValue, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use openidconnect::{HttpRequest, HttpResponse};
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

/// How long a provider may take for an answer, all in all.
const DEADLINE: Duration = Duration::from_secs(10);
/// What is read of an answer, in bytes.
const LARGEST: usize = 512 * 1024;

/// Why there is no answer, as a sentence for a server administrator.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreachable(pub String);

fn unreachable(text: impl Into<String>) -> Unreachable {
    Unreachable(text.into())
}

/// Makes a request. Its future is what `openidconnect` and `oauth2` take for an HTTP client.
///
/// # Errors
/// When there is no whole answer within 10 s, or it is larger than 512 KiB.
pub(super) async fn send(request: HttpRequest) -> Result<HttpResponse, Unreachable> {
    let url = Url::parse(&request.uri().to_string())
        .map_err(|error| unreachable(format!("The address cannot be read: {error}.")))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    tokio::time::timeout(DEADLINE, deliver(&url, request))
        .await
        .map_err(|_| unreachable(format!("{host} did not answer within {} s.", DEADLINE.as_secs())))?
}

async fn deliver(url: &Url, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
    let secure = match url.scheme() {
        "https" => true,
        "http" => false,
        other => {
            return Err(unreachable(format!(
                "Only http and https are spoken, not {other}."
            )));
        }
    };
    let host = url
        .host()
        .ok_or_else(|| unreachable("The address names no host."))?
        .to_owned();
    let stream = connect(&host, url.port_or_known_default().unwrap_or(443)).await?;
    if !secure {
        return exchange(url, request, stream).await;
    }
    let name = match &host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| unreachable(format!("{name} cannot be a host's name.")))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
    };
    let stream = tokio_rustls::TlsConnector::from(crate::tls::client().map_err(unreachable)?)
        .connect(name, stream)
        .await
        .map_err(|error| unreachable(format!("The secure connection to {host} failed: {error}.")))?;
    exchange(url, request, stream).await
}

async fn connect(host: &Host<String>, port: u16) -> Result<TcpStream, Unreachable> {
    let addresses: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(*address, port).into()],
        Host::Ipv6(address) => vec![(*address, port).into()],
        Host::Domain(name) => tokio::net::lookup_host((name.as_str(), port))
            .await
            .map_err(|_| unreachable(format!("{name} has no address. Check its spelling.")))?
            .collect(),
    };
    let mut last = "it has no address that may be used".to_owned();
    for address in addresses.into_iter().filter(|address| may_be_asked(address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(unreachable(format!("{host} cannot be reached: {last}.")))
}

fn may_be_asked(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(link_local || address.is_unspecified() || address.is_multicast())
}

async fn exchange(
    url: &Url,
    request: HttpRequest,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<HttpResponse, Unreachable> {
    let host = url.host_str().unwrap_or_default();
    let broken =
        |error: &dyn std::fmt::Display| unreachable(format!("The connection to {host} broke: {error}."));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // Ends with the connection, also when the deadline drops this future.
    let driving = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
    let (head, body) = request.into_parts();
    let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let mut built = http::Request::builder().method(head.method).uri(path);
    if let Some(headers) = built.headers_mut() {
        headers.extend(head.headers);
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        if let Ok(authority) = HeaderValue::try_from(authority) {
            headers.insert(header::HOST, authority);
        }
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("chrontainer/", env!("CARGO_PKG_VERSION"))),
        );
    }
    let built = built
        .body(Full::new(bytes::Bytes::from(body)))
        .map_err(|error| broken(&error))?;
    let response = sender.send_request(built).await.map_err(|error| broken(&error))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(|error| broken(&error))?
        .to_bytes();
    drop(driving);
    Ok(HttpResponse::from_parts(head, body.to_vec()))
}

/// Reads JSON with an access token.
///
/// # Errors
/// When there is no answer, another status than 200, or no JSON.
pub(super) async fn get_json(url: &str, token: &str) -> Result<serde_json::Value, Unreachable> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| unreachable("The provider's token cannot be sent."))?;
    bearer.set_sensitive(true);
    let request = http::Request::get(url)
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, bearer)
        .body(Vec::new())
        .map_err(|error| unreachable(format!("The address cannot be read: {error}.")))?;
    let response = send(request).await?;
    let path = Url::parse(url)
        .map(|url| url.path().to_owned())
        .unwrap_or_default();
    if response.status() != http::StatusCode::OK {
        return Err(unreachable(format!(
            "{path} was answered with {}.",
            response.status()
        )));
    }
    serde_json::from_slice(response.body())
        .map_err(|_| unreachable(format!("{path} was answered with something that is no JSON.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_may_be_asked_and_metadata_of_clouds_may_not() {
        for (address, may) in [
            ("127.0.0.1", true),
            ("192.168.1.5", true),
            ("93.184.216.34", true),
            ("fd00::1", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
        ] {
            assert_eq!(may_be_asked(address.parse().unwrap()), may, "{address}");
        }
    }
}
