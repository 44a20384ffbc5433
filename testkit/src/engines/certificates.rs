//! Certificates for tests, made by openssl: an authority, and what it issues.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

const SETTINGS: &str = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\n\
                        policy=p\nunique_subject=no\nemail_in_dn=no\ncertificate=ca.pem\nprivate_key=ca.key\n[p]\n\
                        commonName=supplied\n";

/// An authority of one's own. Its files are `NAME.pem` and `NAME.key` in its directory.
pub struct Certificates {
    dir: TempDir,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Now,
    /// It ended in January 2021.
    Expired,
    /// It begins in 2090.
    Later,
}

impl Certificates {
    /// An authority that issued `server` for 127.0.0.1 and localhost, and `client`.
    pub fn make() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("chrca")
            .tempdir_in("/tmp")
            .expect("a temporary directory");
        std::fs::write(dir.path().join("ca.cnf"), SETTINGS).expect("the authority's settings");
        std::fs::write(dir.path().join("index.txt"), "").expect("the authority's index");
        std::fs::write(dir.path().join("serial"), "1000\n").expect("the authority's counter");
        let made = Self { dir };
        made.key_for("ca");
        made.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "ca.key",
            "-subj",
            "/CN=test authority",
            "-days",
            "30",
            "-out",
            "ca.pem",
        ]);
        made.issue("server", "IP:127.0.0.1,DNS:localhost", Validity::Now);
        made.issue("client", "", Validity::Now);
        made
    }

    /// Issues NAME, for a server with these alternative names (`DNS:nas`), for a client without.
    pub fn issue(&self, name: &str, names: &str, validity: Validity) {
        self.key_for(name);
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-new", "-key", &key, "-subj", &subject, "-out", &request]);
        let extensions = if names.is_empty() {
            "extendedKeyUsage=clientAuth\n".to_owned()
        } else {
            format!("extendedKeyUsage=serverAuth\nsubjectAltName={names}\n")
        };
        std::fs::write(self.dir.path().join("ext"), extensions).expect("the certificate's extensions");
        let dates: &[&str] = match validity {
            Validity::Now => &["-days", "30"],
            Validity::Expired => &["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
            Validity::Later => &["-startdate", "20900101000000Z", "-enddate", "20910101000000Z"],
        };
        let pem = format!("{name}.pem");
        let words = [
            &[
                "ca", "-batch", "-notext", "-config", "ca.cnf", "-extfile", "ext", "-in", &request, "-out",
                &pem,
            ],
            dates,
        ]
        .concat();
        self.openssl(&words);
    }

    /// The certificate, in PEM.
    pub fn pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.pem"))).expect("an issued certificate")
    }

    /// Its key, in PEM.
    pub fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.key"))).expect("an issued certificate's key")
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn key_for(&self, name: &str) {
        let out = format!("{name}.key");
        self.openssl(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            &out,
        ]);
    }

    fn openssl(&self, words: &[&str]) {
        run(self.dir.path(), words);
    }
}

fn run(dir: &Path, words: &[&str]) {
    let output = Command::new("openssl")
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("openssl starts: apt-get install openssl");
    assert!(
        output.status.success(),
        "openssl {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
