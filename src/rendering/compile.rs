//! From the texts of a template to what is rendered for each customer.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono_tz::Tz;
use pure_rust_locales::Locale;

use super::fault::{Fault, FaultKind};
use super::filters::formats;
use super::program::Program;
use super::scan::{self, MAX_PIECES, Piece};
use super::values::Values;
use super::weave::Woven;
use super::{layout, plain};
use crate::domain::template::content::{
    Approval, Content, EmailTexts, Key, LocalContent, Markup, Step, VoiceScript, WhatsappTexts, choose,
};
use crate::domain::value::Channel;
use crate::domain::value::form::{Form, ProviderTemplate};

/// How deep templates include each other.
pub const MAX_INCLUDES: usize = 5;
/// Bytes of a text at most, with what it includes.
const MAX_SOURCE: usize = 500 * 1024;

/// The templates that a text may include, by code.
pub type Includes = BTreeMap<String, Included>;

/// A template that others include.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Included {
    /// The published version.
    pub version: u32,
    /// The locale of texts whose own it lacks.
    pub default_locale: String,
    /// By channel and locale.
    pub contents: Vec<LocalContent>,
    /// What it includes itself.
    pub includes: Includes,
}

/// A text that is ready to be rendered, for as many customers as there are.
#[derive(Debug)]
pub struct Compiled {
    /// The locale of the text.
    pub locale: String,
    /// How large what it was compiled from is, in bytes.
    pub source_bytes: usize,
    format: Locale,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Email(Box<Email>),
    Body(Program),
    Whatsapp { template: Box<WhatsappTexts>, body: Program, variables: Vec<Program> },
    Voice { script: Box<VoiceScript>, steps: Vec<Spoken>, keys: Vec<Program> },
    Notification { title: Program, body: Program, link: Option<Program> },
}

#[derive(Debug)]
struct Email {
    subject: Program,
    preheader: Option<Program>,
    html: Program,
    text: Program,
    /// The text was made of the page.
    text_is_made: bool,
}

#[derive(Debug)]
enum Spoken {
    Say(Program),
    Pause(u32),
}

/// What a customer gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// A mail's subject, a notification's title.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
    /// A mail's page.
    pub html: Option<String>,
    /// Where a notification leads.
    pub link: Option<String>,
    /// What its channel needs beside the text.
    pub form: Option<Form>,
}

impl Rendered {
    /// The values for a template that WhatsApp keeps, in order.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        match &self.form {
            Some(Form::Whatsapp(template)) => &template.values,
            Some(Form::Voice(_)) | None => &[],
        }
    }

    /// What a call says, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match &self.form {
            Some(Form::Voice(script)) => &script.steps,
            Some(Form::Whatsapp(_)) | None => &[],
        }
    }
}

/// Where a text is compiled.
#[derive(Clone, Copy)]
struct Site<'s> {
    channel: Channel,
    locale: &'s str,
    includes: &'s Includes,
}

/// Which text of an included template is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Layout(Markup),
    Text,
}

/// Compiles a text.
pub fn compile(local: &LocalContent, includes: &Includes) -> Result<Compiled, Fault> {
    roomy(|| {
        let site = Site { channel: local.content.channel(), locale: &local.locale, includes };
        let format = formats::locale(&local.locale).unwrap_or(Locale::en_GB);
        let parts = site.parts(&local.content)?;
        let source_bytes = sources(&local.content).iter().map(|source| source.len()).sum();
        Ok(Compiled { locale: local.locale.clone(), source_bytes, format, parts })
    })
}

/// The page of a mail with its marks, for what looks at it without a customer.
pub(super) fn page(email: &EmailTexts, locale: &str, includes: &Includes) -> Result<(Woven, String), Fault> {
    roomy(|| Site { channel: Channel::Email, locale, includes }.page(email))
}

/// The stack for reading a page, in bytes: the parsers call themselves for each element that another one is in, in ways that only
/// they know, and a stack that is too small ends the process. [`layout::MAX_TAGS`] elements within each other take a part of it.
/// It is address space: only what is used is memory.
const STACK: usize = 1024 * 1024 * 1024;

