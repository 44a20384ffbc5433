//! The listener with a certificate of its own.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use testkit::{
    engines::{Certificates, Validity},
    postgres::TestDatabase,
    server::{TestServer, TestServerOptions, migrations},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How long a renewed file may take to be noticed.
const NOTICED: Duration = Duration::from_secs(20);

fn options(database: &TestDatabase, dir: &Path) -> TestServerOptions {
    TestServerOptions::on(database)
        .env(
            "CHRONTAINER_TLS_CERT_FILE",
            dir.join("cert.pem").display().to_string(),
        )
        .env(
            "CHRONTAINER_TLS_KEY_FILE",
            dir.join("key.pem").display().to_string(),
        )
}

fn place(certificates: &Certificates, name: &str, dir: &Path) {
    fs::write(dir.join("cert.pem"), certificates.pem(name)).unwrap();
    fs::write(dir.join("key.pem"), certificates.key(name)).unwrap();
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: nas.lan:3000\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Not every peer says goodbye in TLS' own way.
    let _ended = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Connects as somebody who trusts that authority alone, and says what the server showed.
async fn connect(
    address: &str,
    certificates: &Certificates,
) -> (
    tokio_rustls::client::TlsStream<TcpStream>,
    CertificateDer<'static>,
) {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(certificates.pem("ca").as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned();
    (stream, shown)
}

#[tokio::test]
async fn a_certificate_of_its_own_is_served_and_renewed() {
    let certificates = Certificates::make();
    let dir = tempfile::tempdir().unwrap();
    place(&certificates, "server", dir.path());
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let server = TestServer::start(options(&database, dir.path())).await.unwrap();
    let address = server
        .url
        .strip_prefix("https://")
        .expect("an https address")
        .to_owned();

    let (stream, first) = connect(&address, &certificates).await;
    let answer = ask(stream, "/sign-in").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");

    // Whoever forgets the s is shown the way.
    let lost = ask(TcpStream::connect(&address).await.unwrap(), "/hosts?q=a").await;
    assert!(lost.starts_with("HTTP/1.1 308"), "{lost}");
    assert!(
        lost.contains("location: https://nas.lan:3000/hosts?q=a"),
        "{lost}"
    );

    let ready = ask(connect(&address, &certificates).await.0, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");

    // As the image's health check asks, which knows the settings and no name of the certificate.
    let health = server.command(&["health"]).await.unwrap();
    assert!(health.contains("\"status\":\"ready\""), "{health}");

    // Half a renewal changes nothing; a whole one is taken without a restart, and open connections go on.
    fs::write(dir.path().join("cert.pem"), "-----BEGIN CERT").unwrap();
    let (mut kept, _) = connect(&address, &certificates).await;
    certificates.issue("renewed", "IP:127.0.0.1", Validity::Now);
    let began = std::time::Instant::now();
    while !server.log().contains("stays in use") {
        assert!(began.elapsed() < NOTICED, "the broken file was not noticed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(connect(&address, &certificates).await.1, first);
    place(&certificates, "renewed", dir.path());
    let began = std::time::Instant::now();
    while connect(&address, &certificates).await.1 == first {
        assert!(began.elapsed() < NOTICED, "the new certificate was not taken");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(ask(&mut kept, "/health").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn files_that_do_not_belong_together_stop_the_start() {
    let certificates = Certificates::make();
    let dir = tempfile::tempdir().unwrap();
    place(&certificates, "server", dir.path());
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let fails = async |what: &str| {
        let error = TestServer::start(options(&database, dir.path()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(what), "{error}");
    };
    fs::write(dir.path().join("key.pem"), certificates.key("client")).unwrap();
    fails("cannot be used together").await;
    fs::write(dir.path().join("key.pem"), "no key").unwrap();
    fails("holds no key that can be read").await;
    fs::remove_file(dir.path().join("key.pem")).unwrap();
    fails("of CHRONTAINER_TLS_KEY_FILE cannot be read").await;
    fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    fails("holds no certificate").await;
}
