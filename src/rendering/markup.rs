//! Reads HTML and MJML into tags and what stands between them. It is as tolerant as mail programs are, and finds no tree: it
//! serves to see where a template's outputs stand, to count, and to look for links and images.

/// A part of a page, in the order of the source. Together the parts are the page.
#[derive(Debug, Clone)]
pub(super) enum Node<'h> {
    /// Between tags.
    Text(&'h str),
    /// The inside of an element that holds no elements, such as `style`.
    Raw(&'h str),
    /// `<!-- … -->`, whole.
    Comment(&'h str),
    /// A start tag.
    Open(Open<'h>),
    /// An end tag: its name, and the whole of it.
    Close(&'h str, &'h str),
    /// `<!doctype …>` and the like.
    Declaration(&'h str),
}

/// A start tag.
#[derive(Debug, Clone)]
pub(super) struct Open<'h> {
    pub name: &'h str,
    /// In order, values without their quotes; entities as they are written.
    pub attributes: Vec<(&'h str, &'h str)>,
    /// It ends with `/>`.
    pub closed: bool,
    pub whole: &'h str,
}

impl<'h> Open<'h> {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&'h str> {
        self.attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Whether it is a start tag of this name.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Elements whose inside is text only.
const RAW: [&str; 8] = ["style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview", "noembed"];
/// Elements without an end.
pub(super) const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
/// Elements whose end may be left out.
const OPTIONAL_END: [&str; 13] =
    ["p", "li", "td", "th", "tr", "dd", "dt", "option", "thead", "tbody", "tfoot", "colgroup", "optgroup"];

/// Elements of letters, which end with what they are in.
const LETTERS: [&str; 16] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "span", "strike", "strong", "tt", "u", "label"];

/// After so many tags that run off the end of the page, what looks like one is text: each of them is read to the end.
const MAX_UNENDED: usize = 100;

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// How deep the elements of a page nest, for what people write: parsers have their own ways with what is not well formed.
/// An end tag that ends nothing is ignored, as parsers do; where they would rearrange, elements count as if they stayed open.
pub(super) fn depth(nodes: &[Node<'_>], is_xml: bool) -> usize {
    let (mut open, mut deepest) = (Vec::<&str>::new(), 0);
    for node in nodes {
        match node {
            // In HTML, a slash ends no element.
            Node::Open(element) if !is_one_of(element.name, &VOID) && (!is_xml || !element.closed) => {
                if !is_xml {
                    end_before(&mut open, element.name);
                }
                open.push(element.name);
                deepest = deepest.max(open.len());
            }
            Node::Close(name, _) => {
                let own = open.iter().rposition(|other| other.eq_ignore_ascii_case(name));
                let is_own = |at: &usize| {
                    let between = &open[at + 1..];
                    if is_xml { between.is_empty() } else { between.iter().all(|other| gives_way(other, name)) }
                };
                if let Some(at) = own.filter(is_own) {
                    open.truncate(at);
                }
            }
            _ => {}
        }
    }
    deepest
}

/// Ends the elements without end tags that end where another one begins: with a cell of a table, letters end too.
fn end_before(open: &mut Vec<&str>, next: &str) {
    let (ends, letters): (&[&str], bool) = match next.to_ascii_lowercase().as_str() {
        "p" => (&["p"], false),
        "li" => (&["li", "p"], false),
        "dd" | "dt" => (&["dd", "dt", "p"], false),
        "td" | "th" => (&["td", "th", "p"], true),
        "tr" => (&["td", "th", "tr", "p", "colgroup"], true),
        "thead" | "tbody" | "tfoot" => (&["td", "th", "tr", "thead", "tbody", "tfoot", "p", "colgroup"], true),
        "option" => (&["option"], false),
        "optgroup" => (&["option", "optgroup"], false),
        _ => return,
    };
    let ended =
        open.iter().rev().take_while(|last| is_one_of(last, ends) || (letters && is_one_of(last, &LETTERS))).count();
    // Letters alone are in no cell of this table.
    if let Some(at) = open[open.len() - ended..].iter().position(|last| is_one_of(last, ends)) {
        open.truncate(open.len() - ended + at);
    }
}

/// Whether an open element does not keep an outer one from ending: those whose end may be left out, and those of letters.
fn gives_way(open: &str, outer: &str) -> bool {
    const LETTERS: [&str; 16] = [
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "span", "strike", "strong", "tt", "u",
        "label",
    ];
    is_one_of(open, &LETTERS) || (is_one_of(open, &OPTIONAL_END) && !is_one_of(outer, &LETTERS))
}

/// Reads a page.
pub(super) fn nodes(page: &str) -> Vec<Node<'_>> {
    let mut nodes = vec![];
    let (mut at, mut text_from, mut unended) = (0, 0, 0);
    let bytes = page.as_bytes();
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        let begin = at + found;
        let rest = &page[begin..];
        let node = match bytes.get(begin + 1) {
            Some(b'!') if rest.starts_with("<!--") => comment(rest),
            Some(b'!' | b'?') => rest.find('>').map(|end| Node::Declaration(&rest[..=end])),
            Some(b'/') if rest[2..].starts_with(|c: char| c.is_ascii_alphabetic()) => close(rest),
            Some(letter) if letter.is_ascii_alphabetic() && unended < MAX_UNENDED => {
                let open = open(rest).map(Node::Open);
                unended += usize::from(open.is_none());
                open
            }
            _ => None,
        };
        let Some(node) = node else {
            at = begin + 1;
            continue;
        };
        if text_from < begin {
            nodes.push(Node::Text(&page[text_from..begin]));
        }
        at = begin + node.source().len();
        let raw = match &node {
            Node::Open(open) if !open.closed && is_one_of(open.name, &RAW) => Some(open.name),
            _ => None,
        };
        nodes.push(node);
        if let Some(name) = raw {
            let end = end_of_raw(&page[at..], name);
            if end > 0 {
                nodes.push(Node::Raw(&page[at..at + end]));
            }
            at += end;
        }
        text_from = at;
    }
    if text_from < page.len() {
        nodes.push(Node::Text(&page[text_from..]));
    }
    nodes
}

impl<'h> Node<'h> {
    /// Its text in the page.
    pub fn source(&self) -> &'h str {
        match self {
            Self::Text(text) | Self::Raw(text) | Self::Comment(text) | Self::Declaration(text) => text,
            Self::Open(open) => open.whole,
            Self::Close(_, whole) => whole,
        }
    }
}

fn comment(rest: &str) -> Option<Node<'_>> {
    let end = rest[4..].find("-->").map(|end| 4 + end + 3);
    // One that does not end goes on to the end of the page, as browsers have it.
    Some(Node::Comment(&rest[..end.unwrap_or(rest.len())]))
}

