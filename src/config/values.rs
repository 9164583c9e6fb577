//! How single values are read.

use url::Url;

/// A URL that paths can be put behind, in a header as well: without query, fragment, user and final slash.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let wrong = || "must be a URL such as https://mail.example.com".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if is_plain { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

/// Into how many shares dispatching is split.
pub(super) fn shares(text: &str) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|shares| (1..=64).contains(shares))
        .ok_or_else(|| "must be a whole number from 1 to 64".into())
}

/// Origins as browsers send them: scheme, host and port, without a path.
pub(super) fn origins(list: &str) -> Result<Vec<String>, String> {
    let wrong = || "must be origins such as https://app.example.com, or * alone".to_owned();
    let parts: Vec<&str> = list.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts == ["*"] {
        return Ok(vec!["*".to_owned()]);
    }
    let read = |part: &str| {
        let url = Url::parse(part).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let origin = url.origin().ascii_serialization();
        // Whatever stands behind the port would be ignored in silence.
        (url.as_str().trim_end_matches('/') == origin).then_some(origin)
    };
    parts.into_iter().map(read).collect::<Option<_>>().ok_or_else(wrong)
}

pub(super) fn truth(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}

/// A URL over TLS, or on this machine. What signs in to it stands in its path or query.
pub(super) fn posted_to(text: &str) -> Result<Url, String> {
    let is_here = |url: &Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none());
    url.filter(|url| url.scheme() == "https" || url.scheme() == "http" && is_here(url))
        .ok_or_else(|| "must be a URL such as https://audit.example.com/commlog, or http on this machine".to_owned())
}

pub(super) fn base_urls(list: &str) -> Result<Vec<Url>, String> {
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = |part: &str| Url::parse(part).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parts.map(read).collect::<Option<_>>().ok_or_else(|| "must be URLs such as https://sms.example.com".to_owned())
}