/// Reads a page where there is room for whatever it holds.
fn roomy<T: Send>(work: impl FnOnce() -> Result<T, Fault> + Send) -> Result<T, Fault> {
    let busy = || Fault::new(FaultKind::Limit, None, "it cannot be read now; try again");
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".to_owned()).stack_size(STACK);
        let reading = thread.spawn_scoped(scope, || guarded(work)).map_err(|_| busy())?;
        reading.join().unwrap_or_else(|_| Err(busy()))
    })
}

/// A panic of a library is the fault of the template that it was given, and must not end more than this.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Fault::new(FaultKind::Markup, None, "it cannot be read; simplify it")))
}

impl<'s> Site<'s> {
    fn parts(self, content: &Content) -> Result<Parts, Fault> {
        Ok(match content {
            Content::Email(email) => Parts::Email(Box::new(self.email(email)?)),
            Content::Sms(sms) => Parts::Body(self.text(&sms.body, "body")?),
            Content::Whatsapp(whatsapp) => Parts::Whatsapp {
                template: Box::new(whatsapp.clone()),
                body: self.text(&whatsapp.body, "body")?,
                variables: (whatsapp.variables.iter().enumerate())
                    .map(|(index, variable)| self.text(variable, &format!("variables[{index}]")))
                    .collect::<Result<_, _>>()?,
            },
            Content::Voice(script) => {
                let steps = script.steps.iter().enumerate().map(|(index, step)| match step {
                    Step::Say(words) => self.text(words, &format!("steps[{index}]")).map(Spoken::Say),
                    Step::Pause(seconds) => Ok(Spoken::Pause(*seconds)),
                });
                let keys = script.keys.iter().enumerate();
                let keys = keys.map(|(index, key)| self.text(&key.say, &format!("keys[{index}]")));
                Parts::Voice {
                    script: Box::new(script.clone()),
                    steps: steps.collect::<Result<_, _>>()?,
                    keys: keys.collect::<Result<_, _>>()?,
                }
            }
            Content::Push(notification) | Content::InApp(notification) => Parts::Notification {
                title: self.text(&notification.title, "title")?,
                body: self.text(&notification.body, "body")?,
                link: notification.link.as_ref().map(|link| self.text(link, "link")).transpose()?,
            },
        })
    }

    fn email(self, email: &EmailTexts) -> Result<Email, Fault> {
        let subject = self.text(&email.subject, "subject")?;
        let preheader = email.preheader.as_ref().filter(|preheader| !preheader.trim().is_empty());
        let preheader = preheader.map(|source| {
            let woven = Woven::of_page(&self.pieces(source, None)?, false)?;
            Program::compile(&woven, &woven.text)
        });
        let preheader = preheader.transpose().map_err(|fault| fault.in_field("preheader"))?;
        let (woven, page) = self.page(email)?;
        let html = Program::compile(&woven, &page).map_err(|fault| fault.in_field("source"))?;
        let text = match email.text.as_ref().filter(|text| !text.trim().is_empty()) {
            Some(text) => self.text(text, "text")?,
            None => {
                let text = woven.as_text(plain::text_of(&woven));
                Program::compile(&text, &text.text).map_err(|fault| fault.in_field("source"))?
            }
        };
        let text_is_made = email.text.as_ref().is_none_or(|text| text.trim().is_empty());
        Ok(Email { subject, preheader, html, text, text_is_made })
    }

    fn page(self, email: &EmailTexts) -> Result<(Woven, String), Fault> {
        let made = || {
            let pieces = self.pieces(&email.source, Some(email.markup))?;
            let woven = Woven::of_page(&pieces, email.markup == Markup::Mjml)?;
            let page = layout::to_html(&woven, email.markup, self.locale)?;
            woven.check_addresses(&page)?;
            Ok((woven, page))
        };
        made().map_err(|fault: Fault| fault.in_field("source"))
    }

    fn text(self, source: &str, field: &str) -> Result<Program, Fault> {
        let made = || {
            let woven = Woven::of_text(&self.pieces(source, None)?)?;
            Program::compile(&woven, &woven.text)
        };
        made().map_err(|fault: Fault| fault.in_field(field))
    }

