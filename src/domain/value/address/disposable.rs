//! Domains whose mailboxes anybody may have for minutes.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The list; what it is and where it comes from stands at its top.
const LIST: &str = include_str!("disposable.txt");

static DOMAINS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect());

/// Whether a lower-case ASCII domain, or one above it, is on the list: such services hand out subdomains too.
pub(super) fn contains(domain: &str) -> bool {
    let mut above = Some(domain);
    while let Some(name) = above {
        if DOMAINS.contains(name) {
            return true;
        }
        above = name.split_once('.').map(|(_, parent)| parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_domains_as_addresses_spell_them() {
        assert!(DOMAINS.len() > 10_000);
        let is_odd = |name: &&&str| !name.contains('.') || name.contains(|c: char| !c.is_ascii() || c.is_uppercase());
        assert_eq!(DOMAINS.iter().find(is_odd), None);
        let everyday =
            ["gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "web.de", "proton.me", "qq.com"];
        assert_eq!(everyday.into_iter().find(|domain| contains(domain)), None);
    }

    #[test]
    fn a_domain_under_a_listed_one_is_disposable_too() {
        assert!(contains("mailinator.com") && contains("a.b.mailinator.com"));
        assert!(!contains("mailinator.example") && !contains("com") && !contains("example.org"));
    }
}
