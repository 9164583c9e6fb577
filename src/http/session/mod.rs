//! Signing in with a browser: at an OpenID Connect issuer, from which on a cookie has the API key of the person who signed in.
//!
//! The cookie is `HttpOnly` and `SameSite=Strict`; besides, a request that goes by it must come from a page of ours (see
//! [`is_of_our_page`]): nothing that another site makes a browser do goes through.

mod issuer;
mod routes;

pub use issuer::{Issuer, IssuerSettings};
pub use routes::{Sessions, router};

use axum::http::{HeaderMap, header};

/// The cookie with the key. The prefix makes browsers refuse it from anybody but this host, over TLS.
const COOKIE: &str = "__Host-commlog";
/// The cookie where there is no TLS: on this machine, or in a network that is trusted.
const PLAIN_COOKIE: &str = "commlog-session";
/// The header that our pages send with every request: no other site can, unless it is allowed to, and it is not.
const OURS: &str = "commlog-console";

/// The API key of the person who signed in with this browser.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE).or_else(|| cookie(headers, PLAIN_COOKIE))
}

/// Whether a request that goes by a cookie was made by a page of ours: by its header, or by what the browser says of who made
/// it; of a WebSocket, which has neither, by its origin.
pub fn is_of_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.contains_key(header::UPGRADE) {
        let origin = text("origin").and_then(|origin| origin.split_once("://"));
        return origin.zip(text("host")).is_some_and(|((_, ours), host)| ours == host);
    }
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.contains_key(OURS),
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_key_is_found_among_other_cookies() {
        assert_eq!(token(&headers(&[("cookie", "a=b; __Host-commlog=clk_1; c=d")])), Some("clk_1"));
        assert_eq!(token(&headers(&[("cookie", "a=b"), ("cookie", "commlog-session=clk_2")])), Some("clk_2"));
        assert_eq!(token(&headers(&[("cookie", "commlog-session=clk_2; __Host-commlog=clk_1")])), Some("clk_1"));
        assert_eq!(token(&headers(&[("cookie", "my-commlog-session=clk_2")])), None);
    }

    #[test]
    fn what_another_site_makes_a_browser_do_is_known() {
        let ours: [&[(&str, &str)]; 4] = [
            &[("commlog-console", "1")],
            &[("sec-fetch-site", "same-origin")],
            &[("upgrade", "websocket"), ("origin", "https://a.example"), ("host", "a.example")],
            &[("upgrade", "websocket"), ("origin", "http://127.0.0.1:7700"), ("host", "127.0.0.1:7700")],
        ];
        let others: [&[(&str, &str)]; 7] = [
            &[],
            &[("sec-fetch-site", "cross-site"), ("commlog-console", "1")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("upgrade", "websocket"), ("host", "a.example")],
            &[("upgrade", "websocket"), ("origin", "https://b.example"), ("host", "a.example")],
            &[("upgrade", "websocket"), ("origin", "null"), ("host", "a.example"), ("commlog-console", "1")],
        ];
        for (is_ours, requests) in [(true, &ours[..]), (false, &others[..])] {
            for request in requests {
                assert_eq!(is_of_our_page(&headers(request)), is_ours, "{request:?}");
            }
        }
    }
}