    /// The pieces of a source, with those of what it includes in place of its includes.
    fn pieces(self, source: &'s str, markup: Option<Markup>) -> Result<Vec<Piece<'s>>, Fault>
    where
        Self: 's,
    {
        let want = markup.map_or(Want::Text, Want::Layout);
        let (mut pieces, mut bytes) = (vec![], source.len());
        self.expand(scan::scan(source, None)?, want, 0, &mut pieces, &mut bytes)?;
        Ok(pieces)
    }

    fn expand(
        self,
        from: Vec<Piece<'s>>,
        want: Want,
        depth: usize,
        into: &mut Vec<Piece<'s>>,
        bytes: &mut usize,
    ) -> Result<(), Fault> {
        for piece in from {
            let (code, place) = match piece {
                Piece::Tag("include", rest, place) => (included_code(rest), place),
                other => {
                    into.push(other);
                    continue;
                }
            };
            let wrong = |message: String| Err(Fault::at(FaultKind::Include, &place, message));
            let Some(code) = code else {
                return wrong("include takes the code of a template in quotes: {% include 'footer' %}".to_owned());
            };
            if depth >= MAX_INCLUDES {
                return wrong(format!("templates include each other deeper than {MAX_INCLUDES} levels"));
            }
            let Some((code, included)) = self.includes.get_key_value(code) else {
                return wrong(format!("there is no published partial {}", scan::shown(code)));
            };
            let Some(source) = self.source_of(included, want) else {
                let what = match want {
                    Want::Layout(markup) => format!("no {markup} layout"),
                    Want::Text => "no plain text".to_owned(),
                };
                return wrong(format!("the partial {} has {what} for this channel", scan::shown(code)));
            };
            *bytes += source.len();
            if *bytes > MAX_SOURCE || into.len() > MAX_PIECES {
                return wrong(format!("with what it includes it takes more than {MAX_SOURCE} bytes"));
            }
            let inner = Site { includes: &included.includes, ..self };
            inner.expand(scan::scan(source, Some(code))?, want, depth + 1, into, bytes)?;
        }
        Ok(())
    }

    fn source_of(self, included: &'s Included, want: Want) -> Option<&'s str> {
        let local = choose(&included.contents, self.channel, Some(self.locale), &included.default_locale)?;
        match (&local.content, want) {
            (Content::Email(email), Want::Layout(markup)) => (email.markup == markup).then_some(email.source.as_str()),
            (Content::Email(email), Want::Text) => email.text.as_deref(),
            (Content::Sms(sms), Want::Text) => Some(&sms.body),
            (Content::Whatsapp(whatsapp), Want::Text) => Some(&whatsapp.body),
            (Content::Push(notification) | Content::InApp(notification), Want::Text) => Some(&notification.body),
            (Content::Voice(_), _) | (_, Want::Layout(_)) => None,
        }
    }
}

/// A text with ordinary spaces in place of those that keep a number and its currency together: one of these would make each
/// letter of an SMS take twice the room.
fn plain_spaces(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn included_code(rest: &str) -> Option<&str> {
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    rest[1..].strip_suffix(quote).filter(|code| !code.contains(quote))
}

/// The codes of what a template's texts include themselves, without repetitions.
pub fn includes_of(contents: &[LocalContent]) -> Result<Vec<String>, Fault> {
    let mut codes = vec![];
    for source in contents.iter().flat_map(|local| sources(&local.content)) {
        for piece in scan::scan(source, None)? {
            if let Piece::Tag("include", rest, _) = piece
                && let Some(code) = included_code(rest)
                && !codes.iter().any(|known| known == code)
            {
                codes.push(code.to_owned());
            }
        }
    }
    Ok(codes)
}

fn sources(content: &Content) -> Vec<&str> {
    match content {
        Content::Email(email) => {
            let more = [email.preheader.as_deref(), email.text.as_deref()];
            [email.subject.as_str(), email.source.as_str()].into_iter().chain(more.into_iter().flatten()).collect()
        }
        Content::Sms(sms) => vec![&sms.body],
        Content::Whatsapp(whatsapp) => {
            std::iter::once(&whatsapp.body).chain(&whatsapp.variables).map(String::as_str).collect()
        }
        Content::Voice(script) => {
            let said = script.steps.iter().filter_map(|step| match step {
                Step::Say(words) => Some(words.as_str()),
                Step::Pause(_) => None,
            });
            said.chain(script.keys.iter().map(|key| key.say.as_str())).collect()
        }
        Content::Push(notification) | Content::InApp(notification) => {
            let link = notification.link.as_deref();
            [notification.title.as_str(), notification.body.as_str()].into_iter().chain(link).collect()
        }
    }
}

impl Compiled {
    /// Whether WhatsApp lets it be sent, if it is a template that WhatsApp keeps: as its author wrote it down.
    #[must_use]
    pub fn approval(&self) -> Option<Approval> {
        match &self.parts {
            Parts::Whatsapp { template, .. } => Some(template.approval),
            Parts::Email(_) | Parts::Body(_) | Parts::Voice { .. } | Parts::Notification { .. } => None,
        }
    }

    /// Fills in the values; moments are shown by the clock of the zone.
    pub fn render(&self, values: &Values, zone: Tz) -> Result<Rendered, Fault> {
        guarded(|| self.fill(values, zone))
    }

    fn fill(&self, values: &Values, zone: Tz) -> Result<Rendered, Fault> {
        let fill = |program: &Program, field: &str| {
            program.render(values.object(), self.format, zone).map_err(|fault| fault.in_field(field))
        };
        let line = |program: &Program, field: &str| fill(program, field).map(|text| one_line(&text));
        Ok(match &self.parts {
            Parts::Email(email) => {
                let mut html = fill(&email.html, "source")?;
                if let Some(preheader) = &email.preheader {
                    html = layout::with_preheader(&html, &line(preheader, "preheader")?);
                }
                let text = fill(&email.text, if email.text_is_made { "source" } else { "text" })?;
                let body = if email.text_is_made { without_gaps(&text) } else { text };
                Rendered {
                    subject: Some(line(&email.subject, "subject")?),
                    body,
                    html: Some(html),
                    ..Rendered::default()
                }
            }
            Parts::Body(body) => Rendered { body: plain_spaces(&fill(body, "body")?), ..Rendered::default() },
            Parts::Whatsapp { template, body, variables } => {
                let variables = variables.iter().enumerate();
                let variables = variables
                    .map(|(index, variable)| line(variable, &format!("variables[{index}]")))
                    .collect::<Result<_, _>>()?;
                let (template, language) = (template.provider_template.clone(), template.language.clone());
                let form = Form::Whatsapp(ProviderTemplate { template, language, values: variables });
                Rendered { body: fill(body, "body")?, form: Some(form), ..Rendered::default() }
            }
            Parts::Voice { script, steps, keys } => {
                let steps = steps.iter().enumerate().map(|(index, step)| match step {
                    Spoken::Say(words) => line(words, &format!("steps[{index}]")).map(Step::Say),
                    Spoken::Pause(seconds) => Ok(Step::Pause(*seconds)),
                });
                let steps = steps.collect::<Result<Vec<_>, _>>()?;
                let said: Vec<_> = steps
                    .iter()
                    .filter_map(|step| match step {
                        Step::Say(words) => Some(words.as_str()),
                        Step::Pause(_) => None,
                    })
                    .collect();
                let body = said.join("\n");
                let keys =
                    script.keys.iter().zip(keys).enumerate().map(|(index, (key, say))| {
                        Ok(Key { say: line(say, &format!("keys[{index}]"))?, ..key.clone() })
                    });
                let keys = keys.collect::<Result<_, Fault>>()?;
                let form = Form::Voice(VoiceScript { steps, keys, ..VoiceScript::clone(script) });
                Rendered { body, form: Some(form), ..Rendered::default() }
            }
            Parts::Notification { title, body, link } => Rendered {
                subject: Some(line(title, "title")?),
                body: fill(body, "body")?,
                link: link.as_ref().map(|link| line(link, "link")).transpose()?,
                ..Rendered::default()
            },
        })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A made text without the gaps that conditions leave which are not met.
fn without_gaps(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut blank = true;
    for line in text.lines().map(str::trim) {
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        kept.push_str(line);
        kept.push('\n');
    }
    kept.truncate(kept.trim_end().len());
    kept
}
