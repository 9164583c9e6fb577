//! GraphiQL at `/`, served from the binary: nothing is loaded from elsewhere, and a policy header enforces it.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::observe::not_found;

static CONSOLE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/console");

/// Scripts and connections come from this server alone. GraphiQL's editor sets styles on elements, which needs
/// `unsafe-inline` for styles; its style sheet embeds its fonts and images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The console's page.
pub async fn page(headers: HeaderMap) -> Response {
    serve("index.html", &headers).await
}

/// A file of the console.
pub async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    serve(&file, &headers).await
}

async fn serve(name: &str, headers: &HeaderMap) -> Response {
    let packed = CONSOLE.get_file(format!("graphiql/{name}.gz"));
    let Some(file) = packed.or_else(|| CONSOLE.get_file(name)) else { return not_found().await };
    let Some(media) = media(name) else { return not_found().await };
    let tag = format!("\"{}\"", &hex::encode(Sha256::digest(file.contents()))[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let gzip = accepts_gzip(headers);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else if packed.is_none() || gzip {
        file.contents().into_response()
    } else {
        match unpack(file.contents()) {
            Ok(bytes) => bytes.into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let headers = response.headers_mut();
    if packed.is_some() && gzip && !known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Revalidated each time, but sent again only after the server was upgraded.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn media(name: &str) -> Option<&'static str> {
    match name.rsplit('.').next()? {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        _ => None,
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|quality| quality == "q=0")
    })
}

fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut bytes)?;
    Ok(bytes)
}
