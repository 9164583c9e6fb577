//! From MJML or pasted HTML to the HTML of a mail. Nothing is fetched: no include of MJML's, no style sheet, no font.

use std::collections::{HashMap, HashSet};

use super::fault::{Fault, FaultKind};
use super::markup::{self, Node};
use super::weave::Woven;
use crate::domain::template::content::Markup;

/// How deep elements nest at most: MJML's parser calls itself for each.
const MAX_DEPTH: usize = 100;
/// Elements of a page at most.
const MAX_ELEMENTS: usize = 10_000;
/// Of the sign that tags and comments begin with: whatever a parser makes of a page, it has no more elements.
pub(super) const MAX_TAGS: usize = 20_000;
/// Style rules at most: each is compared with each element.
const MAX_RULES: usize = 2_000;

/// Where a link may lead.
pub(super) const SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "sms", "cid"];

/// The page of a mail, with the marks of its outputs and tags.
pub(super) fn to_html(woven: &Woven, markup: Markup, locale: &str) -> Result<String, Fault> {
    check(woven, markup)?;
    match markup {
        Markup::Mjml => {
            let html = from_mjml(woven)?;
            inline_css(&html, true)
        }
        Markup::Html => {
            let inlined = inline_css(&woven.text, false)?;
            Ok(document(&sanitise(&inlined), locale))
        }
    }
}

fn check(woven: &Woven, markup: Markup) -> Result<(), Fault> {
    let limit = |message: String| Err(Fault::new(FaultKind::Limit, None, message));
    if woven.text.bytes().filter(|byte| *byte == b'<').count() > MAX_TAGS {
        return limit(format!("has more than {MAX_TAGS} tags"));
    }
    let nodes = markup::nodes(&woven.text);
    let depth = markup::depth(&nodes, markup == Markup::Mjml);
    if depth > MAX_DEPTH {
        return limit(format!("elements nest {depth} levels deep; at most {MAX_DEPTH} are allowed"));
    }
    let elements = nodes.iter().filter(|node| matches!(node, Node::Open(_))).count();
    if elements > MAX_ELEMENTS {
        return limit(format!("has {elements} elements; at most {MAX_ELEMENTS} are allowed"));
    }
    let rules: usize = nodes
        .iter()
        .map(|node| match node {
            Node::Raw(text) => text.bytes().filter(|byte| matches!(byte, b'{' | b',')).count(),
            _ => 0,
        })
        .sum();
    if rules > MAX_RULES {
        return limit(format!("has {rules} style rules; at most {MAX_RULES} are allowed"));
    }
    Ok(())
}

fn from_mjml(woven: &Woven) -> Result<String, Fault> {
    let parsed = mrml::parse(&woven.text).map_err(|error| mjml_fault(woven, &error))?;
    // Without the fonts that MJML offers: a mail that loads them from elsewhere tells their host who reads it.
    let options = mrml::prelude::render::RenderOptions { fonts: HashMap::new(), ..Default::default() };
    parsed.element.render(&options).map_err(|error| Fault::new(FaultKind::Markup, None, error.to_string()))
}

fn mjml_fault(woven: &Woven, error: &mrml::prelude::parser::Error) -> Fault {
    use mrml::prelude::parser::Error;
    let (message, offset) = match error {
        Error::UnexpectedElement { position, .. } => {
            let name: String =
                woven.text.get(position.start..position.end).unwrap_or_default().chars().take(40).collect();
            (format!("MJML does not allow {name:?} here"), Some(position.start))
        }
        Error::UnexpectedToken { position, .. } => {
            ("MJML does not allow this here; text belongs inside mj-text or mj-raw".to_owned(), Some(position.start))
        }
        Error::MissingAttribute { name, position, .. } => {
            (format!("the element needs the attribute {name}"), Some(position.start))
        }
        Error::InvalidAttribute { position, .. } => {
            ("the attribute is not one of this element".to_owned(), Some(position.start))
        }
        Error::InvalidFormat { position, .. } => ("the value cannot be read".to_owned(), Some(position.start)),
        Error::EndOfStream { .. } => {
            ("an element is not closed when the text ends".to_owned(), Some(woven.text.trim_end().len()))
        }
        Error::SizeLimit { .. } => ("it is too large".to_owned(), None),
        Error::ParserError { source, .. } => {
            let at = source.pos();
            (format!("the MJML cannot be read: {}", reason(source)), offset_of(&woven.text, at.row, at.col))
        }
        Error::NoRootNode => ("MJML begins with an mjml element".to_owned(), Some(0)),
        Error::IncludeLoaderError { position, .. } => {
            ("mj-include is not supported: write {% include 'code' %}".to_owned(), Some(position.start))
        }
    };
    Fault::new(FaultKind::Markup, offset.and_then(|offset| woven.place_at(offset)), message)
}

