//! What a host is connected with: its url, what may be shown of TLS and SSH, and what is sealed.

use super::{known_hosts, queries::Row};
use crate::{Control, error::Result, secrets};
use diesel_async::AsyncPgConnection;
use domain::{
    errors::{ErrorClass, Problem},
    hosts::{Change, Hidden, HostPatch, SshDraft, SshView, TlsDraft, TlsView, Transport},
    ids::{HostId, OrgId},
};
use engine::{EngineUrl, SshSettings, TlsSettings, Transport as Way, TransportSettings};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The longest PEM text or key, in bytes: room for a chain of certificates.
const LARGEST: usize = 32 * 1024;

/// What may be shown; stored as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshView>,
}

/// What is sealed: one value per host, which names its host, so that it opens nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sealed {
    host: Option<HostId>,
    pub ca: Option<Hidden>,
    pub cert: Option<Hidden>,
    pub key: Option<Hidden>,
    pub private_key: Option<Hidden>,
    pub passphrase: Option<Hidden>,
    pub password: Option<Hidden>,
}

impl Sealed {
    fn is_empty(&self) -> bool {
        *self
            == Self {
                host: self.host,
                ..Self::default()
            }
    }
}

/// Everything that a connection is made with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub url: EngineUrl,
    pub shown: Shown,
    pub sealed: Sealed,
}

impl Settings {
    /// Of a host that is added: nothing but the url.
    pub fn new(url: &str) -> Result<Self, Problem> {
        Ok(Self {
            url: parse_url(url)?,
            shown: Shown::default(),
            sealed: Sealed::default(),
        })
    }

    /// As they are stored.
    ///
    /// # Errors
    /// `secret_key_lost` and `secret_damaged`; a url that only a newer release can read.
    pub async fn read(conn: &mut AsyncPgConnection, control: &Control, row: &Row) -> Result<Self> {
        let shown: Shown = serde_json::from_value(row.transport.clone()).unwrap_or_default();
        let host = HostId(row.id);
        let sealed = if shown == Shown::default() {
            Sealed::default()
        } else {
            match secrets::open_for(conn, control, OrgId(row.org_id), secrets::Owner::Host(host)).await? {
                Some(text) => unsealed(&text, host)?,
                None => Sealed::default(),
            }
        };
        Ok(Self {
            url: parse_url(&row.url)?,
            shown,
            sealed,
        })
    }

    /// As [`Settings::read`]; keys and passwords that do not open any more count as not there, so that they can be
    /// entered again.
    pub async fn read_or_forget(conn: &mut AsyncPgConnection, control: &Control, row: &Row) -> Result<Self> {
        match Self::read(conn, control, row).await {
            Err(crate::Error::Problem(problem))
                if matches!(problem.code.as_str(), "secret_key_lost" | "secret_damaged") =>
            {
                let mut shown: Shown = serde_json::from_value(row.transport.clone()).unwrap_or_default();
                shown.tls = None;
                if let Some(ssh) = &mut shown.ssh {
                    *ssh = SshView {
                        use_agent: ssh.use_agent,
                        docker_path: ssh.docker_path.clone(),
                        fingerprint: ssh.fingerprint.clone(),
                        algorithm: ssh.algorithm.clone(),
                        host_keys: ssh.host_keys.clone(),
                        ..SshView::default()
                    };
                }
                Ok(Self {
                    url: parse_url(&row.url)?,
                    shown,
                    sealed: Sealed::default(),
                })
            }
            other => other,
        }
    }

    /// Seals what is secret, or forgets what was. In the caller's transaction.
    pub async fn store(
        &self,
        conn: &mut AsyncPgConnection,
        control: &Control,
        org: OrgId,
        host: HostId,
    ) -> Result<()> {
        if self.sealed.is_empty() {
            return secrets::delete_for(conn, secrets::Owner::Host(host)).await;
        }
        let sealed = Sealed {
            host: Some(host),
            ..self.sealed.clone()
        };
        let text = serde_json::to_string(&sealed).map_err(|source| crate::Error::Stored {
            what: "a host's secrets",
            source,
        })?;
        secrets::put_for(
            conn,
            control,
            org,
            secrets::Owner::Host(host),
            &SecretString::from(text),
        )
        .await
    }

