//! Which links are rewritten, and where they stand in a plain text.

use std::ops::Range;

use url::Url;

/// A longer link is left as it is: with its token around it, mail programs and proxies would cut it off.
pub const MAX_LINK_BYTES: usize = 1_500;

/// What ends a link in a text, beside white space.
const NOT_IN_LINKS: &str = "<>\"`“”„»«‹›、。，！？；：「」『』（）【】《》";

/// The pages of ours that messages lead to: a choice of the reader's is never counted as interest.
const OWN_PAGES: [&str; 6] = ["/u/", "/confirm/", "/preferences/", "/media/", "/attachments/", "/t/"];

/// The address of a link as it is followed, if it is one that may be rewritten: with a scheme of the web and a host, without
/// a password, not too long, and no page of ours. `bases` are the URLs that this installation is reached by.
#[must_use]
pub fn target(address: &str, bases: &[&str]) -> Option<String> {
    // As browsers read it: white space around it and line breaks within are not part of it.
    let address: String = address.trim().chars().filter(|letter| !matches!(letter, '\t' | '\n' | '\r')).collect();
    let rest = without_scheme(&address)?;
    if address.len() > MAX_LINK_BYTES || rest.is_empty() || address.contains(char::is_control) {
        return None;
    }
    let url = Url::parse(&address).ok()?;
    let has_password = !url.username().is_empty() || url.password().is_some();
    (url.has_host() && !has_password && !is_own(&address, bases)).then_some(address)
}

/// What follows `http://` or `https://`.
fn without_scheme(address: &str) -> Option<&str> {
    let begin = ["https://", "http://"]
        .into_iter()
        .find(|scheme| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))?;
    address.get(begin.len()..)
}

fn is_own(address: &str, bases: &[&str]) -> bool {
    bases.iter().filter(|base| !base.is_empty()).any(|base| {
        let rest = address.get(..base.len()).filter(|begin| begin.eq_ignore_ascii_case(base));
        rest.and_then(|_| address.get(base.len()..))
            .is_some_and(|path| OWN_PAGES.iter().any(|page| path.starts_with(page)))
    })
}

/// Where the links of a text stand, as programs find them that make them clickable: from the scheme on, without the
/// punctuation of the sentence around them.
#[must_use]
pub fn in_text(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(begin) = text[at..].find("://").map(|colon| at + colon) {
        at = begin + 3;
        let scheme = [5, 4].into_iter().filter_map(|length| begin.checked_sub(length)).find(|start| {
            text.get(*start..begin)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
        });
        let Some(start) = scheme else { continue };
        if text[..start].ends_with(|before: char| before.is_ascii_alphanumeric()) {
            continue;
        }
        let rest = &text[at..];
        let is_end = |letter: char| letter.is_whitespace() || letter.is_control() || NOT_IN_LINKS.contains(letter);
        let end = at + trimmed(&rest[..rest.find(is_end).unwrap_or(rest.len())]).len();
        if end > at {
            found.push(start..end);
            at = end;
        }
    }
    found
}

/// Without punctuation at the end, and without closing brackets that nothing in it opens.
fn trimmed(mut link: &str) -> &str {
    while let Some(last) = link.chars().next_back() {
        let is_unopened =
            |open: char, close: char| last == close && link.matches(close).count() > link.matches(open).count();
        let ends = matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '’' | '…')
            || is_unopened('(', ')')
            || is_unopened('[', ']')
            || is_unopened('{', '}');
        if !ends {
            break;
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link
}

/// The text with its links replaced; those for which there is nothing stay.
#[must_use]
pub fn replace_in_text(text: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for place in in_text(text) {
        if let Some(link) = replace(&text[place.clone()]) {
            replaced.push_str(&text[from..place.start]);
            replaced.push_str(&link);
            from = place.end;
        }
    }
    replaced.push_str(&text[from..]);
    replaced
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<&str> {
        in_text(text).into_iter().map(|place| &text[place]).collect()
    }

    #[test]
    fn links_end_where_sentences_go_on() {
        let cases: [(&str, &[&str]); 12] = [
            ("See https://shop.example/a?b=1&c=2#d.", &["https://shop.example/a?b=1&c=2#d"]),
            ("(https://shop.example/a_(b)), https://x.example!", &["https://shop.example/a_(b)", "https://x.example"]),
            ("<https://shop.example/>", &["https://shop.example/"]),
            ("HTTPS://SHOP.EXAMPLE", &["HTTPS://SHOP.EXAMPLE"]),
            ("xhttps://shop.example ftp://a.example http:// https://", &[]),
            ("mailto:a@b.example tel:+43 shop.example/x www.shop.example", &[]),
            ("https://shop.example/käse?größe=1", &["https://shop.example/käse?größe=1"]),
            ("“https://shop.example”", &["https://shop.example"]),
            ("https://a.example/?next=https://b.example/x", &["https://a.example/?next=https://b.example/x"]),
            ("https://shop.example/f[0]=1&f[1]=2]", &["https://shop.example/f[0]=1&f[1]=2"]),
            ("http://[::1]:80/x", &["http://[::1]:80/x"]),
            ("詳細https://shop.example/日本。", &["https://shop.example/日本"]),
        ];
        for (text, links) in cases {
            assert_eq!(found(text), links, "{text}");
        }
    }

    #[test]
    fn only_links_of_the_web_are_rewritten_and_no_page_of_ours() {
        let bases = ["https://crm.example.com", "https://go.shop.example"];
        let rewritten = |address: &str| target(address, &bases);
        assert_eq!(rewritten(" https://shop.example/\n a ").as_deref(), Some("https://shop.example/ a"));
        assert_eq!(rewritten("HTTP://shop.example").as_deref(), Some("HTTP://shop.example"));
        assert!(rewritten("https://crm.example.com/shop").is_some());
        assert!(rewritten("https://münchen.example/ü").is_some());
        for left in [
            "",
            "#top",
            "/relative",
            "//shop.example",
            "mailto:a@b.example",
            "tel:+43",
            "sms:+43",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https:shop.example",
            "https://ada:secret@shop.example/",
            "https://ada@shop.example/",
            "https://crm.example.com/u/abc",
            "https://CRM.example.com/preferences/abc",
            "https://go.shop.example/t/abc",
            "https://shop.example/\u{1}",
            "{{ link }}",
        ] {
            assert_eq!(rewritten(left), None, "{left}");
        }
        assert!(rewritten(&format!("https://shop.example/{}", "a".repeat(1_400))).is_some());
        assert_eq!(rewritten(&format!("https://shop.example/{}", "a".repeat(1_500))), None);
    }

    proptest! {
        #[test]
        fn no_text_is_damaged(text in "(https?://|[a-zß(). <>&]|日){0,40}") {
            prop_assert_eq!(replace_in_text(&text, |link| Some(link.to_owned())), text.clone());
            prop_assert_eq!(replace_in_text(&text, |_| None), text);
        }
    }
}
