//! Pages for people who follow a link in a message: plain HTML without scripts, nothing loaded from elsewhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Allows the page's own style and forms to this server only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

const STYLE: &str = "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;\
    color:#1a1a1a;background:#fff}button{font:inherit;padding:.6rem 1.2rem;margin:.5rem 0}label{display:block;\
    padding:.35rem 0}fieldset{border:1px solid #999;margin:1rem 0}";

/// A page with a heading; `main` is HTML.
pub fn page(status: StatusCode, title: &str, main: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><main><h1>{title}</h1>\n{main}\n</main></body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // The page's URL contains a token: it must not leak through referrers or caches.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, html).into_response()
}

/// The page for links that we did not make, or that are no longer valid.
pub fn no_link() -> Response {
    let main = "<p>This link is invalid or has expired. Please use the link in our most recent message to you, or reply \
        to that message.</p>";
    page(StatusCode::NOT_FOUND, "This link does not work", main)
}

/// The page for links to what was forgotten with a person.
pub fn gone() -> Response {
    page(StatusCode::GONE, "This link does not work any more", "<p>What this link led to was deleted.</p>")
}

/// Text with the characters escaped that mean something in HTML.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_in_text_is_shown_as_text() {
        assert_eq!(escape("<b title=\"x\">&'"), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;");
    }
}
