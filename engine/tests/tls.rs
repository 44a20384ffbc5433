//! Mutual TLS: the given CA alone is trusted, and every way it fails is a sentence.

use engine::{Engine, EngineError, Options, TlsSettings, TransportSettings};
use std::{path::PathBuf, time::Duration};
use testkit::engines::{Certificates, FaultProxy, HungEngine, TestEngine, TlsFront, Validity};

fn options() -> Options {
    Options::deadline(Duration::from_secs(5))
}

fn settings(url: &str, ca: &Certificates, client: Option<(&Certificates, &str)>) -> TransportSettings {
    TransportSettings {
        url: url.parse().expect("an address"),
        tls: Some(TlsSettings {
            ca: ca.pem("ca"),
            cert: client.map(|(authority, name)| authority.pem(name)),
            key: client.map(|(authority, name)| authority.key(name).into()),
        }),
        ssh: None,
    }
}

async fn ping(settings: TransportSettings) -> Result<(), EngineError> {
    let engine = Engine::open(settings, options())?;
    engine.ping().await?;
    engine.list().await.map(|_| ())
}

async fn fails(settings: TransportSettings, code: &str) -> String {
    let error = ping(settings).await.expect_err("it cannot succeed");
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.outcome_unknown());
    error.to_string()
}

#[tokio::test]
async fn an_engine_behind_mutual_tls_is_reached_and_no_other() {
    let test = TestEngine::shared().await;
    let authority = Certificates::make();
    let others = Certificates::make();
    let front = TlsFront::start(test.socket(), &authority, "server", Some(&authority)).await;
    let url = front.docker_host();
    let client = Some((&authority, "client"));
    ping(settings(&url, &authority, client)).await.expect("an engine");
    // By name as well as by address.
    let by_name = format!("tcp://localhost:{}", front.port());
    ping(settings(&by_name, &authority, client))
        .await
        .expect("an engine");

    let said = fails(settings(&url, &others, client), "tls_ca_wrong").await;
    assert!(said.contains("Upload the ca.pem"), "{said}");
    let said = fails(
        settings(&url, &authority, None),
        "tls_client_certificate_required",
    )
    .await;
    assert!(said.contains("Upload cert.pem and key.pem"), "{said}");
    let stranger = Some((&others, "client"));
    let said = fails(
        settings(&url, &authority, stranger),
        "tls_client_certificate_refused",
    )
    .await;
    assert!(said.contains("refused the client certificate"), "{said}");
    // Without TLS at all.
    let plain = TransportSettings::plain(url.parse().expect("an address"));
    let error = ping(plain).await.expect_err("it speaks TLS");
    assert!(
        matches!(error.code(), "engine_protocol" | "engine_gone" | "tls_expected"),
        "{error}"
    );
}

#[tokio::test]
async fn dockers_own_tls_is_understood() {
    let authority = Certificates::make();
    let others = Certificates::make();
    let (_test, url) = TestEngine::start_with_tls(&authority).await;
    ping(settings(&url, &authority, Some((&authority, "client"))))
        .await
        .expect("an engine");
    fails(
        settings(&url, &authority, None),
        "tls_client_certificate_required",
    )
    .await;
    let stranger = Some((&others, "client"));
    fails(
        settings(&url, &authority, stranger),
        "tls_client_certificate_refused",
    )
    .await;
    fails(
        settings(&url, &others, Some((&authority, "client"))),
        "tls_ca_wrong",
    )
    .await;
    let plain = TransportSettings::plain(url.parse().expect("an address"));
    fails(plain, "tls_expected").await;
}

