//! Files that travel inside the binary: the console and GraphiQL.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::Dir;
use sha2::{Digest, Sha256};

use super::observe::not_found;

/// A folder of files, some of them packed: `name.gz` is served as `name`.
pub struct Assets {
    /// The files.
    pub files: &'static Dir<'static>,
    /// Where packed ones lie, with a slash at its end if it is a folder of its own.
    pub packed: &'static str,
    /// The policy that browsers hold the pages to.
    pub policy: &'static str,
}

/// How long browsers may keep a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// They ask each time whether it changed: only an upgrade of the server changes it.
    Revalidated,
    /// For good: its name changes with its content.
    Forever,
}

impl Assets {
    /// The file of a name; 404 if there is none.
    pub async fn serve(&self, name: &str, keep: Keep, headers: &HeaderMap) -> Response {
        let packed = self.files.get_file(format!("{}{name}.gz", self.packed));
        let Some(file) = packed.or_else(|| self.files.get_file(name)) else { return not_found().await };
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
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep.control()));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

impl Keep {
    const fn control(self) -> &'static str {
        match self {
            Self::Revalidated => "no-cache",
            Self::Forever => "public, max-age=31536000, immutable",
        }
    }
}

fn media(name: &str) -> Option<&'static str> {
    match name.rsplit('.').next()? {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "json" => Some("application/json"),
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
