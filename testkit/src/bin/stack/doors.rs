//! Other ways to the engine of the stack: an SSH server and TLS, as people have them on other machines.

use serde_json::{Value, json};
use std::path::PathBuf;
use testkit::{
    engines::{ADMIN, Certificates, PASSWORD, Sshd, SshdOptions, TlsFront},
    postgres::Result,
};

/// Those that are open.
#[derive(Default)]
pub struct Doors {
    ssh: Option<Sshd>,
    tls: Option<TlsFront>,
}

impl Doors {
    pub async fn ssh(&mut self, verb: &str, socket: PathBuf) -> Result<Value> {
        match (verb, &mut self.ssh) {
            ("start", ssh) => *ssh = Some(Sshd::start(SshdOptions::default()).await),
            ("new-key", Some(ssh)) => ssh.change_host_key().await,
            ("stop", ssh) => {
                *ssh = None;
                return Ok(json!({}));
            }
            _ => return Err(format!("ssh {verb} cannot be done now").into()),
        }
        let Some(ssh) = &self.ssh else {
            return Err("there is no SSH server".into());
        };
        let url = ssh.docker_host(ADMIN, &socket);
        Ok(json!({
            "url": url,
            "address": url.trim_start_matches("ssh://"),
            "fingerprint": ssh.fingerprint(),
            "known_hosts": ssh.known_host(true),
            "private_key": ssh.client_key(),
            "password": PASSWORD,
        }))
    }

    pub async fn tls(&mut self, verb: &str, socket: PathBuf) -> Result<Value> {
        if verb == "stop" {
            self.tls = None;
            return Ok(json!({}));
        }
        if verb != "start" {
            return Err(format!("tls {verb} is no command").into());
        }
        let authority = Certificates::make();
        let front = TlsFront::start(socket, &authority, "server", Some(&authority)).await;
        let url = front.docker_host();
        self.tls = Some(front);
        Ok(json!({
            "url": url,
            "address": url.trim_start_matches("tcp://"),
            "ca": authority.pem("ca"),
            "other_ca": Certificates::make().pem("ca"),
            "cert": authority.pem("client"),
            "key": authority.key("client"),
        }))
    }
}
