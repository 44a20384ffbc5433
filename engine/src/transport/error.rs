//! What can go wrong on the way to an engine, beyond what plain sockets know: certificates, keys, what a machine behind
//! SSH allows.

use super::{HostKey, PemPart};

/// Why a way to an engine could not be taken. Its `Display` says what happened and what to do; [`TransportError::code`]
/// is for programs. The request never reached the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// An uploaded certificate or key cannot be read.
    #[error("{part} cannot be read: {why}. Paste the whole PEM file, with its BEGIN and END lines.")]
    BadPem { part: PemPart, why: String },
    #[error(
        "The client key is encrypted. Upload it without a passphrase (openssl pkey -in key.pem -out plain.pem); it is \
         stored sealed."
    )]
    TlsKeyEncrypted,
    #[error(
        "The client key does not belong to the client certificate. Upload the two that were made together (cert.pem and \
         key.pem)."
    )]
    KeyMismatch,
    #[error(
        "{at} does not speak TLS. Check the port (2376 is the usual one with TLS), or remove the certificates if that \
         engine really is exposed without any."
    )]
    NotTls { at: String },
    #[error("{at} expects TLS. Give its CA, and the client's certificate and key.")]
    TlsExpected { at: String },
    #[error(
        "The certificate of {at} was not issued by the given CA. Upload the ca.pem that its certificate was made with; \
         only that CA is trusted."
    )]
    WrongCa { at: String },
    #[error("The certificate of {at} has expired{}. Renew it on that machine.", since(.not_after))]
    CertificateExpired { at: String, not_after: Option<String> },
    #[error(
        "The certificate of {at} is not valid yet. Check the clocks of both machines, and when it was made to begin."
    )]
    CertificateNotYetValid { at: String },
    #[error(
        "The certificate of {at} is for {}. Use one of those in the address, or make a certificate that names this host \
         (subjectAltName).",
        name_list(.names)
    )]
    NameMismatch { at: String, names: Vec<String> },
    #[error(
        "{at} wants a client certificate. Upload cert.pem and key.pem, signed by the CA that the engine trusts."
    )]
    ClientCertificateRequired { at: String },
    #[error(
        "{at} refused the client certificate{}. Use one that is valid now and signed by the CA that the engine trusts \
         (its --tlscacert), for client authentication.",
        because(.why)
    )]
    ClientCertificateRefused { at: String, why: String },
    #[error("TLS with {at} failed: {why}. Check the certificates on both sides.")]
    Tls { at: String, why: String },

    #[error("{at} does not speak SSH. Check the port (22 is the usual one).")]
    NotSsh { at: String },
    #[error("{at} and this program have no way of encryption in common ({why}). Update the SSH server.")]
    NoCommonAlgorithm { at: String, why: String },
    /// First contact: a person has to compare the fingerprint.
    #[error(
        "{at} shows the host key {presented}, which nobody has confirmed yet. Compare it with the machine's own \
         (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then accept it."
    )]
    HostKeyUnknown { at: String, presented: HostKey },
    /// Another machine, or another key than was confirmed.
    #[error(
        "The host key of {at} has changed: it shows {presented}, and {} was confirmed. If the machine was not installed \
         anew, someone may be in between: do not accept it before you compared it on the machine itself.",
        keys(.pinned)
    )]
    HostKeyChanged {
        at: String,
        pinned: Vec<HostKey>,
        presented: HostKey,
    },
    #[error("No key, no agent and no password is given for {user} on {at}. Give one of them.")]
    NoCredentials { at: String, user: String },
    #[error("The private key cannot be read: {why}. Paste the whole file, with its BEGIN and END lines.")]
    KeyUnreadable { why: String },
    #[error("The private key is encrypted. Give its passphrase too.")]
    KeyEncrypted,
    #[error("The passphrase does not open the private key. Check it.")]
    WrongPassphrase,
    #[error(
        "{at} refused the key {fingerprint} for {user}. Add its public part to ~{user}/.ssh/authorized_keys there, and \
         check that file's permissions (only its owner may write).{}", also(.offered)
    )]
    KeyRefused {
        at: String,
        user: String,
        fingerprint: String,
        offered: Vec<String>,
    },
    #[error("{at} refused the password for {user}. Check both.{}", also(.offered))]
    PasswordRefused {
        at: String,
        user: String,
        offered: Vec<String>,
    },
    #[error(
        "{at} takes no passwords for {user}. Use a key, or set PasswordAuthentication yes in its sshd_config.{}",
        also(.offered)
    )]
    PasswordNotAllowed {
        at: String,
        user: String,
        offered: Vec<String>,
    },
    #[error(
        "No SSH agent answers ({why}). Start one where this server runs, set SSH_AUTH_SOCK for it, and add the key with \
         ssh-add; or upload the key."
    )]
    AgentUnavailable { why: String },
    #[error(
        "{at} refused every key of the SSH agent ({tried} tried) for {user}. Add the right one with ssh-add, and its \
         public part to ~{user}/.ssh/authorized_keys there."
    )]
    AgentRefused { at: String, user: String, tried: usize },
    #[error("{at} wants a further proof after the first one ({}). That is not supported.", .offered.join(", "))]
    SecondFactor { at: String, offered: Vec<String> },
    #[error(
        "{at} does not forward to {socket}, and the docker command could not serve instead: {why} If the engine runs there, \
         set AllowStreamLocalForwarding yes and AllowTcpForwarding yes in its sshd_config (on a NAS: allow TCP forwarding \
         in the SSH settings) and restart sshd."
    )]
    ForwardingDisabled { at: String, socket: String, why: String },
    #[error(
        "There is no socket at {socket} on {at}: the engine is not running, or its socket is elsewhere. Start it, or \
         write the path behind the address: ssh://USER@HOST/run/user/1000/docker.sock."
    )]
    SocketMissing { at: String, socket: String },
    #[error(
        "Nothing answers on the socket {socket} of {at}: start the engine there (systemctl start docker)."
    )]
    SocketRefused { at: String, socket: String },
    #[error(
        "{user} may not open {socket} on {at}. Add that user to the docker group there (sudo usermod -aG docker {user}), \
         then connect again."
    )]
    SocketPermission {
        at: String,
        user: String,
        socket: String,
    },
    #[error(
        "{at} could not connect to its socket {socket}: it is missing, {user} may not open it, or sshd does not forward to \
         sockets. Check that the engine runs, that the user is in the docker group, and AllowStreamLocalForwarding."
    )]
    SocketUnusable {
        at: String,
        user: String,
        socket: String,
    },
    #[error(
        "No docker command was found on {at} ({}). Install it, or give its path in the host's settings (docker_path).",
        .tried.join(", ")
    )]
    DockerNotFound { at: String, tried: Vec<String> },
    #[error("`{command}` failed on {at}: {why}")]
    DialStdio {
        at: String,
        command: String,
        why: String,
    },
    #[error("{at} runs no commands for {user} ({why}). Give that user a login shell, or use another.")]
    NoCommands { at: String, user: String, why: String },
    #[error("The SSH connection to {at} broke: {why}. It is opened anew by itself.")]
    SshGone { at: String, why: String },
}

