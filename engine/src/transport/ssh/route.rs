//! How an engine's socket is reached from within a session: by forwarding to it, or, where the server forbids that, by
//! the docker command's own `system dial-stdio`.

use super::{
    Target,
    channel::Stream,
    exec::{self, Said, quoted},
    session::Session,
};
use crate::transport::{Io, SshSettings, TransportError};
use russh::ChannelOpenFailure;
use std::{io, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long the docker command may take to bring the engine's first word.
const PROBE: Duration = Duration::from_secs(15);

/// Where docker is found when it is not in the PATH of a command run by SSH, which is short on many machines. Patterns
/// are the shell's.
const CANDIDATES: &[&str] = &[
    "/usr/local/bin/docker",
    "/usr/bin/docker",
    "/bin/docker",
    "/snap/bin/docker",
    // QNAP: Container Station sits on whatever volume it was installed to.
    "/share/CACHEDEV*_DATA/.qpkg/container-station/bin/docker",
    "/share/CACHEDEV*_DATA/.qpkg/container-station/usr/bin/docker",
    "/share/CE_CACHEDEV*_DATA/.qpkg/container-station/bin/docker",
    "/share/ZFS*_DATA/.qpkg/container-station/bin/docker",
    "/share/ZFS*_DATA/.qpkg/container-station/usr/bin/docker",
    "/share/MD*_DATA/.qpkg/container-station/bin/docker",
    // Synology, new and old.
    "/var/packages/ContainerManager/target/usr/bin/docker",
    "/var/packages/Docker/target/usr/bin/docker",
    // Unraid, Homebrew, OrbStack, Docker Desktop.
    "/opt/bin/docker",
    "/opt/homebrew/bin/docker",
    "/opt/local/bin/docker",
    "$HOME/.docker/bin/docker",
    "$HOME/bin/docker",
    "/Applications/Docker.app/Contents/Resources/bin/docker",
];

/// How the socket is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `direct-streamlocal@openssh.com`.
    Socket,
    /// The whole command line.
    Command { line: String },
}

impl Route {
    pub(super) async fn open(&self, session: &Session, target: &Target) -> io::Result<Box<dyn Io>> {
        match self {
            Self::Socket => match session.socket(&target.socket).await {
                Ok(channel) => Ok(Box::new(Stream::new(channel, None))),
                Err(error) => Err(match refusal(&error) {
                    Some(Refusal::Connect) => look(session, target).await.into_io(),
                    Some(Refusal::Forbidden) => forbidden(target, "it is looked for the next time."),
                    None => session.gone(&error),
                }),
            },
            Self::Command { line } => {
                let opened = session.command(line).await;
                let (channel, counted) = opened.map_err(|error| match refusal(&error) {
                    Some(_) => no_commands(target, "it opens no session").into_io(),
                    None => session.gone(&error),
                })?;
                let (target, command) = (target.clone(), line.clone());
                let judge = move |status, complaint: &str| dial_failed(&target, &command, status, complaint);
                Ok(Box::new(Stream::new(channel, Some((counted, Box::new(judge))))))
            }
        }
    }
}

/// Finds the way, and gives the first connection by it.
pub(super) async fn find(
    session: &Session,
    target: &Target,
    settings: &SshSettings,
) -> io::Result<(Route, Box<dyn Io>)> {
    let why = match session.socket(&target.socket).await {
        Ok(channel) => return Ok((Route::Socket, Box::new(Stream::new(channel, None)))),
        Err(error) => refusal(&error).ok_or_else(|| session.gone(&error))?,
    };
    // OpenSSH says "could not connect" as well where it may not: then the socket itself is all right.
    if why == Refusal::Connect {
        let error = look(session, target).await;
        if !matches!(error, TransportError::SocketRefused { .. }) {
            return Err(error.into_io());
        }
    }
    let docker = find_docker(session, target, settings).await?;
    let line = command_line(&docker, &target.socket);
    let route = Route::Command { line };
    let probe = async {
        let mut stream = route.open(session, target).await?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").await?;
        stream.read_u8().await
    };
    match tokio::time::timeout(PROBE, probe).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(error),
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    }
    tracing::debug!(host = %target.at(), ?route, "sockets are not forwarded there: docker serves instead");
    let first = route.open(session, target).await?;
    Ok((route, first))
}

