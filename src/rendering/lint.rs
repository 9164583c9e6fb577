//! What is not wrong in a template, but will be regretted.

use url::Url;

use super::compile::{self, Includes};
use super::fault::{Fault, Place};
use super::layout;
use super::markup::{Node, Open, nodes};
use super::scan::{self, Piece};
use super::weave::Woven;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::{Content, EmailTexts, KeyMeaning, LocalContent, VoiceScript};
use crate::domain::value::Channel;
use crate::domain::value::sms;

/// Gmail shows no more of a page, in bytes, and hides the unsubscribe link with the rest.
const CLIPPED_AT: usize = 102 * 1024;
/// Carriers and providers take no more, in characters.
const LONGEST_SMS: usize = 1_600;
/// What mail programs show of a subject, in characters.
const SHOWN_SUBJECT: usize = 78;
/// Phrases that filters have seen too often, in small letters.
const SPAMMY: [&str; 14] = [
    "act now",
    "buy now",
    "100% free",
    "free!!!",
    "risk-free",
    "winner",
    "you won",
    "click here",
    "cash bonus",
    "jetzt zugreifen",
    "gratis!!!",
    "100% gratis",
    "gewonnen",
    "klicken sie hier",
];

/// The elements of MJML, without `mj-` (<https://documentation.mjml.io/#components>).
const MJML: &str = "accordion accordion-element accordion-text accordion-title all attributes body breakpoint button carousel \
    carousel-image class column divider font group head hero html-attribute html-attributes image navbar navbar-link preview raw \
    section selector social social-element spacer style table text title wrapper";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a look.
    Warning,
    /// It cannot be published like this.
    Error,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// For programs, such as `NO_UNSUBSCRIBE_LINK`.
    pub code: &'static str,
    /// The channel of the text.
    pub channel: Channel,
    /// The locale of the text.
    pub locale: String,
    /// The text: `subject`, `source`, …
    pub field: String,
    /// Where in that text.
    pub place: Option<Place>,
    /// For people.
    pub message: String,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// It advertises.
    pub is_marketing: bool,
    /// It is included in others.
    pub is_partial: bool,
}

/// Looks at a text.
#[must_use]
pub fn lint(local: &LocalContent, includes: &Includes, purpose: Purpose) -> Vec<Finding> {
    let mut lint = Lint { local, findings: vec![] };
    // A partial of MJML is no page by itself: it is compiled with what includes it.
    if !purpose.is_partial
        && let Err(fault) = compile::compile(local, includes)
    {
        lint.fault(fault);
        return lint.findings;
    }
    match &local.content {
        Content::Email(email) => lint.email(email, includes, purpose),
        Content::Sms(text) => lint.sms(&text.body),
        Content::Voice(script) => lint.voice(script, purpose),
        Content::Whatsapp(_) | Content::Push(_) | Content::InApp(_) => {}
    }
    lint.findings
}