impl TransportError {
    /// A stable word for programs; sentences may change, these do not.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadPem { .. } => "tls_pem_invalid",
            Self::TlsKeyEncrypted => "tls_key_encrypted",
            Self::KeyMismatch => "tls_key_mismatch",
            Self::NotTls { .. } => "tls_not_spoken",
            Self::TlsExpected { .. } => "tls_expected",
            Self::WrongCa { .. } => "tls_ca_wrong",
            Self::CertificateExpired { .. } => "tls_certificate_expired",
            Self::CertificateNotYetValid { .. } => "tls_certificate_not_yet_valid",
            Self::NameMismatch { .. } => "tls_name_mismatch",
            Self::ClientCertificateRequired { .. } => "tls_client_certificate_required",
            Self::ClientCertificateRefused { .. } => "tls_client_certificate_refused",
            Self::Tls { .. } => "tls_failed",
            Self::NotSsh { .. } => "ssh_not_spoken",
            Self::NoCommonAlgorithm { .. } => "ssh_no_common_algorithm",
            Self::HostKeyUnknown { .. } => "host_key_unknown",
            Self::HostKeyChanged { .. } => "host_key_changed",
            Self::NoCredentials { .. } => "ssh_no_credentials",
            Self::KeyUnreadable { .. } => "ssh_key_unreadable",
            Self::KeyEncrypted => "ssh_key_encrypted",
            Self::WrongPassphrase => "ssh_passphrase_wrong",
            Self::KeyRefused { .. } => "ssh_key_refused",
            Self::PasswordRefused { .. } => "ssh_password_refused",
            Self::PasswordNotAllowed { .. } => "ssh_password_not_allowed",
            Self::AgentUnavailable { .. } => "ssh_agent_unavailable",
            Self::AgentRefused { .. } => "ssh_agent_refused",
            Self::SecondFactor { .. } => "ssh_second_factor",
            Self::ForwardingDisabled { .. } => "ssh_forwarding_disabled",
            Self::SocketMissing { .. } => "ssh_socket_missing",
            Self::SocketRefused { .. } => "ssh_socket_refused",
            Self::SocketPermission { .. } => "ssh_socket_permission",
            Self::SocketUnusable { .. } => "ssh_socket_unusable",
            Self::DockerNotFound { .. } => "ssh_docker_not_found",
            Self::DialStdio { .. } => "ssh_dial_stdio_failed",
            Self::NoCommands { .. } => "ssh_no_commands",
            Self::SshGone { .. } => "ssh_gone",
        }
    }

    /// The field of the host's settings that is wrong, where one is: `tls.ca`, `ssh.private_key`.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadPem { part, .. } => Some(part.field()),
            Self::TlsKeyEncrypted | Self::KeyMismatch => Some("tls.key"),
            Self::KeyUnreadable { .. } => Some("ssh.private_key"),
            Self::KeyEncrypted | Self::WrongPassphrase => Some("ssh.passphrase"),
            Self::PasswordRefused { .. } | Self::PasswordNotAllowed { .. } => Some("ssh.password"),
            Self::DockerNotFound { .. } => Some("ssh.docker_path"),
            _ => None,
        }
    }

    /// Whether the same may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::SshGone { .. } | Self::SocketRefused { .. })
    }

    /// Whether asking again helps nobody before a person did something, and may harm: servers lock out whoever is refused
    /// too often.
    pub fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::HostKeyUnknown { .. }
                | Self::HostKeyChanged { .. }
                | Self::NoCredentials { .. }
                | Self::KeyRefused { .. }
                | Self::PasswordRefused { .. }
                | Self::PasswordNotAllowed { .. }
                | Self::AgentRefused { .. }
                | Self::SecondFactor { .. }
        )
    }

    /// An error that a stream of bytes can carry; [`crate::EngineError`] comes out of it again.
    pub(crate) fn into_io(self) -> std::io::Error {
        std::io::Error::other(self)
    }
}

fn since(not_after: &Option<String>) -> String {
    not_after.as_ref().map(|at| format!(" {at}")).unwrap_or_default()
}

fn name_list(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}

fn because(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    }
}

fn also(offered: &[String]) -> String {
    if offered.is_empty() {
        String::new()
    } else {
        format!(" It offers: {}.", offered.join(", "))
    }
}

fn keys(pinned: &[HostKey]) -> String {
    let all: Vec<_> = pinned.iter().map(ToString::to_string).collect();
    all.join(" or ")
}
