//! A connection to a mail server: found by name, timed, in TLS or not yet, and aware of how far it has come.
//!
//! What a lost connection means depends on whether all that was to be said had been handed to the network: [`Progress`]
//! keeps track of that beneath TLS, where lettre cannot see it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use bytes::{Buf, Bytes};
use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::providers::kind::Reach;
use crate::providers::kit::public::is_public;

/// How a connection is kept from being read on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314): ports 465 and 993.
    Tls,
    /// STARTTLS (RFC 3207, RFC 2595); a server that does not offer it is not used.
    StartTls,
    /// STARTTLS where it is offered. A password is not sent without it.
    Opportunistic,
    /// None: for a server on the same machine or in a network of one's own.
    None,
}

impl Security {
    /// Reads the word of a setting.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "tls" => Self::Tls,
            "starttls" => Self::StartTls,
            "opportunistic" => Self::Opportunistic,
            "none" => Self::None,
            _ => return None,
        })
    }
}

/// A mail server, and how it is to be reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name, which its certificate has to show, or its address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS or not.
    pub security: Security,
    /// Which networks the host may stand in.
    pub reach: Reach,
    /// The longest time for a connection, its TLS included.
    pub connect_timeout: Duration,
}

/// Why no connection came about. Nothing was said on it: whatever was to be sent is not.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("the host's name was not found")]
    Unknown(#[source] io::Error),
    #[error("the host is in a network that accounts may not name")]
    NotPublic,
    #[error("the host did not take the connection")]
    Refused(#[source] io::Error),
    #[error("the connection took too long")]
    Late,
    #[error("no TLS connection came about")]
    Tls(#[source] io::Error),
}

/// How far a connection has come. Shared with the connection itself.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Something that was to be written was not taken by the network yet, or never will be.
    is_unwritten: AtomicBool,
    /// Something came back since the last write.
    has_heard: AtomicBool,
}

impl Progress {
    /// Whether the server certainly did not get all that was said.
    pub(super) fn is_unwritten(&self) -> bool {
        self.is_unwritten.load(Ordering::Relaxed)
    }

    /// Whether the server began to respond.
    pub(super) fn has_heard(&self) -> bool {
        self.has_heard.load(Ordering::Relaxed)
    }
}

/// The certificates in a text (PEM), if it holds any and nothing else of that kind.
pub(super) fn authorities(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    read.ok().filter(|roots| !roots.is_empty())
}

/// The trust in certificates: the system's, and one's own authority where a setting names it (PEM).
pub(super) fn trust(authority: Option<&str>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match authority {
        None => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(pem) => {
            let roots = authorities(pem).ok_or_else(|| rustls::Error::General("no certificate in PEM".to_owned()))?;
            let verifier = Verifier::new_with_extra_roots(roots, provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

/// A connection in clear text.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    progress: Arc<Progress>,
}

/// Connects to the first of a host's addresses that takes the connection.
pub(super) async fn dial(server: &Server) -> Result<(Tcp, Arc<Progress>), DialError> {
    timeout(server.connect_timeout, connect(server)).await.unwrap_or(Err(DialError::Late))
}

async fn connect(server: &Server) -> Result<(Tcp, Arc<Progress>), DialError> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await.map_err(DialError::Unknown)?;
    let addresses: Vec<SocketAddr> = found.collect();
    // What was looked at is what is connected to, so that a name cannot change its mind in between.
    if server.reach == Reach::Public && addresses.iter().any(|address| !is_public(address.ip())) {
        return Err(DialError::NotPublic);
    }
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _harmless = stream.set_nodelay(true);
                let progress = Arc::<Progress>::default();
                return Ok((Tcp { stream, progress: Arc::clone(&progress) }, progress));
            }
            Err(error) => last = error,
        }
    }
    Err(DialError::Refused(last))
}

/// Puts TLS on a connection, proving that the server is the one of that name.
pub(super) async fn secure(tcp: Tcp, server: &Server, trust: &Arc<ClientConfig>) -> Result<Wire, DialError> {
    let invalid = |_| DialError::Tls(io::Error::from(io::ErrorKind::InvalidInput));
    let name = ServerName::try_from(server.host.clone()).map_err(invalid)?;
    let handshake = TlsConnector::from(Arc::clone(trust)).connect(name, tcp);
    let stream = timeout(server.connect_timeout, handshake).await.map_err(|_| DialError::Late)?;
    Ok(Wire::of(Layer::Tls(Box::new(stream.map_err(DialError::Tls)?))))
}

