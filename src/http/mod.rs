//! HTTP: the GraphQL endpoint, the console, the pages behind links in messages, tracked links, webhooks, health and
//! metrics.

mod assets;
mod attachments;
mod auth;
mod body;
mod console;
mod endpoint;
mod exports;
pub mod filename;
mod graphiql;
mod health;
mod imports;
mod in_app;
mod observe;
mod pages;
pub mod protocol;
mod server;
pub mod session;
mod socket;
mod track;
mod visitor;
mod webhooks;

pub use server::{ServeError, serve, serve_monitoring};

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::session::Sessions;
use crate::graphql::Gateway;
use crate::graphql::engine::acting::ACTOR;
use crate::intake::Intake;

/// What pages of other origins may do: what they may with their API key, and no more. What
/// goes by a cookie is for pages of ours only.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins == ["*"] {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_DISPOSITION,
            observe::REQUEST_ID,
            HeaderName::from_static(ACTOR),
        ])
        .expose_headers([observe::REQUEST_ID])
        .max_age(Duration::from_secs(600))
}

/// What a node without the API serves: health, readiness and metrics.
pub fn monitoring_router(gateway: Gateway) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(observe::not_found)
        .layer(from_fn_with_state(gateway.clone(), observe::observe))
        .with_state(gateway)
}

/// All routes. WebSockets are closed when the server is told to stop.
pub fn router(sessions: Sessions, intake: Intake, origins: &[String], shutdown: CancellationToken) -> Router {
    let gateway = sessions.gateway().clone();
    let webhooks = Router::new()
        .route("/webhooks/{provider}/{account}", any(webhooks::take))
        .with_state(webhooks::Webhooks::new(gateway.clone(), intake));
    let tracked = Router::new()
        .route("/t/o/{token}", get(track::picture))
        .route("/t/c/{token}", get(track::link))
        .route("/t/{code}", get(track::short_link))
        .with_state(track::Tracker::new(gateway.clone()));
    let graphql = Router::new()
        .route("/graphql", post(endpoint::post).get(endpoint::get))
        .route("/attachments", post(attachments::upload))
        .route("/attachments/{id}", get(attachments::download))
        .route("/import-files", post(imports::upload))
        .route("/import-runs/{id}/refused.csv", get(imports::refused_lines))
        .route("/exports/{id}", get(exports::download))
        .layer(cors(origins));
    let in_app = Router::new()
        .route("/in-app/graphql", post(in_app::post))
        .route("/inapp.js", get(in_app::script))
        .layer(in_app::cors())
        .with_state(in_app::InApp::new(gateway.clone()));
    Router::new()
        .merge(webhooks)
        .merge(in_app)
        .merge(tracked)
        .merge(graphql)
        .merge(session::router(sessions))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(console::router())
        .route("/graphiql", get(graphiql::page))
        .route("/graphiql/{file}", get(graphiql::asset))
        .route("/u/{token}", get(pages::ask_unsubscribe).post(pages::unsubscribe))
        .route("/confirm/{token}", get(pages::ask_confirm).post(pages::confirm))
        .route("/preferences/{token}", get(pages::show_preferences).post(pages::set_preferences))
        .route("/media/{token}", get(attachments::media))
        .fallback(observe::not_found)
        // The endpoint reads its body itself, against its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(Extension(shutdown))
        .layer(Extension(socket::Sockets::default()))
        .layer(from_fn_with_state(gateway.clone(), observe::observe))
        .with_state(gateway)
}