/// Podman has the same command, and names the socket in its own way.
fn command_line(docker: &str, socket: &str) -> String {
    let option = if docker.ends_with("podman") { "--url" } else { "-H" };
    let url = quoted(&format!("unix://{socket}"));
    format!("{} {option} {url} system dial-stdio", quoted(docker))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The server does not forward to sockets.
    Forbidden,
    /// It tried, and could not connect.
    Connect,
}

fn refusal(error: &russh::Error) -> Option<Refusal> {
    match error {
        russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed) => Some(Refusal::Connect),
        russh::Error::ChannelOpenFailure(_) => Some(Refusal::Forbidden),
        _ => None,
    }
}

/// Looks why the server could not connect to the socket: it does not say.
async fn look(session: &Session, target: &Target) -> TransportError {
    let script = format!(
        "s={}; if [ ! -e \"$s\" ]; then if [ -d \"${{s%/*}}\" ] && [ ! -x \"${{s%/*}}\" ]; then echo permission; else \
         echo missing; fi; elif [ ! -r \"$s\" ] || [ ! -w \"$s\" ]; then echo permission; else echo refused; fi",
        quoted(&target.socket)
    );
    let said = exec::script(session, &script).await.unwrap_or_default();
    let (at, user, socket) = (target.at(), target.user.clone(), target.socket.clone());
    match said.output.as_str() {
        "missing" => TransportError::SocketMissing { at, socket },
        "permission" => TransportError::SocketPermission { at, user, socket },
        "refused" => TransportError::SocketRefused { at, socket },
        _ => TransportError::SocketUnusable { at, user, socket },
    }
}

async fn find_docker(session: &Session, target: &Target, settings: &SshSettings) -> io::Result<String> {
    let configured = settings
        .docker_path
        .as_deref()
        .map(str::trim)
        .filter(|path| !path.is_empty());
    let script = match configured {
        Some(path) => first_of(&quoted(path)),
        // Podman speaks the same, where there is no docker.
        None => first_of(&format!(
            "\"$(command -v docker)\" {} \"$(command -v podman)\"",
            CANDIDATES.join(" ")
        )),
    };
    let said = match exec::script(session, &script).await {
        Ok(said) => said,
        Err(error) if refusal(&error).is_some() => {
            return Err(forbidden(target, "it runs no commands either."));
        }
        Err(error) => return Err(session.gone(&error)),
    };
    match found(&said) {
        Found::At(path) => Ok(path),
        Found::Nowhere if configured.is_none() => Err(forbidden(
            target,
            "no docker command was found there. Give its path (docker_path).",
        )),
        Found::Nowhere => Err(TransportError::DockerNotFound {
            at: target.at(),
            tried: configured.map(str::to_owned).into_iter().collect(),
        }
        .into_io()),
        Found::NoCommands(why) => Err(no_commands(target, &why).into_io()),
    }
}