struct Lint<'l> {
    local: &'l LocalContent,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn find(&mut self, code: &'static str, field: &str, place: Option<Place>, message: impl Into<String>) {
        self.findings.push(Finding {
            level: Level::Warning,
            code,
            channel: self.local.content.channel(),
            locale: self.local.locale.clone(),
            field: field.to_owned(),
            place,
            message: message.into(),
        });
    }

    fn fault(&mut self, fault: Fault) {
        self.findings.push(Finding {
            level: Level::Error,
            code: Refusal::from(fault.clone()).code,
            channel: self.local.content.channel(),
            locale: self.local.locale.clone(),
            field: fault.field,
            place: fault.place,
            message: fault.message,
        });
    }

    /// Recorded marketing calls must offer a key that ends them for good (47 CFR 64.1200(b)(3)).
    fn voice(&mut self, script: &VoiceScript, purpose: Purpose) {
        let can_opt_out = script.keys.iter().any(|key| key.meaning == KeyMeaning::OptOut);
        if purpose.is_marketing && !purpose.is_partial && !can_opt_out {
            self.find(
                "NO_OPT_OUT_KEY",
                "keys",
                None,
                "no key opts out of further calls, which marketing calls must offer",
            );
        }
    }

    fn email(&mut self, email: &EmailTexts, includes: &Includes, purpose: Purpose) {
        if !purpose.is_partial {
            self.subject(&email.subject);
        }
        let (woven, page) = match compile::page(email, &self.local.locale, includes) {
            Ok(made) => made,
            Err(_) if purpose.is_partial => return,
            Err(fault) => return self.fault(fault),
        };
        let page = email.preheader.as_ref().map_or_else(|| page.clone(), |line| layout::with_preheader(&page, line));
        if page.len() > CLIPPED_AT {
            let message = format!(
                "the page has {} KB before its variables are filled in; Gmail cuts it off at 102 KB",
                page.len() / 1024
            );
            self.find("PAGE_TOO_LARGE", "source", None, message);
        }
        let (mut offset, mut are_defaults) = (0, false);
        for node in nodes(&woven.text) {
            match &node {
                // What stands there is said of all elements of a name, and is none of them.
                Node::Open(open) if open.is("mj-attributes") => are_defaults = !open.closed,
                Node::Close(name, _) if name.eq_ignore_ascii_case("mj-attributes") => are_defaults = false,
                Node::Open(open) if !are_defaults => self.element(open, &woven, offset),
                _ => {}
            }
            offset += node.source().len();
        }
        let unsubscribes = woven.slots.iter().any(|slot| slot.inner.contains("unsubscribe_url"));
        if purpose.is_marketing && !purpose.is_partial && !unsubscribes {
            let message = "marketing needs a link to unsubscribe: <a href=\"{{ unsubscribe_url }}\">";
            self.find("NO_UNSUBSCRIBE_LINK", "source", None, message);
        }
    }

    fn element(&mut self, open: &Open<'_>, woven: &Woven, offset: usize) {
        let place = || woven.place_at(offset);
        let is_unknown = |name: &str| MJML.split_whitespace().all(|known| known != name);
        if open.name.strip_prefix("mj-").is_some_and(is_unknown) {
            let message = format!("MJML has no element {:?}: what is in it may not be shown", open.name);
            self.find("MJML_UNKNOWN_ELEMENT", "source", place(), message);
        }
        if (open.is("img") || open.is("mj-image")) && open.get("alt").is_none() {
            let message = "the image has no alt text, which is read out, and shown while images are blocked";
            self.find("IMAGE_WITHOUT_ALT", "source", place(), message);
        }
        for name in ["href", "src"] {
            let Some(address) = open.get(name).map(str::trim) else { continue };
            let begins_with_output = woven.marks(address).next().is_some_and(|(at, _)| at == 0);
            if begins_with_output || address.starts_with('#') {
                continue;
            }
            let plain = address.replace("&amp;", "&");
            match Url::parse(&plain) {
                Ok(url)
                    if matches!(url.scheme(), "http" | "https") && url.host_str().is_none_or(|host| !is_host(host)) =>
                {
                    self.find("LINK_INVALID", "source", place(), "the link has no host that could exist");
                }
                Ok(url) if matches!(url.scheme(), "http" | "https" | "mailto" | "tel" | "sms" | "cid") => {}
                Ok(_) => self.find("LINK_INVALID", "source", place(), "mail programs follow no such link"),
                Err(url::ParseError::RelativeUrlWithoutBase) => {
                    let message = "the link is relative: in a mail it leads nowhere; begin it with https://";
                    self.find("LINK_RELATIVE", "source", place(), message);
                }
                Err(error) => self.find("LINK_INVALID", "source", place(), format!("the link is invalid: {error}")),
            }
        }
    }

    fn subject(&mut self, subject: &str) {
        let letters: Vec<char> = literal(subject).chars().filter(|letter| letter.is_alphabetic()).collect();
        let capitals = letters.iter().filter(|letter| letter.is_uppercase()).count();
        let small = subject.to_lowercase();
        let shouts = letters.len() >= 8 && capitals * 10 >= letters.len() * 7;
        let repeats = ["!!", "??", "$$", "€€"].iter().any(|mark| subject.contains(mark));
        let phrase = SPAMMY.iter().find(|phrase| small.contains(*phrase));
        if shouts || repeats || phrase.is_some() {
            let what = match phrase {
                Some(phrase) => format!("says {phrase:?}"),
                None if shouts => "is written in capitals".to_owned(),
                None => "repeats its marks".to_owned(),
            };
            self.find(
                "SUBJECT_SPAMMY",
                "subject",
                None,
                format!("the subject {what}, which spam filters count against it"),
            );
        }
        let length = literal(subject).chars().count();
        if length > SHOWN_SUBJECT {
            let message = format!("the subject has {length} characters; mail programs show {SHOWN_SUBJECT} at most");
            self.find("SUBJECT_LONG", "subject", None, message);
        }
    }

    fn sms(&mut self, body: &str) {
        let length = literal(body).chars().count();
        if length > LONGEST_SMS {
            let message = format!(
                "the SMS has {length} characters before its variables are filled in; carriers take {LONGEST_SMS}"
            );
            self.find("SMS_TOO_LONG", "body", None, message);
        }
        let Ok(pieces) = scan::scan(body, None) else { return };
        let mut odd: Vec<(char, Place)> = vec![];
        let mut letters = 0_usize;
        for piece in &pieces {
            let Piece::Text(text, start) = piece else { continue };
            for (at, letter) in text.char_indices() {
                letters += 1;
                if !sms::is_gsm(letter) && !odd.iter().any(|(known, _)| *known == letter) {
                    odd.push((letter, scan::advanced(start, &text[..at])));
                }
            }
        }
        // In a text of another script every letter needs UCS-2: that is no oversight.
        if odd.len() > 3 && odd.len() * 10 > letters {
            return;
        }
        for (letter, place) in odd.into_iter().take(5) {
            let instead = sms::plain(letter).map(|plain| format!("; write {plain:?}")).unwrap_or_default();
            let message = format!(
                "{letter:?} (U+{:04X}) is not in the alphabet of SMS: a part holds 70 characters instead of 160{instead}",
                u32::from(letter)
            );
            self.find("SMS_NOT_GSM", "body", Some(place), message);
        }
    }
}

/// Whether a host may be one: with a dot, or an address; or a mark of an output in it.
fn is_host(host: &str) -> bool {
    host.contains('.') || host.starts_with('[') || host.starts_with("lq")
}

/// What stands outside of outputs and tags.
fn literal(source: &str) -> String {
    let pieces = scan::scan(source, None).unwrap_or_default();
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text, _) => Some(*text),
        Piece::Output(..) | Piece::Tag(..) => None,
    });
    texts.collect()
}
