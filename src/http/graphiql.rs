//! GraphiQL at `/graphiql`, served from the binary: nothing is loaded from elsewhere, and a policy header enforces it.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use include_dir::{Dir, include_dir};

use super::assets::{Assets, Keep};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/graphiql");

/// Scripts and connections come from this server alone. GraphiQL's editor sets styles on elements, which needs
/// `unsafe-inline` for styles; its style sheet embeds its fonts and images.
static GRAPHIQL: Assets = Assets {
    files: &FILES,
    packed: "vendor/",
    policy: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
        font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/// The page.
pub async fn page(headers: HeaderMap) -> Response {
    GRAPHIQL.serve("index.html", Keep::Revalidated, &headers).await
}

/// A file of the page.
pub async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    GRAPHIQL.serve(&file, Keep::Revalidated, &headers).await
}
