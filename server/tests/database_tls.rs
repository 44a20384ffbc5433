//! Both drivers reach a Postgres that speaks TLS, and both refuse one they should not trust.

#![allow(clippy::unwrap_used)]

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use control::db::connect::ConnectSpec;
use server::settings::sqlx_options;
use sqlx::{ConnectOptions, Row};
use testkit::postgres::TestCluster;
use tokio_postgres_rustls::MakeRustlsConnect;

const QUESTION: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

fn openssl(dir: &Path, line: &str) {
    let done = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// An authority `ca.pem`, a certificate `server.pem` of its making for `address`, and a stranger's `other.pem`.
fn certificates(dir: &Path, address: Ipv4Addr) {
    for name in ["ca", "other"] {
        openssl(
            dir,
            &format!(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
            ),
        );
    }
    openssl(
        dir,
        "req -newkey rsa:2048 -nodes -subj /CN=db -keyout server.key -out server.csr",
    );
    fs::write(
        dir.join("san"),
        format!("subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\n"),
    )
    .unwrap();
    openssl(
        dir,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
    );
}

async fn by_diesels_driver(spec: &ConnectSpec) -> Result<bool, String> {
    let show = |error: tokio_postgres::Error| format!("{error:?}");
    let config = spec.to_tokio_postgres();
    let client = match spec.rustls_config().map_err(|error| error.to_string())? {
        Some(tls) => {
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await.map_err(show)?;
            tokio::spawn(connection);
            client
        }
        None => {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(show)?;
            tokio::spawn(connection);
            client
        }
    };
    Ok(client.query_one(QUESTION, &[]).await.map_err(show)?.get(0))
}

async fn by_the_queues_driver(spec: &ConnectSpec) -> Result<bool, String> {
    let show = |error: sqlx::Error| format!("{error:?}");
    let mut connection = sqlx_options(spec).connect().await.map_err(show)?;
    Ok(sqlx::query(QUESTION)
        .fetch_one(&mut connection)
        .await
        .map_err(show)?
        .get(0))
}

#[tokio::test]
async fn every_mode_means_the_same_to_both_drivers() {
    let dir = tempfile::tempdir().unwrap();
    let address = Ipv4Addr::new(127, 83, 12, 7);
    certificates(dir.path(), address);
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let mut cluster = TestCluster::own().unwrap();
    cluster
        .serve_tls(address, &read("server.pem"), &read("server.key"))
        .unwrap();

    let root = |name: &str| format!("&sslrootcert={}", dir.path().join(name).display());
    // The certificate names 127.83.12.7; the same server answers by another name as well.
    let named = format!("postgres://postgres@{address}/postgres");
    let cases = [
        (format!("{named}?sslmode=disable"), false),
        (named.clone(), true),
        (format!("{named}?sslmode=require"), true),
        (format!("{named}?sslmode=verify-ca"), false),
        (format!("{named}?sslmode=verify-ca{}", root("ca.pem")), true),
        (format!("{named}?sslmode=verify-full{}", root("ca.pem")), true),
        (format!("{named}?sslmode=verify-full{}", root("other.pem")), false),
        (format!("{named}?sslmode=require{}", root("other.pem")), false),
    ];
    for (url, works) in cases {
        let spec: ConnectSpec = url.parse().unwrap();
        let (diesel, queue) = (by_diesels_driver(&spec).await, by_the_queues_driver(&spec).await);
        let expected = works.then_some(true);
        assert_eq!(diesel.clone().ok(), expected, "{url}: {diesel:?}");
        assert_eq!(queue.clone().ok(), expected, "{url}: {queue:?}");
    }

    // And over its socket, where nothing is encrypted.
    let spec: ConnectSpec = cluster.url("postgres").parse().unwrap();
    assert_eq!(by_diesels_driver(&spec).await, Ok(false));
    assert_eq!(by_the_queues_driver(&spec).await, Ok(false));
}

#[tokio::test]
async fn a_certificate_for_another_name_passes_only_without_that_check() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), Ipv4Addr::new(127, 83, 12, 99));
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let address = Ipv4Addr::new(127, 83, 12, 8);
    let mut cluster = TestCluster::own().unwrap();
    cluster
        .serve_tls(address, &read("server.pem"), &read("server.key"))
        .unwrap();
    let ca = dir.path().join("ca.pem");
    for (mode, works) in [("verify-ca", true), ("verify-full", false)] {
        let url = format!(
            "postgres://postgres@{address}/postgres?sslmode={mode}&sslrootcert={}",
            ca.display()
        );
        let spec: ConnectSpec = url.parse().unwrap();
        assert_eq!(by_diesels_driver(&spec).await.is_ok(), works, "{mode}");
        assert_eq!(by_the_queues_driver(&spec).await.is_ok(), works, "{mode}");
    }
}
