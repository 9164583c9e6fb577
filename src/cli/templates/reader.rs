//! Reads the files of one template.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use serde_json::Value;
use toml::Spanned;

use super::disk::shown;
use super::folder::FolderTemplate;
use super::manifest::{self, ByLocale, Line, Manifest, NotificationTable, VoiceTable, WhatsappTable};
use super::names::{MANIFEST, Role};
use super::origin::{Origin, Origins};
use super::problem::{Problem, Spot};
use crate::domain::customer::profile;
use crate::domain::message::event::MessageClass;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::{
    Approval, Content, EmailTexts, Key, KeyMeaning, LocalContent, Markup, NotificationTexts, OnMachine, SmsTexts, Step,
    TemplateKind, VoiceScript, WhatsappTexts,
};
use crate::domain::template::decide::{self, SaveTemplate};
use crate::domain::value::{Channel, InvalidValue};

/// A file's name for commlog, with its path and bytes.
type Named<'f> = BTreeMap<String, (&'f str, &'f [u8])>;

/// Where the texts of each channel and locale were written, in the command's order.
type Places = Vec<((Channel, String), Origins)>;

/// Reads a file's text: UTF-8, or UTF-16 with its mark. Line ends become those of Unix.
pub fn decode(bytes: &[u8]) -> Result<String, (Option<Spot>, &'static str)> {
    let text = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, mark)) => {
            let (text, had_errors) = encoding.decode_without_bom_handling(&bytes[mark..]);
            if had_errors {
                return Err((None, "the file holds bytes that are not of its encoding; save it as UTF-8"));
            }
            text.into_owned()
        }
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).replace("\r\n", "\n");
                let spot = Spot::of(&before, before.len());
                return Err((Some(spot), "the file is not UTF-8 from here on; save it as UTF-8"));
            }
        },
    };
    if text.contains('\0') {
        return Err((None, "the file holds NUL characters; save it as UTF-8"));
    }
    Ok(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text })
}

