//! Accepts connections, with limits that `axum::serve` does not have: on the time and number of headers, and on
//! connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::consent::Peer;
use super::router;
use crate::graphql::{Gateway, Limits};
use crate::intake::Intake;

/// How long open requests may take to end once the server is stopping.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why the server stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listening socket failed.
    #[error("could not accept connections on {address}")]
    Accept {
        /// Where it listened.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// Serves until told to stop; then finishes what runs. `origins` are those whose pages may call the API.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    intake: Intake,
    origins: &[String],
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let limits = Arc::clone(&gateway.api().limits);
    let metrics = gateway.api().metrics.clone();
    let service = TowerToHyperService::new(router(gateway, intake, origins, shutdown.clone()));
    let room = Arc::new(Semaphore::new(limits.connections));
    let running = TaskTracker::new();
    let cut_off = CancellationToken::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) if is_of_exhaustion(&error) => {
                // The system ran out of files or memory: connections that end give some back.
                tracing::warn!(error = %error, "cannot accept connections for the moment");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            Err(source) => return Err(ServeError::Accept { address, source }),
        };
        let open = metrics.connection();
        let connection = converse(
            stream,
            WithPeer(service.clone(), Peer(peer)),
            Arc::clone(&limits),
            shutdown.clone(),
            cut_off.clone(),
        );
        running.spawn(async move {
            connection.await;
            drop((open, place));
        });
    }
    drop(listener);
    running.close();
    if tokio::time::timeout(FAREWELL, running.wait()).await.is_err() {
        cut_off.cancel();
        running.wait().await;
    }
    Ok(())
}

/// Tells every request of a connection who is at its other end.
#[derive(Clone)]
struct WithPeer<S>(S, Peer);

impl<S, B> Service<Request<B>> for WithPeer<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.1);
        self.0.call(request)
    }
}

async fn converse<S>(
    stream: TcpStream,
    service: S,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
    cut_off: CancellationToken,
) where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = axum::body::Body> + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
{
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8192))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection ended early");
                }
                return;
            }
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = cut_off.cancelled() => return,
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn is_of_exhaustion(error: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS, ENOMEM.
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}
