//! Who is at the other end of a request, as far as a page may know.

use std::net::{IpAddr, SocketAddr};

use axum::Extension;
use axum::http::{HeaderMap, header};

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

pub(super) type Asked = Option<Extension<Peer>>;

/// The IP address that a request came from, and the program that made it.
pub(super) fn visitor(headers: &HeaderMap, peer: Asked) -> (Option<String>, Option<String>) {
    let peer = peer.map(|Extension(Peer(address))| address.ip());
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    (origin(peer, headers), user_agent)
}

/// The client's IP address: the connection's, unless that belongs to a proxy in our own network, which forwards the
/// client's.
fn origin(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<String> {
    let is_ours = match peer? {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let forwarded = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let ip = forwarded.filter(|_| is_ours).or(peer);
    ip.map(|ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_of_our_own_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().expect("a value"));
        let of = |peer: &str| origin(peer.parse().ok(), &headers);
        assert_eq!(of("10.0.0.1").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(origin(None, &headers), None);
    }
}
