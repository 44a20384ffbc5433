//! TLS in front of an engine's unix socket.

use super::certificates::Certificates;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{
    net::{TcpListener, UnixStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A port on loopback that speaks TLS and hands on to a unix socket; ends with its handle.
pub struct TlsFront {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Shows the certificate `server` of this authority. Clients must show one of `clients`' making, where given.
    pub async fn start(
        target: PathBuf,
        authority: &Certificates,
        server: &str,
        clients: Option<&Certificates>,
    ) -> Self {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("TLS as it is");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(certificate(&clients.pem("ca"))).expect("an authority");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .expect("an authority");
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_slice(authority.key(server).as_bytes()).expect("a key");
        let config = builder
            .with_single_cert(vec![certificate(&authority.pem(server))], key)
            .expect("a certificate with its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                open.spawn(async move {
                    // Clients that are refused are what some tests are about.
                    let Ok(mut client) = acceptor.accept(stream).await else {
                        return;
                    };
                    if let Ok(mut engine) = UnixStream::connect(target).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self { address, task }
    }

    /// `tcp://127.0.0.1:12345`.
    pub fn docker_host(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}
