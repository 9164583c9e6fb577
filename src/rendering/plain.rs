//! The plain text of a mail that has a layout only. It is made of the layout as the author wrote it, not of the page of tables that
//! MJML makes of it, and without tables, so that loops stay where they are.

use super::layout::SCHEMES;
use super::markup::{self, Node, Open};
use super::weave::Woven;

/// Lines are not broken: the reader's screen does that.
const WIDTH: usize = 100_000;

/// What is no text.
const SKIPPED: [&str; 5] = ["mj-head", "head", "style", "script", "mj-preview"];
/// What stays within its line.
const INLINE: [&str; 16] =
    ["a", "abbr", "b", "big", "code", "em", "font", "i", "label", "s", "small", "span", "strong", "sub", "sup", "u"];

/// The text of a page, with its marks.
pub(super) fn text_of(woven: &Woven) -> String {
    let simple = simplified(woven);
    let laid_out = html2text::config::plain_no_decorate()
        .no_table_borders()
        .raw_mode(true)
        .allow_width_overflow()
        .string_from_read(simple.as_bytes(), WIDTH)
        .unwrap_or_default();
    let mut text = String::with_capacity(laid_out.len());
    let mut blank_lines = 0;
    for line in laid_out.lines().map(str::trim) {
        if line.is_empty() {
            blank_lines += 1;
        } else if woven.is_tags_only(line) {
            // A tag leaves no line of its own.
            text.push_str(line);
        } else {
            if blank_lines > 0 && !text.is_empty() {
                text.push('\n');
            }
            blank_lines = 0;
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The page with paragraphs and lists only; links stand behind their words.
fn simplified(woven: &Woven) -> String {
    let mut simple = String::with_capacity(woven.text.len());
    let mut skipping: Option<&str> = None;
    let mut links: Vec<(&str, usize)> = vec![];
    let nodes = markup::nodes(&woven.text);
    for node in &nodes {
        if let Some(name) = skipping {
            if let Node::Close(closed, _) = node
                && closed.eq_ignore_ascii_case(name)
            {
                skipping = None;
            }
            continue;
        }
        match node {
            Node::Text(text) => simple.push_str(text),
            Node::Comment(comment) => {
                if let Some(mark) = woven.slot_of_comment(comment) {
                    simple.push_str(&mark);
                }
            }
            Node::Open(open) if SKIPPED.iter().any(|name| open.is(name)) => {
                skipping = (!open.closed).then_some(open.name);
            }
            Node::Open(open) => begin(open, &mut simple, &mut links),
            Node::Close(name, _) => end(name, &mut simple, &mut links),
            Node::Raw(_) | Node::Declaration(_) => {}
        }
    }
    simple
}

fn begin<'h>(open: &Open<'h>, simple: &mut String, links: &mut Vec<(&'h str, usize)>) {
    let name = open.name.to_ascii_lowercase();
    match name.as_str() {
        "br" => simple.push_str("<br>"),
        "hr" | "mj-divider" => simple.push_str("<p>---</p>"),
        "img" | "mj-image" => {
            if let Some(alt) = open.get("alt").filter(|alt| !alt.trim().is_empty()) {
                simple.push_str(if name == "img" { alt } else { "" });
                if name == "mj-image" {
                    simple.push_str("<p>");
                    simple.push_str(alt);
                    simple.push_str("</p>");
                }
            }
        }
        "ul" | "ol" | "li" => {
            simple.push('<');
            simple.push_str(&name);
            simple.push('>');
        }
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "mj-text" | "mj-button" | "mj-social-element"
        | "mj-navbar-link" => {
            simple.push_str("<p>");
        }
        "td" | "th" => simple.push(' '),
        name if INLINE.contains(&name) || open.closed => {}
        _ => simple.push_str("<div>"),
    }
    if matches!(name.as_str(), "a" | "mj-button" | "mj-social-element" | "mj-navbar-link") && !open.closed {
        links.push((address_of(open.get("href").unwrap_or_default()), simple.len()));
    }
}

/// Where a link leads; nowhere if that is no address that a page may have.
fn address_of(href: &str) -> &str {
    let is_scheme = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match href.trim().split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) && !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => "",
        _ => href.trim(),
    }
}

fn end(name: &str, simple: &mut String, links: &mut Vec<(&str, usize)>) {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "a" | "mj-button" | "mj-social-element" | "mj-navbar-link")
        && let Some((href, from)) = links.pop()
    {
        let label = simple.get(from..).unwrap_or_default().trim();
        let is_said = href.is_empty() || href.starts_with('#') || label == href || label.contains(href);
        if !is_said {
            let address = href.strip_prefix("mailto:").or_else(|| href.strip_prefix("tel:")).unwrap_or(href);
            if label.is_empty() {
                simple.push_str(address);
            } else if address != label {
                simple.push_str(&format!(" ({address})"));
            }
        }
    }
    match name.as_str() {
        "ul" | "ol" | "li" => {
            simple.push_str("</");
            simple.push_str(&name);
            simple.push('>');
        }
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "mj-text" | "mj-button" | "mj-social-element"
        | "mj-navbar-link" => {
            simple.push_str("</p>");
        }
        "td" | "th" => simple.push(' '),
        "br" | "hr" | "img" | "mj-divider" | "mj-image" | "mj-spacer" => {}
        name if INLINE.contains(&name) => {}
        _ => simple.push_str("</div>"),
    }
}