fn close(rest: &str) -> Option<Node<'_>> {
    let end = rest.find('>')?;
    let name = rest[2..end].split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    Some(Node::Close(name, &rest[..=end]))
}

fn end_of_raw(inside: &str, name: &str) -> usize {
    let mut at = 0;
    while let Some(found) = inside[at..].find("</") {
        let begin = at + found;
        let is_it = inside.get(begin + 2..begin + 2 + name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
        if is_it {
            return begin;
        }
        at = begin + 2;
    }
    inside.len()
}

fn open(rest: &str) -> Option<Open<'_>> {
    let bytes = rest.as_bytes();
    let is_end = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let mut at = 1 + bytes[1..].iter().position(|byte| is_end(*byte))?;
    let name = &rest[1..at];
    let mut attributes = vec![];
    let mut closed = false;
    loop {
        match *bytes.get(at)? {
            b'>' => break,
            b'/' => {
                closed = true;
                at += 1;
            }
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                closed = false;
                let begin = at;
                at += bytes[at..].iter().position(|byte| is_end(*byte) || *byte == b'=')?.max(1);
                let attribute = &rest[begin..at];
                let mut value = "";
                let next = at + bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
                if bytes[next] == b'=' {
                    at = next + 1;
                    at += bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
                    let quote = bytes[at];
                    if matches!(quote, b'"' | b'\'') {
                        let end = at + 1 + memchr::memchr(quote, &bytes[at + 1..])?;
                        value = &rest[at + 1..end];
                        at = end + 1;
                    } else {
                        let end =
                            at + bytes[at..].iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'>')?;
                        value = &rest[at..end];
                        at = end;
                    }
                }
                attributes.push((attribute, value));
            }
        }
    }
    Some(Open { name, attributes, closed, whole: &rest[..=at] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_page_are_the_page() {
        let pages = [
            "<!doctype html><p class='a' id=b hidden>1 < 2 <br/>x</p><!-- <b> --><style>p > a {}</style>",
            "<a href=\"x>y\" title = 'it is'>",
            "<",
            "<<p",
            "</",
            "<!--",
            "<p a=",
            "<style>",
            "</style",
            "<p a=\"",
            "a<b>c</b",
            "<p =x>",
            "<ü>",
        ];
        for page in pages {
            let whole: String = nodes(page).iter().map(Node::source).collect();
            assert_eq!(whole, page);
        }
    }

    #[test]
    fn elements_nest_as_people_write_them() {
        let html = |page: &str| depth(&nodes(page), false);
        assert_eq!(html("<p>a<p>b<ul><li>c<li>d</ul><br><img>"), 3);
        assert_eq!(html("<table><tr><td><font>a<td>b<tr><td>c</table><div></div>"), 4);
        assert_eq!(html("<b>a</i></b><i></i></u>"), 1);
        assert_eq!(html("<div><b>a</div><div><b>b</div>"), 2);
        for (page, count) in [("<x>a</y></z>", 1), ("<svg><td/>", 2), ("<b><div></b>", 2), ("<x/>", 1), ("<a><p>", 2)] {
            assert_eq!(html(&page.repeat(50)), 50 * count, "{page}");
        }
        assert_eq!(depth(&nodes("<mj-a><mj-b/></mj-x></mj-a><mj-c>"), true), 1);
        assert_eq!(depth(&nodes(&"<mj-a>a</mj-b>".repeat(50)), true), 50);
    }

    #[test]
    fn attributes_are_read_with_and_without_quotes() {
        let page = "<a href=\"x>y\" TITLE = 'it is' id=b hidden/>";
        let nodes = nodes(page);
        let Node::Open(open) = &nodes[0] else { panic!("{nodes:?}") };
        assert_eq!((open.get("href"), open.get("title"), open.get("id")), (Some("x>y"), Some("it is"), Some("b")));
        assert!(open.closed && open.get("hidden") == Some("") && open.get("src").is_none());
    }
}