    /// What they are after a change; whether they may be used is checked.
    ///
    /// # Errors
    /// 422 with the field.
    pub fn changed(&self, patch: &HostPatch) -> Result<Self, Problem> {
        let mut next = self.clone();
        if let Some(url) = &patch.url {
            next.url = parse_url(url)?;
        }
        let elsewhere = place(&next.url) != place(&self.url);
        next.tls(&patch.tls)?;
        next.ssh(&patch.ssh, elsewhere)?;
        if let Some(fingerprint) = &patch.accept_fingerprint {
            let Some(ssh) = &mut next.shown.ssh else {
                return Err(Problem::invalid(
                    "fingerprint_not_used",
                    "accept_fingerprint",
                    "Only a host that is reached over SSH has a host key. Leave the fingerprint out, or use ssh://.",
                ));
            };
            let fingerprint = valid_fingerprint(fingerprint)?;
            if !ssh.pinned().iter().any(|key| key.ends_with(&fingerprint)) {
                (ssh.fingerprint, ssh.algorithm) = (Some(fingerprint), None);
                ssh.host_keys.clear();
            }
        }
        Ok(next)
    }

    fn tls(&mut self, change: &Change<TlsDraft>) -> Result<(), Problem> {
        if !matches!(self.url, EngineUrl::Tcp { .. }) {
            if matches!(change, Change::Set(_)) {
                return Err(Problem::invalid(
                    "tls_not_used",
                    "tls",
                    "Certificates are for tcp:// alone. Leave tls out, or write tcp://HOST:2376.",
                ));
            }
            self.forget_tls();
            return Ok(());
        }
        match change {
            Change::Keep => {}
            Change::Clear => self.forget_tls(),
            Change::Set(draft) => {
                let sealed = &mut self.sealed;
                sealed.ca = pem(&draft.ca, sealed.ca.take(), "tls.ca")?;
                sealed.cert = pem(&draft.cert, sealed.cert.take(), "tls.cert")?;
                sealed.key = pem(&draft.key, sealed.key.take(), "tls.key")?;
                self.shown.tls = Some(TlsView {
                    has_ca: sealed.ca.is_some(),
                    has_cert: sealed.cert.is_some(),
                    has_key: sealed.key.is_some(),
                });
            }
        }
        let Some(tls) = &self.shown.tls else { return Ok(()) };
        for (missing, field, what) in [
            (!tls.has_ca, "tls.ca", "the CA's certificate (ca.pem)"),
            (
                tls.has_key && !tls.has_cert,
                "tls.cert",
                "the client's certificate (cert.pem)",
            ),
            (
                tls.has_cert && !tls.has_key,
                "tls.key",
                "the client's key (key.pem)",
            ),
        ] {
            if missing {
                return Err(Problem::invalid(
                    "tls_incomplete",
                    field,
                    format!(
                        "Mutual TLS needs three files, and {what} is missing. Add it, or take all three away."
                    ),
                ));
            }
        }
        Ok(())
    }

    fn forget_tls(&mut self) {
        self.shown.tls = None;
        (self.sealed.ca, self.sealed.cert, self.sealed.key) = (None, None, None);
    }

