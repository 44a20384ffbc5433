//! `health`: what an image's health check or a script asks, without a program such as curl.

use super::Failure;
use axum::body::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Less than the image's health check waits, so that the reason is seen.
const PATIENCE: Duration = Duration::from_secs(8);
const LARGEST: usize = 16 * 1024;

/// Prints what `/health/ready` answers; a server that is not ready, or not there, is a failure.
pub async fn ask(listen: SocketAddr, tls: bool) -> Result<(), Failure> {
    let address = reachable(listen);
    let (status, body) = timeout(PATIENCE, get(address, tls))
        .await
        .map_err(|_| format!("No answer from {address} within {} s.", PATIENCE.as_secs()))?
        .map_err(|error| format!("No answer from {address}: {error}."))?;
    if status != StatusCode::OK {
        return Err(format!("Not ready ({status}): {body}").into());
    }
    println!("{body}");
    Ok(())
}

async fn get(address: SocketAddr, tls: bool) -> Result<(StatusCode, String), Failure> {
    let stream = TcpStream::connect(address).await?;
    if tls {
        let name = ServerName::IpAddress(address.ip().into());
        // It asks itself, by an address that no certificate names.
        let stream = TlsConnector::from(Arc::new(control::db::connect::tls_with_anyone()?))
            .connect(name, stream)
            .await?;
        return get_over(stream, address).await;
    }
    get_over(stream, address).await
}

async fn get_over<S>(stream: S, address: SocketAddr) -> Result<(StatusCode, String), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what goes wrong on the connection, the sender says.
    tokio::spawn(connection);
    let request = Request::get("/health/ready")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST)
        .collect()
        .await?
        .to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Nobody can connect to `0.0.0.0` everywhere; who listens there hears the loopback address as well.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_asked_on_loopback() {
        let at = |listen: &str| reachable(listen.parse().expect("an address")).to_string();
        assert_eq!(at("0.0.0.0:3000"), "127.0.0.1:3000");
        assert_eq!(at("[::]:81"), "[::1]:81");
        assert_eq!(at("192.0.2.7:80"), "192.0.2.7:80");
    }

    #[tokio::test]
    async fn nobody_there_is_a_sentence() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let error = ask(address, false).await.expect_err("nobody listens").to_string();
        assert!(
            error.starts_with(&format!("No answer from {address}: ")),
            "{error}"
        );
    }
}
