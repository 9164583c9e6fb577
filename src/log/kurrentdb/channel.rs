//! Calls that the client does not offer, over a connection of our own to the node that the client chose: with `TCP_NODELAY`, which
//! the client's connections lack, so that a small append does not wait 40 ms for an acknowledgement.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eventstore::{ClientSettings, Endpoint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codec::{ProstCodec, Streaming};
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::wire;

/// How long a connection may take to come.
const CONNECT: Duration = Duration::from_secs(5);

/// The largest message that is read: an event of 256 KB is a third larger with its metadata.
const MESSAGE_BYTES: usize = 17 * 1024 * 1024;

const APPEND_RECORDS: &str = "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords";
const APPEND_SESSION: &str = "/kurrentdb.protocol.v2.streams.StreamsService/AppendSession";
const READ: &str = "/event_store.client.streams.Streams/Read";

/// Why no connection can be made: a certificate or an address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    /// The system's certificates, or the files that the address names.
    #[error("a certificate of the connection cannot be used")]
    Tls(#[from] rustls::Error),
    /// A file that the address names.
    #[error("a file of certificates or keys cannot be read")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// A node told an address that is none.
    #[error("the address of a node cannot be used")]
    Uri(#[from] tonic::codegen::http::uri::InvalidUri),
}

/// Why the nodes that an address names cannot be spoken to: the client itself only says that it found none. [`None`] if they can,
/// or if only the server knows.
pub(super) async fn what_is_wrong(settings: &ClientSettings) -> Option<(String, io::Error)> {
    for node in settings.hosts() {
        if let Err(error) = shake_hands(settings, node).await {
            return Some((format!("{}:{}", node.host, node.port), error));
        }
    }
    None
}

async fn shake_hands(settings: &ClientSettings, node: &Endpoint) -> io::Result<()> {
    let open = async {
        let port = u16::try_from(node.port).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let opened = TcpStream::connect((node.host.as_str(), port)).await?;
        if settings.is_secure_mode_enabled() {
            let invalid = |error| io::Error::new(ErrorKind::InvalidInput, error);
            let name = ServerName::try_from(node.host.clone()).map_err(|error| invalid(error.to_string()))?;
            let tls = tls(settings).map_err(|error| invalid(error.to_string()))?;
            TlsConnector::from(Arc::new(tls)).connect(name, opened).await?;
        }
        Ok(())
    };
    tokio::time::timeout(CONNECT, open).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
}

/// A connection to one node; cheap to clone.
#[derive(Clone)]
pub(super) struct Channel {
    grpc: Grpc<Client<HttpsConnector<HttpConnector>, tonic::body::Body>>,
    authorization: Option<MetadataValue<tonic::metadata::Ascii>>,
    deadline: Duration,
}

impl Channel {
    /// Opens nothing yet.
    pub(super) fn new(settings: &ClientSettings, node: &Endpoint, deadline: Duration) -> Result<Self, ChannelError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(settings)?)
            .https_or_http()
            .enable_http2()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(true)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build(connector);
        let scheme = if settings.is_secure_mode_enabled() { "https" } else { "http" };
        let uri: Uri = format!("{scheme}://{}:{}", node.host, node.port).parse()?;
        let grpc = Grpc::with_origin(client, uri).max_decoding_message_size(MESSAGE_BYTES);
        Ok(Self { grpc, authorization: authorization(settings), deadline })
    }

    /// Appends records to several streams, all or none; also checks streams that nothing is appended to.
    pub(super) async fn append_records(&mut self, records: wire::AppendRecords) -> Result<(), Status> {
        let request = self.request(records, Some(self.deadline));
        self.ready().await?;
        let (codec, path) = (ProstCodec::default(), PathAndQuery::from_static(APPEND_RECORDS));
        let appended = timely(self.deadline, self.grpc.unary(request, path, codec)).await;
        appended.map(|_: Response<wire::Appended>| ())
    }

    /// Appends records to several streams, all or none.
    pub(super) async fn append_session(&mut self, streams: Vec<wire::StreamRecords>) -> Result<(), Status> {
        let request = self.request(futures::stream::iter(streams), Some(self.deadline));
        self.ready().await?;
        let (codec, path) = (ProstCodec::default(), PathAndQuery::from_static(APPEND_SESSION));
        let appended = timely(self.deadline, self.grpc.client_streaming(request, path, codec)).await;
        appended.map(|_: Response<wire::Appended>| ())
    }

    /// Tells of events as they are appended, and of how far it is where there are none.
    pub(super) async fn subscribe(&mut self, subscribe: wire::Subscribe) -> Result<Streaming<wire::Told>, Status> {
        let request = self.request(subscribe, None);
        self.ready().await?;
        let (codec, path) = (ProstCodec::default(), PathAndQuery::from_static(READ));
        let opened = timely(self.deadline, self.grpc.server_streaming(request, path, codec)).await;
        opened.map(Response::into_inner)
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))
    }

    fn request<M>(&self, message: M, deadline: Option<Duration>) -> Request<M> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request.metadata_mut().insert("requires-leader", MetadataValue::from_static("true"));
        if let Some(deadline) = deadline {
            request.set_timeout(deadline);
        }
        request
    }
}

/// The deadline that a request carries is for the server: one that is stuck keeps none.
async fn timely<T>(deadline: Duration, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let ended = tokio::time::timeout(deadline, call).await;
    ended.unwrap_or_else(|_| Err(Status::deadline_exceeded("the server did not respond in time")))
}

/// The size of a message on the wire.
pub(super) fn size(message: &impl Message) -> usize {
    message.encoded_len()
}

fn authorization(settings: &ClientSettings) -> Option<MetadataValue<tonic::metadata::Ascii>> {
    let user = settings.default_authenticated_user().as_ref()?;
    // The client keeps the parts to itself, but writes them as JSON.
    let fields = serde_json::to_value(user).ok()?;
    let part = |name: &str| serde_json::from_value::<Vec<u8>>(fields.get(name)?.clone()).ok();
    let plain = [part("login")?, part("password")?].join(&b':');
    format!("Basic {}", STANDARD.encode(plain)).parse().ok()
}

/// Trusts what the address says: the system's certificates, a file, or whatever comes.
pub(super) fn tls(settings: &ClientSettings) -> Result<rustls::ClientConfig, ChannelError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verified = match settings.tls_ca_file() {
        // Nobody shows a certificate.
        _ if !settings.is_secure_mode_enabled() => builder.with_root_certificates(rustls::RootCertStore::empty()),
        _ if !settings.is_tls_certificate_verification_enabled() => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(unverified::Unverified(Arc::clone(&provider)))),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier()?,
    };
    match settings.user_certificate() {
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
            Ok(verified.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?)
        }
        None => Ok(verified.with_no_client_auth()),
    }
}

/// What `tlsVerifyCert=false` asks for.
mod unverified {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Takes every certificate, whose key the server must have all the same.
    #[derive(Debug)]
    pub(super) struct Unverified(pub Arc<CryptoProvider>);

    impl ServerCertVerifier for Unverified {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
