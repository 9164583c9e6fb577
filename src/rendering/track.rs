//! Rewrites the links of a mail's HTML, and adds the picture that says when it was loaded. Everything else stays byte for byte.
//!
//! Links are `href`s of `a` and `area`. One whose element says `data-track="off"` stays, and so does whatever the given
//! function leaves. Comments are not links: nothing in them is shown. Outlook's conditional comments are read, because it shows
//! what they hold: links in them are rewritten as all others, and so are the `href`s of its own shapes (`v:roundrect`), of which
//! buttons are made for it. A `--` in such a link is written so that it does not end the comment anywhere.

use super::markup::{self, Node, Open};

/// The HTML with links rewritten by `link`, which gets them as a browser reads them and returns nothing for one that stays; and
/// with a picture at its end, if there is a URL for one.
#[must_use]
pub fn rewrite(html: &str, link: impl Fn(&str) -> Option<String>, picture: Option<&str>) -> String {
    let nodes = markup::nodes(html);
    let mut page = String::with_capacity(html.len() + html.len() / 4);
    let end = picture.and_then(|_| end_of_body(&nodes));
    for (index, node) in nodes.iter().enumerate() {
        if end == Some(index)
            && let Some(url) = picture
        {
            page.push_str(&image(url));
        }
        match node {
            Node::Open(open) if open.is("a") || open.is("area") => rewrite_tag(open, &link, &mut page),
            Node::Comment(comment) if is_conditional(comment) => rewrite_comment(comment, &link, &mut page),
            other => page.push_str(other.source()),
        }
    }
    if end.is_none()
        && let Some(url) = picture
    {
        page.push_str(&image(url));
    }
    page
}

/// The last end of a body, or that of the page.
fn end_of_body(nodes: &[Node<'_>]) -> Option<usize> {
    let last = |name: &str| {
        nodes.iter().rposition(|node| matches!(node, Node::Close(own, _) if own.eq_ignore_ascii_case(name)))
    };
    last("body").or_else(|| last("html"))
}

fn image(url: &str) -> String {
    let style = "border:0;height:1px;width:1px";
    format!("<img src=\"{}\" width=\"1\" height=\"1\" alt=\"\" border=\"0\" style=\"{style}\">", encoded(url))
}

fn is_conditional(comment: &str) -> bool {
    comment.starts_with("<!--[if ") && comment.ends_with("-->")
}

/// What one program shows and others do not.
fn rewrite_comment(comment: &str, link: &impl Fn(&str) -> Option<String>, page: &mut String) {
    const BEGIN: &str = "<!--";
    const END: &str = "-->";
    let Some(inner) = comment.get(BEGIN.len()..comment.len() - END.len()) else {
        page.push_str(comment);
        return;
    };
    page.push_str(BEGIN);
    let in_comment = |address: &str| {
        let rewritten = link(address)?;
        // An author who writes it knows what comes of it.
        Some(if address.contains("--") { rewritten } else { rewritten.replace("--", "-%2D") })
    };
    for node in markup::nodes(inner) {
        match &node {
            Node::Open(open) if is_followed_in_outlook(open) => {
                rewrite_tag(open, &in_comment, page);
            }
            other => page.push_str(other.source()),
        }
    }
    page.push_str(END);
}

/// Whether its `href` is followed by a click: of a link as of a shape, whose prefix some compilers of MJML lose
/// (jdrouet/mrml#606).
fn is_followed_in_outlook(open: &Open<'_>) -> bool {
    !open.is("link") && !open.is("base")
}

fn rewrite_tag(open: &Open<'_>, link: &impl Fn(&str) -> Option<String>, page: &mut String) {
    let is_off = open.get("data-track").is_some_and(|value| value.trim().eq_ignore_ascii_case("off"));
    let value = open.get("href").filter(|_| !is_off);
    let rewritten = value.and_then(decoded).and_then(|address| link(&address));
    let (Some(value), Some(rewritten)) = (value, rewritten) else {
        page.push_str(open.whole);
        return;
    };
    // The value is a part of the tag's own text.
    let begin = value.as_ptr().addr() - open.whole.as_ptr().addr();
    let (before, after) = (&open.whole[..begin], &open.whole[begin + value.len()..]);
    let is_quoted = before.ends_with(['"', '\'']);
    page.push_str(before);
    if !is_quoted {
        page.push('"');
    }
    page.push_str(&encoded(&rewritten));
    if !is_quoted {
        page.push('"');
    }
    page.push_str(after);
}

/// An attribute's value with its entities read, once; [`None`] if it has one that is not known here: such a link stays.
fn decoded(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let entity = &rest[at + 1..];
        let length = entity.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
        // Without a semicolon it is the `&` between parameters: `?a=1&copy=2`.
        if length == 0 || entity.as_bytes().get(length) != Some(&b';') {
            text.push('&');
            rest = entity;
            continue;
        }
        text.push(character(&entity[..length])?);
        rest = &entity[length + 1..];
    }
    text.push_str(rest);
    Some(text)
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|letter| *letter != '\0');
    }
    Some(match entity {
        "amp" | "AMP" => '&',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "equals" => '=',
        "quest" => '?',
        "sol" => '/',
        "colon" => ':',
        "num" => '#',
        "percnt" => '%',
        "period" => '.',
        "lowbar" => '_',
        "plus" => '+',
        _ => return None,
    })
}

