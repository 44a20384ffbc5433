//! TLS of the listener itself: a certificate and its key from files, read again when they change.

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at: whoever renews a certificate need not restart anything.
const LOOK: Duration = Duration::from_secs(5);

/// `CHRONTAINER_TLS_CERT_FILE` and `CHRONTAINER_TLS_KEY_FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate first, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("The file {path} of {setting} cannot be read: {source}. Check it and its permissions.")]
    File {
        setting: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "The file {path} of CHRONTAINER_TLS_CERT_FILE holds no certificate. It must be PEM: -----BEGIN CERTIFICATE-----, the \
         server's own certificate first."
    )]
    NoCertificate { path: PathBuf },
    #[error(
        "The file {path} of CHRONTAINER_TLS_KEY_FILE holds no key that can be read. It must be PEM and not encrypted: \
         -----BEGIN PRIVATE KEY-----."
    )]
    NoKey { path: PathBuf },
    #[error("The certificate {certificate} and the key {key} cannot be used together: {source}.")]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
    #[error("TLS cannot be set up: {0}.")]
    Setup(rustls::Error),
}

/// The certificate in use.
pub struct Tls {
    acceptor: TlsAcceptor,
    files: TlsFiles,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(parking_lot::RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read, or are no certificate and the key of it.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Arc::new(Current(parking_lot::RwLock::new(Arc::new(read(&files)?))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            files,
            current,
        })
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Takes what the files hold whenever that is another certificate. One that cannot be used (a renewal that has
    /// written only half of it) leaves the old one in place; it is said once.
    pub async fn follow(self, stop: CancellationToken) {
        let mut said = String::new();
        while tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
            match read(&self.files) {
                Ok(new) => {
                    said.clear();
                    let changed = self.current.0.read().cert != new.cert;
                    if changed {
                        *self.current.0.write() = Arc::new(new);
                        tracing::info!(file = %self.files.certificate.display(), "took the new certificate");
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    if said != error {
                        tracing::warn!("{error} The certificate from before stays in use.");
                        said = error;
                    }
                }
            }
        }
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let text = |setting, path: &Path| {
        std::fs::read(path).map_err(|source| TlsError::File {
            setting,
            path: path.to_owned(),
            source,
        })
    };
    let certificate = text("CHRONTAINER_TLS_CERT_FILE", &files.certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if chain.is_empty() {
        return Err(TlsError::NoCertificate {
            path: files.certificate.clone(),
        });
    }
    let key = text("CHRONTAINER_TLS_KEY_FILE", &files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey {
        path: files.key.clone(),
    })?;
    // Also refuses a key that is another certificate's.
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|source| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    })
}