/// The first clause of the parser's words: the rest repeats the place in another text.
fn reason(error: &impl std::fmt::Display) -> String {
    let words = error.to_string();
    words.split(" at ").next().unwrap_or_default().to_owned()
}

fn offset_of(text: &str, row: u32, column: u32) -> Option<usize> {
    let row = usize::try_from(row).ok()?.checked_sub(1)?;
    let begin = if row == 0 { 0 } else { text.match_indices('\n').nth(row - 1)?.0 + 1 };
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    let within = text[begin..].char_indices().nth(column).map_or(text.len() - begin, |(offset, _)| offset);
    Some(begin + within)
}

/// Writes styles into the elements, for mail programs that ignore style sheets. What an element cannot hold, such as rules for
/// narrow screens, stays in the head.
fn inline_css(html: &str, keeps_styles: bool) -> Result<String, Fault> {
    let inliner =
        css_inline::CSSInliner::options().keep_style_tags(keeps_styles).load_remote_stylesheets(false).build();
    inliner
        .inline(html)
        .map_err(|error| Fault::new(FaultKind::Markup, None, format!("the styles cannot be read: {error}")))
}

/// Pasted HTML without what runs, what is sent to elsewhere and what leaves the mail.
fn sanitise(html: &str) -> String {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(["center", "font", "u", "s", "small", "big", "section", "main"])
        .add_generic_attributes([
            "align",
            "bgcolor",
            "border",
            "cellpadding",
            "cellspacing",
            "class",
            "color",
            "data-track",
            "dir",
            "face",
            "height",
            "id",
            "lang",
            "role",
            "size",
            "style",
            "title",
            "valign",
            "width",
        ])
        .add_tag_attributes("a", ["target", "name"])
        .add_tag_attributes("td", ["background"])
        .add_tag_attributes("table", ["background"])
        // What a page is called is no part of its text.
        .add_clean_content_tags(["title"])
        .url_schemes(HashSet::from(SCHEMES))
        .filter_style_properties(style_properties())
        .link_rel(None)
        // The marks of tags are comments, and no others are left.
        .strip_comments(false);
    cleaner.clean(html).to_string()
}

/// What styles may say; positions outside of the text and behaviours are not among it.
fn style_properties() -> HashSet<&'static str> {
    HashSet::from([
        "background",
        "background-color",
        "background-image",
        "background-position",
        "background-repeat",
        "background-size",
        "border",
        "border-bottom",
        "border-collapse",
        "border-color",
        "border-left",
        "border-radius",
        "border-right",
        "border-spacing",
        "border-style",
        "border-top",
        "border-width",
        "box-sizing",
        "clear",
        "color",
        "direction",
        "display",
        "float",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-variant",
        "font-weight",
        "height",
        "letter-spacing",
        "line-height",
        "list-style",
        "list-style-type",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "mso-line-height-rule",
        "mso-table-lspace",
        "mso-table-rspace",
        "opacity",
        "overflow",
        "overflow-wrap",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "table-layout",
        "text-align",
        "text-decoration",
        "text-indent",
        "text-transform",
        "vertical-align",
        "visibility",
        "white-space",
        "width",
        "word-break",
        "word-spacing",
        "word-wrap",
    ])
}

fn document(body: &str, locale: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{locale}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head><body>{body}</body></html>"
    )
}

/// Puts the line that mail programs show beside the subject at the beginning of a page.
pub(super) fn with_preheader(html: &str, preheader: &str) -> String {
    let hidden = "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden";
    let begin = html.find("<body").and_then(|body| html[body..].find('>').map(|end| body + end + 1)).unwrap_or(0);
    format!("{}<div style=\"{hidden}\">{preheader}</div>{}", &html[..begin], &html[begin..])
}
