//! Engines behind a real OpenSSH server.

use engine::{
    Engine, EngineError, HostKey, Options, Outcome, SshSettings, Transport, TransportError,
    TransportSettings, bridge::Bridge, transport::known_hosts,
};
use futures::StreamExt;
use std::time::Duration;
use testkit::engines::{ADMIN, EngineApi, GUEST, PASSWORD, RunOptions, Sshd, SshdOptions, TestEngine};

fn options() -> Options {
    Options::deadline(Duration::from_secs(10))
}

fn confirmed(sshd: &Sshd) -> Vec<HostKey> {
    vec![sshd.fingerprint().parse().expect("a fingerprint")]
}

fn by_key(sshd: &Sshd) -> SshSettings {
    SshSettings {
        private_key: Some(sshd.client_key().into()),
        host_keys: confirmed(sshd),
        ..SshSettings::default()
    }
}

fn by_password(sshd: &Sshd, password: &str) -> SshSettings {
    SshSettings {
        password: Some(password.into()),
        host_keys: confirmed(sshd),
        ..SshSettings::default()
    }
}

fn settings(url: &str, ssh: SshSettings) -> TransportSettings {
    TransportSettings {
        url: url.parse().expect("an address"),
        tls: None,
        ssh: Some(ssh),
    }
}

async fn ping(url: &str, ssh: SshSettings) -> Result<Engine, EngineError> {
    let engine = Engine::open(settings(url, ssh), options())?;
    engine.ping().await?;
    Ok(engine)
}

async fn fails(url: &str, ssh: SshSettings, code: &str) -> TransportError {
    let error = ping(url, ssh).await.expect_err("it cannot succeed");
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.outcome_unknown());
    match error {
        EngineError::Transport(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn one_session_carries_everything() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let engine = ping(&url, by_key(&sshd)).await.expect("an engine");
    let name = test.name("web");
    test.run_container(&name, RunOptions::default().created_only())
        .await;
    let mut events = engine.events(None).await.expect("events");
    assert_eq!(engine.start(&name).await, Ok(Outcome::Done));
    let asked = (0..12).map(|_| engine.inspect(&name));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.expect("it").name, name);
    }
    let event = tokio::time::timeout(Duration::from_secs(5), events.next())
        .await
        .expect("in time");
    event.expect("an event").expect("a sound one");
    assert_eq!(sshd.sign_ins(), 1, "{}", sshd.log());
}

#[tokio::test]
async fn the_host_s_key_is_confirmed_once_and_a_changed_one_refused() {
    let test = TestEngine::shared().await;
    let mut sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let unknown = SshSettings {
        host_keys: Vec::new(),
        ..by_key(&sshd)
    };
    let error = fails(&url, unknown.clone(), "host_key_unknown").await;
    let TransportError::HostKeyUnknown { presented, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(presented.fingerprint, sshd.fingerprint());
    assert_eq!(presented.algorithm.as_deref(), Some("ssh-ed25519"));
    // Nothing was offered to a stranger.
    assert_eq!(sshd.sign_ins(), 0);
    let accepted = SshSettings {
        host_keys: vec![presented.clone()],
        ..unknown.clone()
    };
    ping(&url, accepted.clone()).await.expect("an engine");

    for hashed in [false, true] {
        let text = sshd.known_host(hashed);
        assert_eq!(
            known_hosts(&text, "127.0.0.1", sshd.port()).keys,
            std::slice::from_ref(&presented),
            "{text}"
        );
        assert!(known_hosts(&text, "127.0.0.2", sshd.port()).keys.is_empty());
    }

    sshd.change_host_key().await;
    let error = fails(&url, accepted, "host_key_changed").await;
    let said = error.to_string();
    assert!(
        said.contains(&presented.fingerprint) && said.contains(&sshd.fingerprint()),
        "{said}"
    );
    assert_eq!(sshd.sign_ins(), 0);
}

#[tokio::test]
async fn keys_of_every_kind_and_what_is_wrong_with_them() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let with = |key: &str, passphrase: Option<&str>| SshSettings {
        private_key: Some(key.into()),
        passphrase: passphrase.map(Into::into),
        host_keys: confirmed(&sshd),
        ..SshSettings::default()
    };
    for kind in ["rsa", "ecdsa"] {
        ping(&url, with(&sshd.another_key(kind, ""), None))
            .await
            .expect(kind);
    }
    let secret = sshd.another_key("ed25519", "open sesame");
    ping(&url, with(&secret, Some("open sesame")))
        .await
        .expect("an encrypted key");
    // As it is pasted on Windows.
    ping(&url, with(&sshd.client_key().replace('\n', " \r\n"), None))
        .await
        .expect("a pasted key");
    fails(&url, with(&secret, None), "ssh_key_encrypted").await;
    let error = fails(&url, with(&secret, Some("wrong")), "ssh_passphrase_wrong").await;
    assert_eq!(error.field(), Some("ssh.passphrase"));
    let error = fails(&url, with("ssh-ed25519 AAAA me", None), "ssh_key_unreadable").await;
    assert!(error.to_string().contains("the private one is needed"), "{error}");
    fails(&url, with("rubbish", None), "ssh_key_unreadable").await;
    let damaged = sshd.client_key().replacen('A', "B", 40);
    fails(&url, with(&damaged, None), "ssh_key_unreadable").await;
    let error = fails(&url, with(&sshd.stranger_key(), None), "ssh_key_refused").await;
    assert!(error.to_string().contains("authorized_keys"), "{error}");
    fails(
        &url,
        SshSettings {
            host_keys: confirmed(&sshd),
            ..SshSettings::default()
        },
        "ssh_no_credentials",
    )
    .await;
}

