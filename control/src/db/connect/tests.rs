#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;

fn refusal(url: &str) -> String {
    url.parse::<ConnectSpec>().unwrap_err().to_string()
}

#[test]
fn a_full_url_is_read() {
    let spec: ConnectSpec =
        "postgresql://chron:p%40ss%2Fword@db.example:6543/fleet?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=x"
            .parse()
            .unwrap();
    assert_eq!(spec.host, DatabaseHost::Tcp("db.example".into()));
    assert_eq!(
        (spec.port, spec.user.as_str(), spec.dbname.as_str()),
        (6543, "chron", "fleet")
    );
    assert_eq!(spec.password.as_ref().unwrap().expose_secret(), "p@ss/word");
    assert_eq!(spec.tls, TlsMode::VerifyFull);
    assert_eq!(spec.root_cert.as_deref(), Some(Path::new("/etc/ca.pem")));
    let config = spec.to_tokio_postgres();
    assert_eq!(config.get_ssl_mode(), tokio_postgres::config::SslMode::Require);
    assert_eq!(config.get_ports(), [6543]);
    assert_eq!(config.get_application_name(), Some("x"));
}

#[test]
fn sockets_are_named_by_parameter_or_by_an_encoded_host() {
    for url in [
        "postgres:///fleet?host=/run/postgresql&user=u",
        "postgres://u@%2Frun%2Fpostgresql/fleet?sslmode=require",
    ] {
        let spec: ConnectSpec = url.parse().unwrap();
        assert_eq!(spec.host, DatabaseHost::Socket("/run/postgresql".into()), "{url}");
        assert_eq!(spec.tls_mode(), TlsMode::Disable);
        assert!(spec.rustls_config().unwrap().is_none());
        assert_eq!(
            spec.to_tokio_postgres().get_hosts(),
            [tokio_postgres::config::Host::Unix("/run/postgresql".into())]
        );
    }
}

#[test]
fn an_ipv6_address_loses_its_brackets() {
    let spec: ConnectSpec = "postgres://u@[::1]:5433/d".parse().unwrap();
    assert_eq!((spec.host, spec.port), (DatabaseHost::Tcp("::1".into()), 5433));
}

#[test]
fn refusals_say_what_is_wrong_and_never_the_password() {
    let cases = [
        ("mysql://u:hunter2@h/d", "postgres://"),
        ("postgres://u:hunter2@h/d?sslmode=maybe", "verify-full"),
        (
            "postgres://u:hunter2@h/d?target_session_attrs=any",
            "allowed are host, port",
        ),
        (
            "postgres://u:hunter2@h/d?sslmode=require&sslmode=disable",
            "twice",
        ),
        ("postgres://u:hunter2@h", "no database"),
        ("postgres://:hunter2@h/d", "no user"),
        ("postgres:///d?user=u&password=hunter2", "no host"),
        (
            "postgres://u:hunter2@h/d?connect_timeout=0",
            "seconds from 1 to 300",
        ),
        ("postgres://u:hunter2@h/d?port=70000", "1 to 65535"),
        ("postgres://u:hunter2@h/d?sslrootcert=ca.pem", "absolute path"),
        (
            "postgres://u:hunter2@h/d?sslmode=disable&sslrootcert=/ca.pem",
            "contradict",
        ),
        ("postgres://u:hunter2@/d?host=a,b&user=u", "not a URL"),
        ("postgres:///d?host=a,b&user=u", "several hosts"),
        ("u:hunter2@h", "scheme"),
    ];
    for (url, expected) in cases {
        let text = refusal(url);
        assert!(text.contains(expected), "{url}: {text}");
        assert!(!text.contains("hunter2"), "{url}: {text}");
    }
}

#[test]
fn debug_and_display_hide_the_password() {
    let spec: ConnectSpec = "postgres://u:hunter2@h/d".parse().unwrap();
    let shown = format!("{spec:?} {spec}");
    assert!(
        !shown.contains("hunter2") && shown.contains("[redacted]"),
        "{shown}"
    );
}

#[test]
fn the_root_certificate_must_be_readable() {
    let spec: ConnectSpec = "postgres://u@h/d?sslmode=verify-ca&sslrootcert=/nonexistent/ca.pem"
        .parse()
        .unwrap();
    let text = spec.rustls_config().unwrap_err().to_string();
    assert!(text.contains("/nonexistent/ca.pem"), "{text}");
}

#[test]
fn require_with_a_root_certificate_checks_the_issuer() {
    let spec: ConnectSpec = "postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem"
        .parse()
        .unwrap();
    assert_eq!(spec.tls_mode(), TlsMode::VerifyCa);
    let spec: ConnectSpec = "postgres://u@h/d".parse().unwrap();
    assert_eq!(spec.tls_mode(), TlsMode::Prefer);
    assert!(spec.rustls_config().unwrap().is_some());
}
