//! An authority of a test's own, and the certificate that it gave to `localhost`.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The authority and what it certified.
pub(crate) struct Authority {
    pem: String,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::new(vec![]).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).expect("a name").signed_by(&key, &issuer);
        let certificate = certificate.expect("a certificate");
        let (pem, certificate_pem) = (issuer.pem(), certificate.pem());
        Self { pem, certificate: certificate.der().clone(), certificate_pem, key }
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// What `localhost` shows: certificate and key.
    pub(crate) fn localhost(&self) -> (String, String) {
        (self.certificate_pem.clone(), self.key.serialize_pem())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .expect("a certificate with its key");
        TlsAcceptor::from(Arc::new(config))
    }
}