#[tokio::test]
async fn passwords_serve_where_they_are_allowed() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    ping(&url, by_password(&sshd, PASSWORD)).await.expect("an engine");
    // A refused key, then the password.
    let both = SshSettings {
        private_key: Some(sshd.stranger_key().into()),
        ..by_password(&sshd, PASSWORD)
    };
    ping(&url, both).await.expect("an engine");
    let error = fails(&url, by_password(&sshd, "wrong"), "ssh_password_refused").await;
    assert!(!error.to_string().contains("wrong"), "{error}");

    let keys_only = Sshd::start(SshdOptions {
        passwords: false,
        ..SshdOptions::default()
    })
    .await;
    let url = keys_only.docker_host(ADMIN, &test.socket());
    let error = fails(
        &url,
        by_password(&keys_only, PASSWORD),
        "ssh_password_not_allowed",
    )
    .await;
    assert!(error.to_string().contains("It offers: publickey"), "{error}");
}

#[tokio::test]
async fn docker_s_own_command_serves_where_forwarding_is_forbidden() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions {
        forwarding: false,
        ..SshdOptions::default()
    })
    .await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let engine = ping(&url, by_key(&sshd)).await.expect("an engine");
    // More at once than sshd lets one connection run commands.
    let asked = (0..16).map(|_| engine.list());
    for answer in futures::future::join_all(asked).await {
        answer.expect("a list");
    }
    let elsewhere = SshSettings {
        docker_path: Some("/nowhere/docker".into()),
        ..by_key(&sshd)
    };
    let error = fails(&url, elsewhere, "ssh_docker_not_found").await;
    assert_eq!(error.field(), Some("ssh.docker_path"));
    let missing = sshd.docker_host(ADMIN, "/nowhere/docker.sock".as_ref());
    let error = ping(&missing, by_key(&sshd)).await.expect_err("no socket");
    assert!(
        matches!(error.code(), "ssh_socket_missing" | "ssh_socket_refused"),
        "{error}"
    );

    let nologin = Sshd::start(SshdOptions {
        forwarding: false,
        shell: "/usr/sbin/nologin".into(),
        ..SshdOptions::default()
    })
    .await;
    // Nothing can be looked up there, so all that it may be is said.
    let url = nologin.docker_host(ADMIN, &test.socket());
    fails(&url, by_key(&nologin), "ssh_socket_unusable").await;
}

#[tokio::test]
async fn what_is_wrong_with_the_socket_is_looked_up() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let missing = sshd.docker_host(ADMIN, "/nowhere/docker.sock".as_ref());
    let error = fails(&missing, by_key(&sshd), "ssh_socket_missing").await;
    assert!(error.to_string().contains("/nowhere/docker.sock"), "{error}");
    let guest = sshd.docker_host(GUEST, &test.socket());
    let error = fails(&guest, by_key(&sshd), "ssh_socket_permission").await;
    assert!(error.to_string().contains("usermod -aG docker guest"), "{error}");
    let dir = tempfile::tempdir().expect("a directory");
    let dead = dir.path().join("d.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).expect("a socket"));
    // Forwarding may be forbidden or nobody listen: docker's own command tells.
    fails(
        &sshd.docker_host(ADMIN, &dead),
        by_key(&sshd),
        "ssh_socket_refused",
    )
    .await;
}

#[tokio::test]
async fn a_broken_session_is_opened_anew() {
    let test = TestEngine::shared().await;
    let mut sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let engine = ping(&url, by_key(&sshd)).await.expect("an engine");
    sshd.stop();
    let error = engine.list().await.expect_err("nobody is there");
    assert!(error.is_transient(), "{error}");
    sshd.restart().await;
    engine.list().await.expect("a list again");
}