    fn ssh(&mut self, change: &Change<SshDraft>, elsewhere: bool) -> Result<(), Problem> {
        if !is_ssh(&self.url) {
            if matches!(change, Change::Set(_)) {
                return Err(Problem::invalid(
                    "ssh_not_used",
                    "ssh",
                    "Keys and passwords of SSH are for ssh:// alone. Leave ssh out, or write ssh://USER@HOST.",
                ));
            }
            self.forget_ssh();
            return Ok(());
        }
        let before = self.shown.ssh.clone().unwrap_or_default();
        let draft = match change {
            Change::Set(draft) => draft.clone(),
            Change::Keep => SshDraft::default(),
            Change::Clear => {
                self.forget_ssh();
                SshDraft::default()
            }
        };
        // Whoever may edit a host could otherwise have its password sent to a machine of their own.
        if elsewhere && self.sealed.password.is_some() && draft.password.is_keep() {
            return Err(Problem::invalid(
                "password_needed",
                "ssh.password",
                "The address changed, and a stored password is not sent to another machine. Enter the password again, or \
                 remove it.",
            ));
        }
        let sealed = &mut self.sealed;
        let another_key = !draft.private_key.is_keep();
        sealed.private_key = pem(&draft.private_key, sealed.private_key.take(), "ssh.private_key")?;
        // A passphrase belongs to its key.
        let passphrase = sealed.passphrase.take().filter(|_| !another_key);
        sealed.passphrase =
            word(&draft.passphrase, passphrase, "ssh.passphrase")?.filter(|_| sealed.private_key.is_some());
        sealed.password = word(&draft.password, sealed.password.take(), "ssh.password")?;
        let docker_path = draft.docker_path.clone().apply(before.docker_path);
        let (fingerprint, algorithm, host_keys) = match elsewhere {
            true => Default::default(),
            false => (before.fingerprint, before.algorithm, before.host_keys),
        };
        let mut shown = SshView {
            has_private_key: sealed.private_key.is_some(),
            has_passphrase: sealed.passphrase.is_some(),
            has_password: sealed.password.is_some(),
            use_agent: draft
                .use_agent
                .unwrap_or(before.use_agent && !matches!(change, Change::Clear)),
            docker_path: valid_docker_path(docker_path)?,
            fingerprint,
            algorithm,
            host_keys,
        };
        if let Some(text) = draft.known_hosts.filter(|text| !text.trim().is_empty()) {
            known_hosts::pin(&mut shown, &self.url, &text)?;
        }
        self.shown.ssh = Some(shown);
        Ok(())
    }

    fn forget_ssh(&mut self) {
        self.shown.ssh = None;
        let sealed = &mut self.sealed;
        (sealed.private_key, sealed.passphrase, sealed.password) = (None, None, None);
    }

    /// As the engine's side takes them.
    pub fn transport(&self) -> TransportSettings {
        let sealed = &self.sealed;
        let secret = |text: &Option<Hidden>| text.as_ref().map(|text| SecretString::from(text.reveal()));
        let plain = |text: &Option<Hidden>| text.as_ref().map(|text| text.reveal().to_owned());
        TransportSettings {
            url: self.url.clone(),
            // With TLS once, never without it because something is missing.
            tls: self.shown.tls.as_ref().map(|_| TlsSettings {
                ca: plain(&sealed.ca).unwrap_or_default(),
                cert: plain(&sealed.cert),
                key: secret(&sealed.key),
            }),
            ssh: self.shown.ssh.as_ref().map(|ssh| SshSettings {
                private_key: secret(&sealed.private_key),
                passphrase: secret(&sealed.passphrase),
                password: secret(&sealed.password),
                use_agent: ssh.use_agent,
                docker_path: ssh.docker_path.clone(),
                host_keys: ssh.pinned().iter().filter_map(|key| key.parse().ok()).collect(),
            }),
        }
    }

    /// The way that they lead along; nothing is dialled yet.
    ///
    /// # Errors
    /// 422 with the field: a certificate or key that cannot be read.
    pub fn way(&self) -> Result<Way, Problem> {
        Way::new(self.transport()).map_err(|error| match error.field() {
            Some(field) => Problem::invalid(error.code(), field, error.to_string()),
            None => Problem::new(ErrorClass::Invalid, error.code(), error.to_string()),
        })
    }
}

/// How a stored host is reached, and what a person should know of that.
pub(super) fn about(url: &str, shown: &Shown) -> (Transport, Option<&'static str>) {
    let Ok(url) = url.parse::<EngineUrl>() else {
        return (Transport::default(), None);
    };
    let transport = match url {
        EngineUrl::Unix { .. } => Transport::Unix,
        EngineUrl::Tcp { .. } if shown.tls.is_some() => Transport::Tls,
        EngineUrl::Tcp { .. } => Transport::Tcp,
        EngineUrl::Ssh { .. } => Transport::Ssh,
    };
    let warning = url.warning().filter(|_| transport == Transport::Tcp);
    (transport, warning)
}