/// A script that tells the first of these that is a program.
fn first_of(candidates: &str) -> String {
    format!(
        "for c in {candidates}; do if [ -n \"$c\" ] && [ -x \"$c\" ] && [ ! -d \"$c\" ]; then printf '%s\\n' \"$c\"; exit 0; \
         fi; done; echo none"
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    At(String),
    Nowhere,
    NoCommands(String),
}

/// The script's last line counts: some machines greet everyone who runs a command.
fn found(said: &Said) -> Found {
    match said.output.lines().next_back().map(str::trim) {
        Some(path) if path.starts_with('/') && said.status.unwrap_or_default() == 0 => {
            Found::At(path.to_owned())
        }
        Some("none") => Found::Nowhere,
        _ if said.refused => Found::NoCommands("the server refuses them".to_owned()),
        other => {
            let words = if said.complaint.is_empty() {
                other.unwrap_or("no answer")
            } else {
                &said.complaint
            };
            Found::NoCommands(one_line(words))
        }
    }
}

fn forbidden(target: &Target, why: &str) -> io::Error {
    TransportError::ForwardingDisabled {
        at: target.at(),
        socket: target.socket.clone(),
        why: why.to_owned(),
    }
    .into_io()
}

fn no_commands(target: &Target, why: &str) -> TransportError {
    TransportError::NoCommands {
        at: target.at(),
        user: target.user.clone(),
        why: why.to_owned(),
    }
}

/// What it means that `docker system dial-stdio` ended without a word of the engine.
fn dial_failed(target: &Target, command: &str, status: Option<u32>, complaint: &str) -> TransportError {
    let (at, user, socket) = (target.at(), target.user.clone(), target.socket.clone());
    let lower = complaint.to_ascii_lowercase();
    if lower.contains("permission denied") && lower.contains("sock") {
        return TransportError::SocketPermission { at, user, socket };
    }
    if lower.contains("no such file or directory") && lower.contains("sock") {
        return TransportError::SocketMissing { at, socket };
    }
    if lower.contains("connection refused") || lower.contains("is the docker daemon running") {
        return TransportError::SocketRefused { at, socket };
    }
    if status == Some(127) || lower.contains("command not found") {
        let tried = vec![command.to_owned()];
        return TransportError::DockerNotFound { at, tried };
    }
    if lower.contains("dial-stdio") && (lower.contains("unknown") || lower.contains("not a docker command")) {
        let why =
            "that docker is older than 18.09 and has no `system dial-stdio`. Update it, or allow forwarding.";
        return TransportError::DialStdio {
            at,
            command: command.to_owned(),
            why: why.to_owned(),
        };
    }
    let mut why = one_line(complaint);
    if why.is_empty() {
        why = match status {
            Some(status) => format!("it ended with status {status} and said nothing"),
            None => "it ended and said nothing".to_owned(),
        };
    }
    if !why.ends_with('.') {
        why.push('.');
    }
    TransportError::DialStdio {
        at,
        command: command.to_owned(),
        why,
    }
}

fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            user: "admin".into(),
            host: "nas".into(),
            port: 22,
            socket: "/var/run/docker.sock".into(),
        }
    }

    #[test]
    fn dockers_complaints_are_understood() {
        for (status, complaint, code) in [
            (
                Some(1),
                "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
                 dial unix /var/run/docker.sock: connect: permission denied",
                "ssh_socket_permission",
            ),
            (
                Some(1),
                "error during connect: dial unix /var/run/docker.sock: connect: no such file or directory",
                "ssh_socket_missing",
            ),
            (
                Some(1),
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                "ssh_socket_refused",
            ),
            (Some(127), "sh: docker: not found", "ssh_docker_not_found"),
            (Some(1), "unknown command \"dial-stdio\"", "ssh_dial_stdio_failed"),
            (Some(1), "", "ssh_dial_stdio_failed"),
        ] {
            let error = dial_failed(&target(), "docker system dial-stdio", status, complaint);
            assert_eq!(error.code(), code, "{complaint}");
            assert!(error.to_string().ends_with(['.', ')']), "{error}");
        }
    }

    #[test]
    fn a_greeting_before_the_path_is_passed_over() {
        let said = |output: &str, complaint: &str| Said {
            status: Some(0),
            output: output.into(),
            complaint: complaint.into(),
            refused: false,
        };
        assert_eq!(
            found(&said("Welcome!\n/usr/local/bin/docker", "")),
            Found::At("/usr/local/bin/docker".into())
        );
        assert_eq!(found(&said("none", "")), Found::Nowhere);
        assert_eq!(
            found(&said("", "This account is currently not available.")),
            Found::NoCommands("This account is currently not available.".into())
        );
    }

    /// What the script says on a machine whose only docker is at this path.
    fn looked_for(path: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().expect("a directory");
        let file = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        std::fs::write(&file, "").expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let root = root.path().display().to_string();
        let here: Vec<_> = CANDIDATES.iter().map(|one| format!("{root}{one}")).collect();
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &first_of(&here.join(" "))])
            .output();
        let output = output.expect("a shell");
        String::from_utf8_lossy(&output.stdout).trim().replace(&root, "")
    }

    #[test]
    fn docker_is_found_on_a_nas() {
        for path in [
            "/usr/local/bin/docker",
            "/share/CACHEDEV1_DATA/.qpkg/container-station/bin/docker",
            "/share/CACHEDEV12_DATA/.qpkg/container-station/usr/bin/docker",
            "/share/ZFS530_DATA/.qpkg/container-station/bin/docker",
            "/var/packages/ContainerManager/target/usr/bin/docker",
            "/var/packages/Docker/target/usr/bin/docker",
        ] {
            assert_eq!(looked_for(path), path);
        }
        assert_eq!(looked_for("/opt/other/docker"), "none");
    }

    #[test]
    fn podman_names_its_socket_in_its_own_way() {
        assert_eq!(
            command_line("/usr/bin/podman", "/run/podman/podman.sock"),
            "'/usr/bin/podman' --url 'unix:///run/podman/podman.sock' system dial-stdio"
        );
        assert!(command_line("/usr/bin/docker", "/s").starts_with("'/usr/bin/docker' -H "));
    }
}
