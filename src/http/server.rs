//! Accepts connections, with limits that `axum::serve` does not have: on the time and number of headers, and on
//! connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::session::Sessions;
use super::visitor::Peer;
use super::{monitoring_router, router};
use crate::graphql::engine::metrics::Open;
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
    sessions: Sessions,
    intake: Intake,
    origins: &[String],
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let gateway = sessions.gateway().clone();
    let routes = router(sessions, intake, origins, shutdown.clone());
    serve_routes(listener, &gateway, routes, shutdown).await
}

/// Serves health, readiness and metrics of a node without the API, until told to stop.
pub async fn serve_monitoring(
    listener: TcpListener,
    gateway: Gateway,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let routes = monitoring_router(gateway.clone());
    serve_routes(listener, &gateway, routes, shutdown).await
}

async fn serve_routes(
    listener: TcpListener,
    gateway: &Gateway,
    routes: Router,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let limits = Arc::clone(&gateway.api().limits);
    let metrics = gateway.api().metrics.clone();
    let service = TowerToHyperService::new(routes);
    let places = Places::new(limits.connections);
    let running = TaskTracker::new();
    let cut_off = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer, place) = match accepted {
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
        let is_crowded = matches!(place, Place::Reserved(_));
        let seat = Seat(Arc::new(Taken { _place: place, _open: metrics.connection() }));
        let service = Introduced { service: service.clone(), peer: Peer(peer), seat, is_crowded };
        running.spawn(converse(stream, service, Arc::clone(&limits), shutdown.clone(), cut_off.clone()));
    }
    drop(listener);
    running.close();
    if tokio::time::timeout(FAREWELL, running.wait()).await.is_err() {
        cut_off.cancel();
        running.wait().await;
    }
    Ok(())
}

/// Connections that are served beyond the limit, so that a full server still reports its health.
const RESERVED: usize = 64;

/// The time within which a connection beyond the limit must have sent its request's headers.
const CROWDED_HEADER_TIME: Duration = Duration::from_secs(2);

/// Room for connections.
struct Places {
    room: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
}

enum Place {
    Usual(#[expect(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit),
    Reserved(OwnedSemaphorePermit),
}

impl Places {
    fn new(usual: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(usual)), reserved: Arc::new(Semaphore::new(RESERVED)) }
    }

    /// A usual place if there is one, otherwise a reserved one.
    async fn take(&self) -> io::Result<Place> {
        if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
            return Ok(Place::Usual(permit));
        }
        tokio::select! {
            biased;
            permit = Arc::clone(&self.room).acquire_owned() => permit.map(Place::Usual),
            permit = Arc::clone(&self.reserved).acquire_owned() => permit.map(Place::Reserved),
        }
        .map_err(io::Error::other)
    }
}

/// Accepts a connection once there is a place for it.
async fn accept(listener: &TcpListener, places: &Places) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = places.take().await?;
    let (stream, peer) = listener.accept().await?;
    // A usual place may have been given back while nobody called.
    let place = match place {
        Place::Reserved(permit) => {
            Arc::clone(&places.room).try_acquire_owned().map_or_else(|_| Place::Reserved(permit), Place::Usual)
        }
        usual => usual,
    };
    Ok((stream, peer, place))
}

/// A connection's place and its count, for as long as anything holds it: a WebSocket outlives the request that it came by.
#[derive(Clone)]
pub struct Seat(#[expect(dead_code, reason = "given back when it is dropped")] Arc<Taken>);

struct Taken {
    _place: Place,
    _open: Open,
}

/// Marks requests of connections beyond the limit, which only serve health.
#[derive(Clone, Copy)]
pub struct Crowded;

/// Adds to every request of a connection who is at its other end, and the connection's place.
#[derive(Clone)]
struct Introduced<S> {
    service: S,
    peer: Peer,
    seat: Seat,
    is_crowded: bool,
}

impl<S, B> Service<Request<B>> for Introduced<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        let extensions = request.extensions_mut();
        extensions.insert(self.peer);
        extensions.insert(self.seat.clone());
        if self.is_crowded {
            extensions.insert(Crowded);
        }
        self.service.call(request)
    }
}

async fn converse<S>(
    stream: TcpStream,
    service: Introduced<S>,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
    cut_off: CancellationToken,
) where
    S: Service<Request<hyper::body::Incoming>, Response = Response> + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
{
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let is_crowded = service.is_crowded;
    let header_time = if is_crowded { limits.header_time.min(CROWDED_HEADER_TIME) } else { limits.header_time };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(!is_crowded)
        .header_read_timeout(header_time)
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