fn is_ssh(url: &EngineUrl) -> bool {
    matches!(url, EngineUrl::Ssh { .. })
}

/// The machine that a url names; secrets stored for one are not sent to another.
fn place(url: &EngineUrl) -> Option<(&str, u16)> {
    match url {
        EngineUrl::Tcp { host, port } | EngineUrl::Ssh { host, port, .. } => Some((host, *port)),
        EngineUrl::Unix { .. } => None,
    }
}

pub(super) fn parse_url(url: &str) -> Result<EngineUrl, Problem> {
    url.trim()
        .parse()
        .map_err(|error: engine::UrlError| Problem::invalid(error.code(), "url", error.to_string()))
}

fn unsealed(text: &SecretString, host: HostId) -> Result<Sealed> {
    let sealed: Option<Sealed> = serde_json::from_str(text.expose_secret()).ok();
    sealed.filter(|sealed| sealed.host == Some(host)).ok_or_else(|| {
        crate::Error::from(Problem::new(
            ErrorClass::Conflict,
            "secret_damaged",
            "The stored keys and passwords of this host were changed outside Chrontainer and do not open. Edit the host and \
             enter them again.",
        ))
    })
}

/// A PEM text. Windows' line ends and blanks around it are what uploads bring along.
fn pem(change: &Change<Hidden>, before: Option<Hidden>, field: &str) -> Result<Option<Hidden>, Problem> {
    let Change::Set(text) = change else {
        return Ok(change.clone().apply(before));
    };
    let text = text.reveal().replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > LARGEST {
        return Err(Problem::invalid(
            "pem_too_large",
            field,
            format!("This is larger than {LARGEST} bytes, and no key or certificate. Check the file."),
        ));
    }
    if !text.contains("-----BEGIN ") && !text.starts_with("PuTTY-User-Key-File-") {
        return Err(Problem::invalid(
            "pem_invalid",
            field,
            "This is no PEM text: it has no line that begins with -----BEGIN. Choose the file itself, not its name, and of \
             a key the private half.",
        ));
    }
    Ok(Some(Hidden::new(format!("{text}\n"))))
}

/// A password or passphrase, as it was typed.
fn word(change: &Change<Hidden>, before: Option<Hidden>, field: &str) -> Result<Option<Hidden>, Problem> {
    if let Change::Set(text) = change
        && (text.reveal().len() > 1024 || text.reveal().contains('\0'))
    {
        return Err(Problem::invalid(
            "password_too_long",
            field,
            "This is longer than 1024 bytes, and no password. Check what was pasted.",
        ));
    }
    Ok(change
        .clone()
        .apply(before)
        .filter(|text| !text.reveal().is_empty()))
}

fn valid_docker_path(path: Option<String>) -> Result<Option<String>, Problem> {
    let Some(path) = path
        .map(|path| path.trim().to_owned())
        .filter(|path| !path.is_empty())
    else {
        return Ok(None);
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if !path.starts_with('/') || path.len() > 512 || !path.chars().all(plain) {
        return Err(Problem::invalid(
            "docker_path_invalid",
            "ssh.docker_path",
            "The path of the docker program begins with a slash and holds letters, digits and ._-+@ alone, such as \
             /usr/local/bin/docker. Correct it, or leave it out to have it found.",
        ));
    }
    Ok(Some(path))
}

/// `SHA256:` and 43 signs of base64, as `ssh-keygen -l` prints it.
fn valid_fingerprint(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let digest = text
        .strip_prefix("SHA256:")
        .map(|digest| digest.trim_end_matches('='));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    match digest {
        Some(digest) if digest.len() == 43 && digest.chars().all(plain) => Ok(format!("SHA256:{digest}")),
        _ => Err(Problem::invalid(
            "fingerprint_invalid",
            "accept_fingerprint",
            "A fingerprint is SHA256: and 43 letters, digits, + and /, as ssh-keygen -l prints it. Send the one of the \
             answer host_key_unknown.",
        )),
    }
}