fn encoded(link: &str) -> String {
    let mut value = String::with_capacity(link.len());
    for letter in link.chars() {
        match letter {
            '&' => value.push_str("&amp;"),
            '"' => value.push_str("&quot;"),
            '\'' => value.push_str("&#39;"),
            '<' => value.push_str("&lt;"),
            '>' => value.push_str("&gt;"),
            letter => value.push(letter),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each link of the web leads over a tracker that shows where to.
    fn tracked(html: &str) -> String {
        let link = |address: &str| address.starts_with("http").then(|| format!("https://t.example/--?to={address}"));
        rewrite(html, link, None)
    }

    #[test]
    fn links_are_read_once_and_written_once() {
        let cases = [
            (
                "<a href=\"https://a.example/?a=1&amp;b=2#c\">",
                "<a href=\"https://t.example/--?to=https://a.example/?a=1&amp;b=2#c\">",
            ),
            (
                "<a href='https://a.example/?a=1&b=2'>",
                "<a href='https://t.example/--?to=https://a.example/?a=1&amp;b=2'>",
            ),
            (
                "<a href=\"https://a.example/?a=1&copy=2&amp;amp;\">",
                "<a href=\"https://t.example/--?to=https://a.example/?a=1&amp;copy=2&amp;amp;\">",
            ),
            (
                "<A CLASS=x HREF=https://a.example/ target=_blank>",
                "<A CLASS=x HREF=\"https://t.example/--?to=https://a.example/\" target=_blank>",
            ),
            (
                "<area shape=\"rect\" href = \"https://a.example/&#39;&#x22;\" />",
                "<area shape=\"rect\" href = \"https://t.example/--?to=https://a.example/&#39;&quot;\" />",
            ),
            (
                "<a href=\"https://a.example/käse\">x</a>",
                "<a href=\"https://t.example/--?to=https://a.example/käse\">x</a>",
            ),
            (
                "<a href=\"https://a.example\" href=\"https://b.example\">",
                "<a href=\"https://t.example/--?to=https://a.example\" href=\"https://b.example\">",
            ),
            (
                "<a title='href=\"https://x.example\"' href=\"https://a.example\">",
                "<a title='href=\"https://x.example\"' href=\"https://t.example/--?to=https://a.example\">",
            ),
        ];
        for (html, expected) in cases {
            assert_eq!(tracked(html), expected);
        }
    }

    #[test]
    fn what_is_no_link_stays_as_it_is() {
        for html in [
            "<a href=\"mailto:a@b.example?subject=https://a.example\">",
            "<a href=\"tel:+43\"><a href=\"#top\"><a href=\"\"><a href><a name=\"x\">",
            "<a data-track=\"off\" href=\"https://a.example/\">",
            "<a href=\"https://a.example/\" data-track=OFF>",
            "<a href=\"https://a.example/&eacute;\">",
            "<link href=\"https://a.example/x.css\"><base href=\"https://a.example/\">",
            "<img src=\"https://a.example/x.png\"><p data-href=\"https://a.example\">https://a.example</p>",
            "<!-- <a href=\"https://a.example/\"> -->",
            "<style>a[href=\"https://a.example\"] {}</style>",
            "<textarea><a href=\"https://a.example\"></textarea>",
            "<v:roundrect href=\"https://a.example\">",
        ] {
            assert_eq!(tracked(html), html);
        }
    }

    #[test]
    fn outlook_s_buttons_lead_over_the_tracker_too() {
        let html = "<!--[if mso]><v:roundrect href=\"https://a.example/?a=1&amp;b=2\" arcsize=\"10%\"><w:anchorlock/><center>Buy\
            </center></v:roundrect><![endif]--><!--[if !mso]><!--><a href=\"https://a.example/\">Buy</a><!--<![endif]-->";
        let expected = "<!--[if mso]><v:roundrect href=\"https://t.example/-%2D?to=https://a.example/?a=1&amp;b=2\" arcsize=\"10%\">\
            <w:anchorlock/><center>Buy</center></v:roundrect><![endif]--><!--[if !mso]><!-->\
            <a href=\"https://t.example/--?to=https://a.example/\">Buy</a><!--<![endif]-->";
        assert_eq!(tracked(html), expected);
        let without_prefix =
            "<!--[if mso]><link href=\"https://a.example/x.css\"><roundrect href=\"https://a.example/\"><![endif]-->";
        assert_eq!(
            tracked(without_prefix),
            without_prefix.replace("<roundrect href=\"", "<roundrect href=\"https://t.example/-%2D?to=")
        );
        for unended in ["<!--[if mso]><a href=\"https://a.example\">", "<!--[if ", "<!--[if -->", "<!--[if mso]>-->"] {
            assert_eq!(tracked(unended), unended);
        }
    }

    #[test]
    fn the_picture_stands_before_the_end_of_the_body() {
        let with_picture = |html: &str| rewrite(html, |_| None, Some("https://t.example/t/o/x"));
        let image = "<img src=\"https://t.example/t/o/x\" width=\"1\" height=\"1\" alt=\"\" border=\"0\" \
            style=\"border:0;height:1px;width:1px\">";
        assert_eq!(with_picture("<body>x</BODY></html>"), format!("<body>x{image}</BODY></html>"));
        assert_eq!(with_picture("<body>a</body>b</body>"), format!("<body>a</body>b{image}</body>"));
        assert_eq!(with_picture("x</html>"), format!("x{image}</html>"));
        assert_eq!(with_picture("<p>x<!-- </body> -->"), format!("<p>x<!-- </body> -->{image}"));
        assert_eq!(with_picture(""), image);
    }

    #[test]
    fn a_large_page_is_rewritten_whole() {
        let row = "<tr><td style=\"padding:0\"><a href=\"https://shop.example/p?a=1&amp;b=2\"><b>x</b></a></td></tr>\n";
        let html = format!("<body><table>{}</table></body>", row.repeat(200 * 1024 / row.len()));
        let page = tracked(&html);
        assert_eq!(page.matches("https://t.example/").count(), 200 * 1024 / row.len());
        assert_eq!(page.replace("https://t.example/--?to=", ""), html);
    }

    proptest! {
        #[test]
        fn without_links_to_rewrite_a_page_is_the_same(html in "([<>!/='\" a-]|<a href=|<!--|\\[if mso\\]>|-->|</body>|&amp;|ü){0,60}") {
            prop_assert_eq!(rewrite(&html, |_| None, None), html.clone());
            let _ = rewrite(&html, |address| Some(address.to_owned()), Some("https://t.example/"));
        }
    }
}