enum Layer {
    Plain(Loan),
    Tls(Box<TlsStream<Tcp>>),
}

/// A plain connection, which goes back to where it was lent from.
struct Loan {
    tcp: Option<Tcp>,
    to: Option<Lent>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(lent) = &self.to {
            *lent.0.lock().unwrap_or_else(PoisonError::into_inner) = self.tcp.take();
        }
    }
}

/// Where a plain connection goes back to when its user lets it go: so STARTTLS gets it, and nothing that was read ahead.
#[derive(Debug, Clone, Default)]
pub(super) struct Lent(Arc<Mutex<Option<Tcp>>>);

impl Lent {
    pub(super) fn take_back(&self) -> Option<Tcp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A connection as a client of a protocol uses it.
pub(super) struct Wire {
    layer: Layer,
    /// Read before anything else.
    first: Bytes,
    /// Other letters than ASCII's are read as `?`: servers write their words in any charset, and lettre reads UTF-8 only.
    is_ascii: bool,
    /// How many more bytes are read.
    left: usize,
    /// How many may be read again once something was written.
    per_reply: Option<usize>,
}

impl Wire {
    fn of(layer: Layer) -> Self {
        Self { layer, first: Bytes::new(), is_ascii: false, left: usize::MAX, per_reply: None }
    }

    /// A connection in clear text; what it is lent from gets it back.
    pub(super) fn plain(tcp: Tcp, lent: Option<Lent>) -> Self {
        Self::of(Layer::Plain(Loan { tcp: Some(tcp), to: lent }))
    }

    /// The same, which reads a text first that the server did not write.
    pub(super) fn beginning_with(self, first: &'static str) -> Self {
        Self { first: Bytes::from_static(first.as_bytes()), ..self }
    }

    /// The same, with everything that is read in ASCII.
    pub(super) fn in_ascii(self) -> Self {
        Self { is_ascii: true, ..self }
    }

    /// Lets so many more bytes be read; then it fails.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// The same, which lets so many bytes be read of the greeting, and of each reply to what is written.
    pub(super) fn with_replies_of(self, bytes: usize) -> Self {
        Self { left: bytes, per_reply: Some(bytes), ..self }
    }

    fn tcp(&self) -> Option<&Tcp> {
        match &self.layer {
            Layer::Plain(loan) => loan.tcp.as_ref(),
            Layer::Tls(stream) => Some(stream.get_ref().0),
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("is_secure", &matches!(self.layer, Layer::Tls(_))).finish_non_exhaustive()
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().ok_or(io::ErrorKind::NotConnected)?.stream.peer_addr()
    }
}

impl AsyncRead for Tcp {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Tcp {
    fn note<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.progress.is_unwritten.store(!matches!(written, Poll::Ready(Ok(_))), Ordering::Relaxed);
        written
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.first.is_empty() {
            let count = this.first.len().min(buf.remaining());
            buf.put_slice(&this.first[..count]);
            this.first.advance(count);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match &mut this.layer {
            Layer::Plain(Loan { tcp: Some(tcp), .. }) => ready!(Pin::new(tcp).poll_read(cx, buf))?,
            Layer::Tls(stream) => ready!(Pin::new(stream).poll_read(cx, buf))?,
            Layer::Plain(Loan { tcp: None, .. }) => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
        let read = &mut buf.filled_mut()[before..];
        let Some(left) = this.left.checked_sub(read.len()) else {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the server says too much")));
        };
        this.left = left;
        if this.is_ascii {
            read.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
        }
        if !read.is_empty()
            && let Some(tcp) = this.tcp()
        {
            tcp.progress.has_heard.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(tcp) = self.tcp() {
            tcp.progress.has_heard.store(false, Ordering::Relaxed);
        }
        if let Some(bytes) = self.per_reply {
            self.left = bytes;
        }
        match &mut self.layer {
            Layer::Plain(Loan { tcp: Some(tcp), .. }) => Pin::new(tcp).poll_write(cx, buf),
            Layer::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Layer::Plain(Loan { tcp: None, .. }) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(Loan { tcp: Some(tcp), .. }) => Pin::new(tcp).poll_flush(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Layer::Plain(Loan { tcp: None, .. }) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(Loan { tcp: Some(tcp), .. }) => Pin::new(tcp).poll_shutdown(cx),
            Layer::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Plain(Loan { tcp: None, .. }) => Poll::Ready(Ok(())),
        }
    }
}
