//! The steps of the way, and where it ends.

use engine::{
    Options, SshSettings, Step, StepName, TlsSettings, TransportSettings,
    diagnose::{self, diagnose},
};
use futures::StreamExt;
use std::time::Duration;
use testkit::engines::{
    ADMIN, Certificates, HungEngine, Rubbish, RubbishEngine, Sshd, SshdOptions, TestEngine, TlsFront,
};

async fn steps(settings: TransportSettings) -> Vec<Step> {
    diagnose(settings, Options::deadline(Duration::from_secs(2)))
        .collect()
        .await
}

fn names(steps: &[Step]) -> Vec<StepName> {
    steps.iter().map(|step| step.step).collect()
}

/// Where it ended, and why.
fn end(steps: &[Step]) -> (StepName, &'static str) {
    let last = steps.last().expect("a step");
    assert!(steps[..steps.len() - 1].iter().all(|step| step.ok), "{steps:?}");
    (last.step, last.error.as_ref().expect("it failed").code)
}

fn plain(url: &str) -> TransportSettings {
    TransportSettings::plain(url.parse().expect("an address"))
}

#[tokio::test]
async fn every_step_is_told_with_what_was_found() {
    let test = TestEngine::shared().await;
    let authority = Certificates::make();
    let front = TlsFront::start(test.socket(), &authority, "server", None).await;
    let tls = TransportSettings {
        tls: Some(TlsSettings {
            ca: authority.pem("ca"),
            cert: None,
            key: None,
        }),
        ..plain(&front.docker_host())
    };
    let sshd = Sshd::start(SshdOptions::default()).await;
    let ssh = TransportSettings {
        ssh: Some(SshSettings {
            private_key: Some(sshd.client_key().into()),
            host_keys: vec![sshd.fingerprint().parse().expect("a fingerprint")],
            ..SshSettings::default()
        }),
        ..plain(&sshd.docker_host(ADMIN, &test.socket()))
    };
    for settings in [plain(&test.docker_host()), tls, ssh] {
        let told = steps(settings.clone()).await;
        assert!(
            told.iter().all(|step| step.ok && !step.found.is_empty()),
            "{told:?}"
        );
        assert_eq!(names(&told), diagnose::plan(&settings), "{told:?}");
        let version = told
            .iter()
            .find(|step| step.step == StepName::Version)
            .expect("a version");
        assert!(version.found.starts_with("Docker "), "{version:?}");
    }
    // One session served the test and what came after it.
    assert_eq!(sshd.sign_ins(), 1);
}

#[tokio::test]
async fn the_first_failure_ends_it_with_what_to_do() {
    let test = TestEngine::shared().await;
    assert_eq!(
        end(&steps(plain("unix:///nowhere/d.sock")).await),
        (StepName::Connect, "socket_missing")
    );
    let told = steps(plain("tcp://no-such-host.invalid")).await;
    assert_eq!(end(&told), (StepName::Resolve, "name_unknown"));
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    assert_eq!(
        end(&steps(plain(&format!("tcp://{free}"))).await),
        (StepName::Connect, "connection_refused")
    );
    let hung = HungEngine::start().await;
    assert_eq!(
        end(&steps(plain(&hung.docker_host())).await),
        (StepName::Ping, "engine_timeout")
    );
    let html = RubbishEngine::start(Rubbish::Html).await;
    assert_eq!(
        end(&steps(plain(&html.docker_host())).await),
        (StepName::Ping, "engine_protocol")
    );
    let old = RubbishEngine::start(Rubbish::TooOld).await;
    assert_eq!(
        end(&steps(plain(&old.docker_host())).await),
        (StepName::Ping, "engine_too_old")
    );

    let authority = Certificates::make();
    let front = TlsFront::start(test.socket(), &Certificates::make(), "server", None).await;
    let tls = |ca: String| TransportSettings {
        tls: Some(TlsSettings {
            ca,
            cert: None,
            key: None,
        }),
        ..plain(&front.docker_host())
    };
    assert_eq!(
        end(&steps(tls(authority.pem("ca"))).await),
        (StepName::Certificate, "tls_ca_wrong")
    );
    assert_eq!(
        end(&steps(tls("rubbish".into())).await),
        (StepName::Settings, "tls_pem_invalid")
    );

    let sshd = Sshd::start(SshdOptions::default()).await;
    let ssh = |ssh: SshSettings| TransportSettings {
        ssh: Some(ssh),
        ..plain(&sshd.docker_host(ADMIN, &test.socket()))
    };
    let told = steps(ssh(SshSettings::default())).await;
    assert_eq!(end(&told), (StepName::HostKey, "host_key_unknown"));
    let error = told.last().and_then(|step| step.error.clone()).expect("an error");
    let presented = error.presented.expect("the key");
    assert_eq!(presented.fingerprint, sshd.fingerprint());
    let told = steps(ssh(SshSettings {
        private_key: Some(sshd.stranger_key().into()),
        host_keys: vec![presented],
        ..SshSettings::default()
    }))
    .await;
    assert_eq!(end(&told), (StepName::SignIn, "ssh_key_refused"));
}