/// Reads values for previews.
pub(super) fn sample(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, Value>, Problem> {
    let wrong = |(spot, message): (Option<Spot>, String)| Problem::error(file, spot, "SAMPLE_INVALID", message);
    let text = decode(bytes).map_err(|(spot, message)| wrong((spot, message.to_owned())))?;
    let table: toml::Table = toml::from_str(&text)
        .map_err(|error| wrong((error.span().map(|span| Spot::of(&text, span.start)), error.message().to_owned())))?;
    values(&table).map_err(|message| wrong((None, message)))
}

fn values(table: &toml::Table) -> Result<BTreeMap<String, Value>, String> {
    table.iter().map(|(name, value)| Ok((name.clone(), manifest::to_json(value)?))).collect()
}

/// Reads a template from its files, or says all that is wrong with them.
pub(super) fn template(
    root: &Path,
    below: &str,
    code: &str,
    files: &Named<'_>,
) -> Result<FolderTemplate, Vec<Problem>> {
    let mut reader = Reader { manifest: shown(root, files[MANIFEST].0), source: String::new(), problems: vec![] };
    let read = reader.template(root, below, code, files);
    match read {
        Some(template) if reader.problems.is_empty() => Ok(template),
        _ => Err(reader.problems),
    }
}

struct Reader {
    /// The path of `template.toml`, as it is shown.
    manifest: String,
    /// Its text.
    source: String,
    problems: Vec<Problem>,
}

/// The texts that are files of their own, with their paths as they are shown.
#[derive(Default)]
struct Texts {
    layouts: BTreeMap<String, Vec<(Markup, String, String)>>,
    plain: BTreeMap<String, (String, String)>,
    sms: BTreeMap<String, (String, String)>,
}

impl Reader {
    fn problem(&mut self, file: &str, spot: Option<Spot>, message: impl Into<String>) {
        self.problems.push(Problem::error(file, spot, "TEMPLATE_FOLDER", message));
    }

    fn wrong(&mut self, offset: usize, message: impl Into<String>) {
        let (file, spot) = (self.manifest.clone(), Spot::of(&self.source, offset));
        self.problem(&file, Some(spot), message);
    }

    fn template(&mut self, root: &Path, below: &str, code: &str, files: &Named<'_>) -> Option<FolderTemplate> {
        if decide::code(code).as_deref() != Ok(code) {
            let message = "the folder's name is the template's code: at most 60 small letters, digits, - or _";
            self.problem(&shown(root, below), None, message);
        }
        let mut texts = Texts::default();
        for (name, (path, bytes)) in files {
            let path = shown(root, path);
            match (Role::of(name), decode(bytes)) {
                (_, Err((spot, message))) => self.problem(&path, spot, message),
                (Some(role), Ok(text)) => self.take(role, path, text, &mut texts),
                (None, Ok(_)) => {}
            }
        }
        if !self.problems.is_empty() {
            return None;
        }
        let manifest = match manifest::read(&self.source) {
            Ok(manifest) => manifest,
            Err((spot, message)) => {
                let file = self.manifest.clone();
                self.problem(&file, spot, message);
                return None;
            }
        };
        let (command, places) = self.command(code, manifest, texts)?;
        let (title, default_locale) = (self.key("title"), self.key("default_locale"));
        match decide::draft(command) {
            Ok(draft) => {
                Some(FolderTemplate { draft, folder: below.to_owned(), origins: places.into_iter().collect() })
            }
            Err(refusal) => {
                let origins: Vec<Origins> = places.into_iter().map(|(_, origins)| origins).collect();
                self.refused(refusal, &origins, title, default_locale);
                None
            }
        }
    }

    fn take(&mut self, role: Role, path: String, text: String, texts: &mut Texts) {
        let text =
            if role == Role::Manifest { text } else { text.strip_suffix('\n').map_or(text.clone(), str::to_owned) };
        match role {
            Role::Manifest => self.source = text,
            Role::Sample => {}
            Role::Layout(markup, locale) => texts.layouts.entry(locale).or_default().push((markup, path, text)),
            Role::Text(locale) => drop(texts.plain.insert(locale, (path, text))),
            Role::Sms(locale) => drop(texts.sms.insert(locale, (path, text))),
        }
    }

    /// Where a key of the first level stands.
    fn key(&self, name: &str) -> Option<Spot> {
        let lines = self.source.lines().enumerate();
        let mut found = lines.filter(|(_, line)| line.trim_start().strip_prefix(name).is_some_and(is_assigned));
        found.next().map(|(number, _)| Spot { line: u32::try_from(number + 1).unwrap_or(u32::MAX), column: 1 })
    }

    /// Puts a refusal of the domain to the place of what it is about.
    fn refused(&mut self, refusal: Refusal, origins: &[Origins], title: Option<Spot>, default_locale: Option<Spot>) {
        let Refusal { code, message, field } = refusal;
        let field = field.unwrap_or_default();
        let of_text = field.strip_prefix("contents[").and_then(|rest| rest.split_once("]."));
        let (file, spot) =
            match of_text.and_then(|(index, name)| Some((origins.get(index.parse::<usize>().ok()?)?, name))) {
                Some((origins, name)) => {
                    let (file, spot) = origins.of(name).find(None);
                    (file.to_owned(), spot)
                }
                None if field == "title" => (self.manifest.clone(), title),
                None if field == "default_locale" => (self.manifest.clone(), default_locale),
                None => (self.manifest.clone(), None),
            };
        let message = match of_text {
            Some((index, _)) => message.trim_start_matches(&format!("contents[{index}].")).to_owned(),
            None => message,
        };
        self.problems.push(Problem::error(file, spot, code, message));
    }

    fn word<T: FromStr<Err = InvalidValue>>(&mut self, line: Option<&Line>, otherwise: T) -> T {
        let Some(line) = line else { return otherwise };
        line.get_ref().parse().unwrap_or_else(|error: InvalidValue| {
            self.wrong(line.span().start, error.reason);
            otherwise
        })
    }

    fn command(&mut self, code: &str, manifest: Manifest, texts: Texts) -> Option<(SaveTemplate, Places)> {
        let kind = self.word(manifest.kind.as_ref(), TemplateKind::Message);
        let class = self.word(manifest.class.as_ref(), MessageClass::Marketing);
        let variables = values(&manifest.variables).unwrap_or_else(|message| {
            self.wrong(0, format!("variables: {message}"));
            BTreeMap::new()
        });
        let title = manifest.title.get_ref().clone();
        let subject = (kind == TemplateKind::Partial).then_some(title.as_str());
        let mut contents = self.emails(manifest.email, &texts, subject);
        for (locale, (path, body)) in texts.sms {
            let origins = Origins::new(Origin::File(path));
            contents.push((LocalContent { locale, content: Content::Sms(SmsTexts { body }) }, origins));
        }
        self.each(manifest.whatsapp, &mut contents, Self::whatsapp);
        self.each(manifest.voice, &mut contents, Self::voice);
        let push = |reader: &mut Self, table, whole| reader.notification(table, whole, Content::Push);
        self.each(manifest.push, &mut contents, push);
        let in_app = |reader: &mut Self, table, whole| reader.notification(table, whole, Content::InApp);
        self.each(manifest.in_app, &mut contents, in_app);
        if !self.problems.is_empty() {
            return None;
        }
        let default_locale = manifest.default_locale.map(Spanned::into_inner);
        let (contents, origins): (Vec<_>, Vec<_>) = contents.into_iter().unzip();
        let places = contents.iter().map(|local| (local.content.channel(), local.locale.clone()));
        let places = places.zip(origins).collect();
        let code = code.to_owned();
        Some((SaveTemplate { code, title, kind, class, default_locale, variables, contents, revision: None }, places))
    }

    /// Tables by their locales in the usual spelling.
    fn locales<T>(&mut self, tables: ByLocale<T>) -> BTreeMap<String, Spanned<T>> {
        let mut found = BTreeMap::new();
        for (written, table) in tables {
            let offset = table.span().start;
            match profile::locale(Some(written.clone())) {
                Ok(Some(locale)) => {
                    if found.insert(locale, table).is_some() {
                        self.wrong(offset, format!("the locale {written} has two tables"));
                    }
                }
                _ => self.wrong(offset, format!("{written:?} is not a language tag (BCP 47), such as en-GB")),
            }
        }
        found
    }

    fn each<T>(
        &mut self,
        tables: ByLocale<T>,
        contents: &mut Vec<(LocalContent, Origins)>,
        read: impl Fn(&mut Self, T, Origins) -> (Content, Origins),
    ) {
        for (locale, table) in self.locales(tables) {
            let whole = Origins::new(Origin::at(&self.manifest, &self.source, table.span().start));
            let (content, origins) = read(self, table.into_inner(), whole);
            contents.push((LocalContent { locale, content }, origins));
        }
    }

    fn origin(&self, line: &Line) -> Origin {
        Origin::of(&self.manifest, &self.source, line)
    }

    fn emails(
        &mut self,
        tables: ByLocale<manifest::EmailTable>,
        texts: &Texts,
        subject_of_partial: Option<&str>,
    ) -> Vec<(LocalContent, Origins)> {
        let tables = self.locales(tables);
        let locales: BTreeSet<&String> = tables.keys().chain(texts.layouts.keys()).chain(texts.plain.keys()).collect();
        let mut emails = vec![];
        for locale in locales {
            let (layouts, text) = (texts.layouts.get(locale), texts.plain.get(locale));
            let (markup, path, source) = match layouts.map(Vec::as_slice) {
                Some([one]) => one,
                Some([(_, one, _), (_, other, _), ..]) => {
                    self.problem(other, None, format!("{one} is the same mail's layout; remove one"));
                    continue;
                }
                _ => {
                    let needed = format!("the email needs its layout: {locale}.mjml or {locale}.html");
                    match text {
                        Some((path, _)) => {
                            let message = format!("{needed} (the text of an SMS is in {locale}.sms.txt)");
                            self.problem(path, None, message);
                        }
                        None => self.wrong(tables.get(locale).map_or(0, |table| table.span().start), needed),
                    }
                    continue;
                }
            };
            let table = tables.get(locale).map(Spanned::get_ref);
            let subject = table.and_then(|table| table.subject.as_ref());
            let Some(line) = subject.map(|line| line.get_ref().as_str()).or(subject_of_partial) else {
                let message = format!("template.toml has no subject for it: [email.{locale}] with subject = \"…\"");
                self.problem(path, None, message);
                continue;
            };
            let preheader = table.and_then(|table| table.preheader.as_ref());
            let origins = Origins::new(Origin::File(path.clone()))
                .with("subject", subject.map(|line| self.origin(line)))
                .with("preheader", preheader.map(|line| self.origin(line)))
                .with("text", text.map(|(path, _)| Origin::File(path.clone())));
            let content = Content::Email(EmailTexts {
                subject: line.to_owned(),
                preheader: preheader.map(|line| line.get_ref().clone()),
                markup: *markup,
                source: source.clone(),
                text: text.map(|(_, text)| text.clone()),
            });
            emails.push((LocalContent { locale: locale.clone(), content }, origins));
        }
        emails
    }

    fn whatsapp(&mut self, table: WhatsappTable, whole: Origins) -> (Content, Origins) {
        let approval = self.word(table.approval.as_ref(), Approval::Draft);
        let mut origins = whole.with("body", Some(self.origin(&table.body)));
        for (index, variable) in table.variables.iter().enumerate() {
            origins = origins.with(format!("variables[{index}]"), Some(self.origin(variable)));
        }
        let content = WhatsappTexts {
            provider_template: table.provider_template,
            language: table.language,
            variables: table.variables.into_iter().map(Spanned::into_inner).collect(),
            body: table.body.into_inner(),
            approval,
        };
        (Content::Whatsapp(content), origins)
    }

    fn voice(&mut self, table: VoiceTable, whole: Origins) -> (Content, Origins) {
        let mut origins = whole.with("language", Some(self.origin(&table.language)));
        let mut steps = vec![];
        for (index, step) in table.steps.into_iter().enumerate() {
            let offset = step.span().start;
            let step = step.into_inner();
            match (step.say, step.pause) {
                (Some(say), None) => {
                    origins = origins.with(format!("steps[{index}]"), Some(self.origin(&say)));
                    steps.push(Step::Say(say.into_inner()));
                }
                (None, Some(seconds)) => steps.push(Step::Pause(seconds)),
                _ => self.wrong(offset, "a step is either { say = \"…\" } or { pause = 2 }"),
            }
        }
        let mut keys = vec![];
        for (index, key) in table.keys.into_iter().enumerate() {
            let key = key.into_inner();
            origins = origins.with(format!("keys[{index}]"), Some(self.origin(&key.say)));
            let meaning = self.word(Some(&key.meaning), KeyMeaning::Answer);
            keys.push(Key { digit: key.key, meaning, say: key.say.into_inner() });
        }
        let machine = table.machine.as_ref().map(|machine| self.word(Some(machine), OnMachine::HangUp));
        let (language, voice) = (table.language.into_inner(), table.voice);
        (Content::Voice(VoiceScript { language, voice, steps, machine, keys }), origins)
    }

    fn notification(
        &mut self,
        table: NotificationTable,
        whole: Origins,
        content: impl Fn(NotificationTexts) -> Content,
    ) -> (Content, Origins) {
        let origins = whole
            .with("title", Some(self.origin(&table.title)))
            .with("body", Some(self.origin(&table.body)))
            .with("link", table.link.as_ref().map(|link| self.origin(link)));
        let (title, body) = (table.title.into_inner(), table.body.into_inner());
        (content(NotificationTexts { title, body, link: table.link.map(Spanned::into_inner) }), origins)
    }
}

fn is_assigned(rest: &str) -> bool {
    rest.trim_start().starts_with('=')
}
