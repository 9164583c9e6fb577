//! HTTP: the GraphQL endpoint, its console, the pages behind links in messages, webhooks, health
//! and metrics.

mod attachments;
mod auth;
mod body;
mod consent;
mod console;
mod endpoint;
mod filename;
mod health;
mod observe;
mod page;
mod server;
mod socket;
mod webhooks;

pub use server::{ServeError, serve};

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;

use crate::graphql::Gateway;
use crate::intake::Intake;

/// All routes. WebSockets are closed when the server stops.
pub fn router(gateway: Gateway, intake: Intake, shutdown: CancellationToken) -> Router {
    let webhooks = Router::new()
        .route("/webhooks/{provider}/{account}", any(webhooks::take))
        .with_state(webhooks::Webhooks { gateway: gateway.clone(), intake });
    Router::new()
        .merge(webhooks)
        .route("/graphql", post(endpoint::execute).get(socket::upgrade))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/", get(console::page))
        .route("/console/{file}", get(console::asset))
        .route("/u/{token}", get(consent::ask_unsubscribe).post(consent::unsubscribe))
        .route("/confirm/{token}", get(consent::ask_confirm).post(consent::confirm))
        .route("/preferences/{token}", get(consent::show_preferences).post(consent::set_preferences))
        .route("/attachments", post(attachments::upload))
        .route("/attachments/{id}", get(attachments::download))
        .route("/media/{token}", get(attachments::media))
        .fallback(observe::not_found)
        // The endpoint reads its body itself, against its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(Extension(shutdown))
        .layer(from_fn_with_state(gateway.clone(), observe::observe))
        .with_state(gateway)
}