#[tokio::test]
async fn a_slow_reader_does_not_silence_the_others() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let name = test.name("talker");
    let talk = RunOptions {
        cmd: [
            "sh",
            "-c",
            "yes 0123456789012345678901234567890123456789 | head -c 30000000; sleep 1000",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..RunOptions::default()
    };
    test.run_container(&name, talk).await;
    let engine = ping(&url, by_key(&sshd)).await.expect("an engine");
    // Nobody reads this one's answer.
    let mut unread = engine.transport().connect().await.expect("a connection");
    let ask = format!("GET /containers/{name}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut unread, ask.as_bytes())
        .await
        .expect("a request");
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..3 {
        engine.list().await.expect("a list");
    }
    assert_eq!(sshd.sign_ins(), 1);
}

#[tokio::test]
async fn a_bridge_is_a_private_socket_for_other_programs() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let url = sshd.docker_host(ADMIN, &test.socket());
    let transport = Transport::new(settings(&url, by_key(&sshd))).expect("a way");
    let dir = tempfile::tempdir().expect("a directory");
    let private = dir.path().join("run");
    let bridge = Bridge::start(transport, &private, "nas").expect("a bridge");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!((mode(&private), mode(bridge.socket())), (0o700, 0o600));
    assert!(EngineApi::new(bridge.socket().to_owned()).answers().await);
    let docker = tokio::process::Command::new("docker")
        .args([
            "-H",
            &bridge.docker_host(),
            "version",
            "--format",
            "{{.Server.Version}}",
        ])
        .output();
    if let Ok(docker) = docker.await {
        assert!(
            docker.status.success(),
            "{}",
            String::from_utf8_lossy(&docker.stderr)
        );
    }
    let socket = bridge.socket().to_owned();
    drop(bridge);
    assert!(!socket.exists());
    let long = dir.path().join("x".repeat(100));
    let transport = Transport::new(settings(&url, by_key(&sshd))).expect("a way");
    assert!(Bridge::start(transport, &long, "nas").is_err());
}

#[tokio::test]
async fn what_is_no_ssh_server_is_told_as_such() {
    let test = TestEngine::shared().await;
    let proxy = testkit::engines::FaultProxy::start_tcp(test.socket()).await;
    let url = proxy.docker_host().replace("tcp://", "ssh://pi@");
    fails(&url, SshSettings::default(), "ssh_not_spoken").await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    let error = ping(&format!("ssh://pi@{free}"), SshSettings::default())
        .await
        .expect_err("nobody");
    assert_eq!(error.reason(), "connection_refused", "{error}");
    let error = ping("ssh://pi@no-such-host.invalid", SshSettings::default())
        .await
        .expect_err("no name");
    assert_eq!(error.reason(), "name_unknown", "{error}");
}

/// An agent is the process's own (`SSH_AUTH_SOCK`), so this test runs itself in one that has it.
#[tokio::test]
async fn an_agent_s_keys_serve() {
    let test = TestEngine::shared().await;
    let sshd = Sshd::start(SshdOptions::default()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("agent");
    let agent = std::process::Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut agent = agent.expect("ssh-agent starts: apt-get install openssh-client");
    let run = |key: Option<std::path::PathBuf>| {
        if let Some(key) = key {
            let added = std::process::Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", &socket)
                .status();
            assert!(added.is_ok_and(|status| status.success()), "ssh-add");
        }
        let output = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["with_an_agent", "--exact", "--ignored", "--nocapture"])
            .env("SSH_AUTH_SOCK", &socket)
            .env("TEST_URL", sshd.docker_host(ADMIN, &test.socket()))
            .env("TEST_FINGERPRINT", sshd.fingerprint())
            .output()
            .expect("this program runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = [run(None), run(Some(sshd.client_key_file()))];
    let _ = agent.kill();
    let _ = agent.wait();
    assert!(said[0].contains("code: ssh_agent_unavailable"), "{}", said[0]);
    assert!(said[1].contains("code: none"), "{}", said[1]);
}

#[tokio::test]
#[ignore = "the other half of an_agent_s_keys_serve"]
#[allow(clippy::print_stdout, reason = "its output is what the other half reads")]
async fn with_an_agent() {
    let var = |name: &str| std::env::var(name).expect("run by the other half");
    let settings = SshSettings {
        use_agent: true,
        host_keys: vec![var("TEST_FINGERPRINT").parse().expect("a fingerprint")],
        ..SshSettings::default()
    };
    let code = ping(&var("TEST_URL"), settings)
        .await
        .err()
        .map_or("none", |error| error.code());
    println!("code: {code}");
}
