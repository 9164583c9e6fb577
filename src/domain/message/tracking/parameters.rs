//! Adds parameters to the query of a link. The rest of the link stays byte for byte as its author wrote it.

use std::borrow::Cow;

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::Parameters;

impl Parameters {
    /// A link with the parameters that it does not have yet, before its fragment.
    #[must_use]
    pub fn add_to<'l>(&self, link: &'l str) -> Cow<'l, str> {
        if self.pairs.is_empty() || !self.is_meant(link) {
            return Cow::Borrowed(link);
        }
        let (page, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
        let query = page.split_once('?').map(|(_, query)| query);
        let names: Vec<_> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .map(|(name, _)| name.into_owned())
            .collect();
        let mut added = page.to_owned();
        for (name, value) in &self.pairs {
            if names.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                continue;
            }
            if !added.contains('?') {
                added.push('?');
            } else if !added.ends_with(['?', '&']) {
                added.push('&');
            }
            added.push_str(name);
            added.push('=');
            added.extend(byte_serialize(value.as_bytes()));
        }
        added.push_str(fragment);
        Cow::Owned(added)
    }

    fn is_meant(&self, link: &str) -> bool {
        if self.hosts.is_empty() {
            return true;
        }
        let url = Url::parse(link).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        self.hosts
            .iter()
            .any(|own| host.strip_suffix(own.as_str()).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(hosts: &[&str]) -> Parameters {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = vec![pair("utm_source", "crm"), pair("utm_campaign", "Frühling & mehr")];
        Parameters { pairs, hosts: hosts.iter().map(|host| (*host).to_owned()).collect() }
    }

    #[test]
    fn parameters_go_before_the_fragment_and_leave_what_is_there() {
        let all = "utm_source=crm&utm_campaign=Fr%C3%BChling+%26+mehr";
        let cases = [
            ("https://shop.example", format!("https://shop.example?{all}")),
            ("https://shop.example/a#b", format!("https://shop.example/a?{all}#b")),
            ("https://shop.example/a#b?c=d", format!("https://shop.example/a?{all}#b?c=d")),
            ("https://shop.example/?", format!("https://shop.example/?{all}")),
            ("https://shop.example/?a=%20b&", format!("https://shop.example/?a=%20b&{all}")),
            ("https://shop.example/?f[0]=x:2&ü=ß", format!("https://shop.example/?f[0]=x:2&ü=ß&{all}")),
            (
                "https://shop.example/?UTM_Source=own",
                "https://shop.example/?UTM_Source=own&utm_campaign=Fr%C3%BChling+%26+mehr".to_owned(),
            ),
            (
                "https://shop.example/?utm%5Fsource=&utm_campaign",
                "https://shop.example/?utm%5Fsource=&utm_campaign".to_owned(),
            ),
        ];
        for (link, expected) in cases {
            assert_eq!(parameters(&[]).add_to(link), expected);
        }
        let twice = parameters(&[]).add_to("https://shop.example/a?b#c").into_owned();
        assert_eq!(parameters(&[]).add_to(&twice), twice, "adding them again changes nothing");
    }

    #[test]
    fn only_named_hosts_get_them_where_there_are_names() {
        let own = parameters(&["shop.example"]);
        assert!(own.add_to("https://www.Shop.example/a").contains("utm_source"));
        assert!(own.add_to("https://shop.example").contains("utm_source"));
        for other in ["https://myshop.example/", "https://shop.example.org/", "https://bucket.s3.example/?X-Sig=1"] {
            assert_eq!(own.add_to(other), other);
        }
    }
}