#[tokio::test]
async fn the_server_s_certificate_is_checked_in_every_respect() {
    let test = TestEngine::shared().await;
    let authority = Certificates::make();
    authority.issue("expired", "IP:127.0.0.1", Validity::Expired);
    authority.issue("early", "IP:127.0.0.1", Validity::Later);
    authority.issue("other", "DNS:other.lan,IP:10.1.2.3", Validity::Now);
    for (name, code, words) in [
        ("expired", "tls_certificate_expired", "expired on 2021-01-01"),
        ("early", "tls_certificate_not_yet_valid", "Check the clocks"),
        ("other", "tls_name_mismatch", "other.lan"),
    ] {
        let front = TlsFront::start(test.socket(), &authority, name, None).await;
        let said = fails(settings(&front.docker_host(), &authority, None), code).await;
        assert!(said.contains(words), "{said}");
    }
    // The authority's own certificate, as `openssl req -x509` makes it, is no server's.
    let front = TlsFront::start(test.socket(), &authority, "ca", None).await;
    let error = ping(settings(&front.docker_host(), &authority, None))
        .await
        .expect_err("no server's");
    assert!(error.code().starts_with("tls_"), "{error}");
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told_as_such() {
    let authority = Certificates::make();
    // An engine without TLS, which is what most of them are.
    let test = TestEngine::shared().await;
    let plain = FaultProxy::start_tcp(test.socket()).await;
    let said = fails(settings(&plain.docker_host(), &authority, None), "tls_not_spoken").await;
    assert!(said.contains("Check the port"), "{said}");
    // One that never answers.
    let hung = HungEngine::start().await;
    let silent = tcp(hung.docker_host()).await;
    let settings = settings(&silent.0, &authority, None);
    let engine = Engine::open(settings, Options::deadline(Duration::from_secs(1))).expect("settings");
    let error = engine.ping().await.expect_err("silence");
    assert!(
        matches!(error.code(), "engine_timeout" | "engine_unreachable"),
        "{error}"
    );
}

#[tokio::test]
async fn damaged_uploads_name_their_field() {
    let authority = Certificates::make();
    authority.issue("another", "", Validity::Now);
    let good = || settings("tcp://127.0.0.1:2376", &authority, Some((&authority, "client")));
    let broken = |change: &dyn Fn(&mut TlsSettings)| {
        let mut settings = good();
        change(settings.tls.as_mut().expect("certificates"));
        let error = Engine::open(settings, options()).expect_err("damaged");
        let EngineError::Transport(error) = error else {
            panic!("{error}")
        };
        (error.code(), error.field(), error.to_string())
    };
    Engine::open(good(), options()).expect("sound settings");
    let (code, field, said) = broken(&|tls| tls.ca = "rubbish".into());
    assert_eq!((code, field), ("tls_pem_invalid", Some("tls.ca")), "{said}");
    let (code, field, said) = broken(&|tls| tls.ca = authority.key("ca"));
    assert_eq!((code, field), ("tls_pem_invalid", Some("tls.ca")), "{said}");
    assert!(said.contains("a private key and no certificate"), "{said}");
    let (code, field, _) = broken(&|tls| tls.cert = None);
    assert_eq!((code, field), ("tls_pem_invalid", Some("tls.cert")));
    let (code, field, said) = broken(&|tls| tls.key = Some(authority.pem("client").into()));
    assert_eq!((code, field), ("tls_pem_invalid", Some("tls.key")), "{said}");
    let (code, field, said) = broken(&|tls| tls.key = Some(authority.key("another").into()));
    assert_eq!((code, field), ("tls_key_mismatch", Some("tls.key")), "{said}");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let (code, _, _) = broken(&|tls| tls.key = Some(encrypted.into()));
    assert_eq!(code, "tls_key_encrypted");
    let cut = authority.pem("ca").lines().take(4).collect::<Vec<_>>().join("\n");
    let (code, _, said) = broken(&|tls| tls.ca = cut.clone());
    assert_eq!(code, "tls_pem_invalid");
    assert!(said.contains("END line is missing"), "{said}");
}

/// A port in front of a unix socket; held as long as its task.
async fn tcp(docker_host: String) -> (String, tokio::task::JoinHandle<()>) {
    let target = PathBuf::from(docker_host.trim_start_matches("unix://"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                if let Ok(mut engine) = tokio::net::UnixStream::connect(target).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                }
            });
        }
    });
    (format!("tcp://{address}"), task)
}
