//! TLS to an engine: the uploaded CA alone is trusted, and the client shows its own certificate.

use super::{PemPart, TlsSettings, TransportError, settings::missing};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{Error as PemError, PemObject},
    },
};
use secrecy::ExposeSecret;
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The largest uploaded file, in bytes: a chain of certificates takes a few thousand.
const PEM_LIMIT: usize = 256 * 1024;

/// One host's side of TLS.
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// Whether a client certificate is shown: tells "required" from "refused".
    pub(super) shows_certificate: bool,
}

impl Tls {
    pub(super) fn new(host: &str, settings: &TlsSettings) -> Result<Self, TransportError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(PemPart::Ca, &settings.ca)? {
            roots
                .add(certificate)
                .map_err(|error| bad(PemPart::Ca, error.to_string()))?;
        }
        // Named, since a process may hold two providers and rustls then refuses to guess.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(PemPart::Ca, error.to_string()))?
            .with_root_certificates(roots);
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let cert = given(&settings.cert);
        let key = settings.key.as_ref().map(|key| key.expose_secret());
        let key = key.filter(|key| !key.trim().is_empty());
        let shows_certificate = cert.is_some();
        let config = match (cert, key) {
            (None, None) => builder.with_no_client_auth(),
            (None, Some(_)) => return Err(missing(PemPart::Cert)),
            (Some(_), None) => return Err(missing(PemPart::Key)),
            (Some(cert), Some(key)) => {
                let chain = certificates(PemPart::Cert, &cert)?;
                builder
                    .with_client_auth_cert(chain, private_key(key)?)
                    .map_err(client_side)?
            }
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::Tls {
            at: host.to_owned(),
            why: "certificates cannot name such a host".to_owned(),
        })?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
            shows_certificate,
        })
    }

    pub(crate) async fn handshake(&self, stream: TcpStream, at: &str) -> io::Result<TlsStream<TcpStream>> {
        let result = self.connector.connect(self.name.clone(), stream).await;
        result.map_err(|error| match why(&error, at, self.shows_certificate) {
            Some(known) => known.into_io(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => TransportError::Tls {
                at: at.to_owned(),
                why: "it ended the connection in the middle of the greeting".to_owned(),
            }
            .into_io(),
            None => error,
        })
    }
}

/// What rustls' error, if it is one, means for a person. Also for errors after the handshake: with TLS 1.3 an engine
/// refuses a client's certificate only then.
pub(crate) fn why(error: &io::Error, at: &str, shows_certificate: bool) -> Option<TransportError> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let at = at.to_owned();
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired => TransportError::CertificateExpired { at, not_after: None },
            CertificateError::ExpiredContext { not_after, .. } => TransportError::CertificateExpired {
                at,
                not_after: i64::try_from(not_after.as_secs())
                    .ok()
                    .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
                    .map(|time| format!("on {}", time.format("%Y-%m-%d"))),
            },
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TransportError::CertificateNotYetValid { at }
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TransportError::WrongCa { at }
            }
            CertificateError::NotValidForName => TransportError::NameMismatch {
                at,
                names: Vec::new(),
            },
            CertificateError::NotValidForNameContext { presented, .. } => TransportError::NameMismatch {
                at,
                names: presented.iter().map(|name| plain_name(name)).collect(),
            },
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                TransportError::Tls {
                    at,
                    why: "it shows the CA's own certificate, where one issued by the CA belongs".to_owned(),
                }
            }
            other => TransportError::Tls {
                at,
                why: other.to_string(),
            },
        },
        rustls::Error::InvalidMessage(_) => TransportError::NotTls { at },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::NoCertificate => {
                if shows_certificate && *alert != AlertDescription::CertificateRequired {
                    TransportError::ClientCertificateRefused {
                        at,
                        why: words(&format!("{alert:?}")),
                    }
                } else {
                    TransportError::ClientCertificateRequired { at }
                }
            }
            other => TransportError::Tls {
                at,
                why: format!("it said {}", words(&format!("{other:?}"))),
            },
        },
        other => TransportError::Tls {
            at,
            why: other.to_string(),
        },
    })
}

fn client_side(error: rustls::Error) -> TransportError {
    match error {
        rustls::Error::InconsistentKeys(_) => TransportError::KeyMismatch,
        rustls::Error::General(why) => bad(PemPart::Key, why),
        other => bad(PemPart::Cert, other.to_string()),
    }
}

fn certificates(part: PemPart, pem: &str) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    if pem.len() > PEM_LIMIT {
        return Err(bad(part, "it is larger than 256 KiB".to_owned()));
    }
    let all = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(part, pem_why(&error)))?;
    if all.is_empty() {
        let why = if pem.contains("PRIVATE KEY") {
            "it holds a private key and no certificate"
        } else {
            "it holds no certificate"
        };
        return Err(bad(part, why.to_owned()));
    }
    Ok(all)
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, TransportError> {
    if pem.len() > PEM_LIMIT {
        return Err(bad(PemPart::Key, "it is larger than 256 KiB".to_owned()));
    }
    if pem.contains("ENCRYPTED") {
        return Err(TransportError::TlsKeyEncrypted);
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
        let why = match error {
            PemError::NoItemsFound if pem.contains("BEGIN CERTIFICATE") => {
                "it holds a certificate and no private key".to_owned()
            }
            PemError::NoItemsFound if pem.contains("OPENSSH PRIVATE KEY") => {
                "it is a key for SSH and not for TLS".to_owned()
            }
            PemError::NoItemsFound => "it holds no private key".to_owned(),
            other => pem_why(&other),
        };
        bad(PemPart::Key, why)
    })
}

fn bad(part: PemPart, why: String) -> TransportError {
    TransportError::BadPem { part, why }
}

fn pem_why(error: &PemError) -> String {
    match error {
        PemError::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        PemError::IllegalSectionStart { .. } => "its BEGIN line is damaged".to_owned(),
        PemError::Base64Decode(_) => "what is between BEGIN and END is not base64".to_owned(),
        PemError::NoItemsFound => "it holds nothing that is looked for".to_owned(),
        _ => "it is no PEM file".to_owned(),
    }
}

/// `DnsName("nas.lan")` and `IpAddress(10.0.0.5)` without their wrapping.
fn plain_name(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

/// `BadCertificate` as `bad certificate`.
fn words(camel: &str) -> String {
    let mut text = String::new();
    for (at, c) in camel.chars().enumerate() {
        if c.is_ascii_uppercase() && at > 0 {
            text.push(' ');
        }
        text.push(c.to_ascii_lowercase());
    }
    text.replace("c a", "CA")
}
