//! OpenSSH's server as a test's own process: a port on loopback, its own keys, and users that exist for it alone.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The password of both users.
pub const PASSWORD: &str = "correct horse";
/// A user with all rights, as the users of a NAS have them.
pub const ADMIN: &str = "admin";
/// A user that may not open the engine's socket.
pub const GUEST: &str = "guest";

/// Mounts files of our own over the machine's list of users, where only sshd sees them, and becomes sshd.
const ENTER: &str = r#"mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow &&
mount --bind "$1/group" /etc/group && mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f "$1/sshd_config""#;

/// What a server allows.
#[derive(Clone, Debug)]
pub struct SshdOptions {
    /// Forwarding to sockets.
    pub forwarding: bool,
    pub passwords: bool,
    pub keys: bool,
    /// Further lines of sshd_config.
    pub more: String,
    /// The users' shell.
    pub shell: String,
}

impl Default for SshdOptions {
    fn default() -> Self {
        Self {
            forwarding: true,
            passwords: true,
            keys: true,
            more: String::new(),
            shell: "/bin/sh".to_owned(),
        }
    }
}

/// A running sshd; ends with its handle.
pub struct Sshd {
    dir: TempDir,
    port: u16,
    options: SshdOptions,
    child: Option<Child>,
}

impl Sshd {
    /// # Panics
    /// When this user may not (it takes root), or openssh-server is missing.
    pub async fn start(options: SshdOptions) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "an sshd with users of its own takes root: run the tests as root"
        );
        let dir = tempfile::Builder::new()
            .prefix("chrssh")
            .tempdir_in("/tmp")
            .expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("one's own directory");
        // Free now; sshd takes it in a moment.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let mut sshd = Self {
            dir,
            port,
            options,
            child: None,
        };
        sshd.keygen("host", "ed25519", "");
        sshd.keygen("client", "ed25519", "");
        sshd.users();
        sshd.run().await;
        sshd
    }

    /// `ssh://admin@127.0.0.1:12345/SOCKET`.
    pub fn docker_host(&self, user: &str, socket: &Path) -> String {
        format!("ssh://{user}@127.0.0.1:{}{}", self.port, socket.display())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that both users' `authorized_keys` hold.
    pub fn client_key(&self) -> String {
        fs::read_to_string(self.path("client")).expect("the client's key")
    }

    /// Where that key is.
    pub fn client_key_file(&self) -> PathBuf {
        self.path("client")
    }

    /// A key of this type (`rsa`, `ecdsa`), authorized too, under a passphrase where one is given.
    pub fn another_key(&self, kind: &str, passphrase: &str) -> String {
        let name = format!("client-{kind}");
        self.keygen(&name, kind, passphrase);
        let public = fs::read_to_string(self.path(&format!("{name}.pub"))).expect("a public key");
        let mut all = fs::read_to_string(self.path("authorized_keys")).expect("the authorized keys");
        all.push_str(&public);
        fs::write(self.path("authorized_keys"), all).expect("the authorized keys");
        fs::read_to_string(self.path(&name)).expect("a private key")
    }

    /// A key that nobody authorized.
    pub fn stranger_key(&self) -> String {
        self.keygen("stranger", "ed25519", "");
        fs::read_to_string(self.path("stranger")).expect("a private key")
    }

    /// `SHA256:…` of the host's key, as ssh-keygen tells it.
    pub fn fingerprint(&self) -> String {
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.path("host.pub"))
            .output();
        let output = output.expect("ssh-keygen starts: apt-get install openssh-client");
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        line.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// A line for `known_hosts`, hashed or not.
    pub fn known_host(&self, hashed: bool) -> String {
        let public = fs::read_to_string(self.path("host.pub")).expect("the host's key");
        let file = self.path("known_hosts");
        fs::write(&file, format!("[127.0.0.1]:{} {public}", self.port)).expect("known hosts");
        if hashed {
            let status = Command::new("ssh-keygen")
                .arg("-Hf")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(status.is_ok_and(|status| status.success()), "ssh-keygen -H");
        }
        fs::read_to_string(file).expect("known hosts")
    }

    /// Starts it anew with another host key on the same port.
    pub async fn change_host_key(&mut self) {
        self.stop();
        for file in ["host", "host.pub"] {
            fs::remove_file(self.path(file)).expect("the old key");
        }
        self.keygen("host", "ed25519", "");
        self.run().await;
    }

    /// Ends it with all its sessions, and starts it again.
    pub async fn restart(&mut self) {
        self.stop();
        self.run().await;
    }

    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // Its sessions are processes of their own, in its group.
        let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid is an i32"));
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        for session in self.sessions() {
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(session),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
        let _ = child.wait();
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many connections were signed in since its start.
    pub fn sign_ins(&self) -> usize {
        let log = self.log();
        log.matches("Accepted publickey for").count() + log.matches("Accepted password for").count()
    }

    /// Processes of its sessions: sshd gives each a session of its own. They write to our log, which tells them from others.
    fn sessions(&self) -> Vec<i32> {
        let log = self.path("log");
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid: &i32| {
                let sshd = fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("sshd"));
                sshd && fs::read_link(format!("/proc/{pid}/fd/2")).is_ok_and(|file| file == log)
            })
            .collect()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn keygen(&self, name: &str, kind: &str, passphrase: &str) {
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"])
            .arg(self.path(name))
            .stdin(Stdio::null())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "ssh-keygen: apt-get install openssh-client"
        );
    }

    fn users(&self) {
        let hash = Command::new("openssl")
            .args(["passwd", "-6", PASSWORD])
            .output()
            .expect("openssl starts");
        let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
        let add = |file: &str, lines: &str| {
            let old = fs::read_to_string(Path::new("/etc").join(file)).unwrap_or_default();
            // A real user of that name must not come first.
            let ours = [format!("{ADMIN}:"), format!("{GUEST}:")];
            let kept = old
                .lines()
                .filter(|line| !ours.iter().any(|name| line.starts_with(name)));
            let kept: String = kept.map(|line| format!("{line}\n")).collect();
            fs::write(self.path(file), format!("{kept}{lines}")).expect("a list of users");
        };
        let shell = &self.options.shell;
        add(
            "passwd",
            &format!("{ADMIN}:x:0:0::/:{shell}\n{GUEST}:x:54321:54321::/:{shell}\n"),
        );
        add(
            "shadow",
            &format!("{ADMIN}:{hash}:19000::::::\n{GUEST}:{hash}:19000::::::\n"),
        );
        add("group", &format!("{GUEST}:x:54321:\n"));
        fs::set_permissions(self.path("shadow"), fs::Permissions::from_mode(0o600)).expect("one's own file");
        fs::copy(self.path("client.pub"), self.path("authorized_keys")).expect("the authorized keys");
    }

    fn settings(&self) -> String {
        let word = |on: bool| if on { "yes" } else { "no" };
        let dir = self.dir.path().display();
        format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {dir}/host\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             AuthorizedKeysFile {dir}/authorized_keys\nPubkeyAuthentication {}\nPasswordAuthentication {}\n\
             KbdInteractiveAuthentication no\nAllowStreamLocalForwarding {}\nAllowTcpForwarding {}\nLogLevel VERBOSE\n\
             PrintMotd no\nMaxStartups 100\n{}\n",
            self.port,
            word(self.options.keys),
            word(self.options.passwords),
            word(self.options.forwarding),
            word(self.options.forwarding),
            self.options.more,
        )
    }

    async fn run(&mut self) {
        fs::write(self.path("sshd_config"), self.settings()).expect("sshd's settings");
        let log = fs::File::create(self.path("log")).expect("sshd's log");
        // Ended with this process, however it ends.
        let child = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "--",
                "sh",
                "-c",
                ENTER,
                "sshd",
            ])
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("setpriv starts: apt-get install util-linux");
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port))
            .await
            .is_err()
        {
            assert!(
                Instant::now() < end,
                "sshd does not answer (apt-get install openssh-server): {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}
