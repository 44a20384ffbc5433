//! TLS to the database, with libpq's degrees of checking, on ring.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::{ConnectSpecError, TlsMode};

pub(super) fn client_config(
    mode: TlsMode,
    root_cert: Option<&Path>,
) -> Result<Option<ClientConfig>, ConnectSpecError> {
    // The provider is named here and not taken from the process, so that no order of initialisation matters.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectSpecError::Tls(error.to_string()))?;
    let config = match mode {
        TlsMode::Disable => return Ok(None),
        TlsMode::Prefer | TlsMode::Require | TlsMode::VerifyCa => {
            let authorities = match mode {
                TlsMode::VerifyCa => Some(authorities(&provider, root_cert)?),
                _ => None,
            };
            let verifier = AnyName {
                provider,
                authorities,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
        TlsMode::VerifyFull => builder
            .with_root_certificates(roots(root_cert)?)
            .with_no_client_auth(),
    };
    Ok(Some(config))
}

/// TLS with whoever is at the other end: for asking oneself.
///
/// # Errors
/// When this machine can set up none.
pub fn tls_with_anyone() -> Result<ClientConfig, ConnectSpecError> {
    client_config(TlsMode::Require, None)?
        .ok_or_else(|| ConnectSpecError::Tls("it is switched off".to_owned()))
}

fn authorities(
    provider: &Arc<CryptoProvider>,
    root_cert: Option<&Path>,
) -> Result<Arc<WebPkiServerVerifier>, ConnectSpecError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots(root_cert)?), Arc::clone(provider))
        .build()
        .map_err(|error| ConnectSpecError::Tls(error.to_string()))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, ConnectSpecError> {
    let mut store = RootCertStore::empty();
    let Some(path) = file else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if store.is_empty() {
            Err(ConnectSpecError::NoSystemRoots)
        } else {
            Ok(store)
        };
    };
    let refused = |reason: String| ConnectSpecError::RootCert {
        path: path.to_owned(),
        reason,
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))? {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        store
            .add(certificate)
            .map_err(|error| refused(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(refused("it holds no certificate".to_owned()));
    }
    Ok(store)
}

/// Checks less of the server's certificate than its name: `prefer` and `require` take anyone, and `verify-ca` whoever a
/// trusted authority has signed, whatever name the certificate carries. That the server has its key is always checked.
#[derive(Debug)]
struct AnyName {
    provider: Arc<CryptoProvider>,
    /// Nothing for `prefer` and `require`.
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // webpki checks the name last, after the chain, so only the name is forgiven here.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
