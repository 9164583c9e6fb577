//! `template.toml`: all of a template that is not a text of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::problem::Spot;
use crate::domain::template::content::{Content, Step, TemplateKind};
use crate::domain::template::state::Draft;

/// A text, and the bytes at which it stands.
pub(super) type Line = Spanned<String>;
/// Texts by locale, as it was written.
pub(super) type ByLocale<T> = BTreeMap<String, Spanned<T>>;

/// The file, as its author wrote it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub title: Line,
    pub kind: Option<Line>,
    pub class: Option<Line>,
    pub default_locale: Option<Line>,
    #[serde(default)]
    pub email: ByLocale<EmailTable>,
    #[serde(default)]
    pub whatsapp: ByLocale<WhatsappTable>,
    #[serde(default)]
    pub voice: ByLocale<VoiceTable>,
    #[serde(default)]
    pub push: ByLocale<NotificationTable>,
    #[serde(default)]
    pub in_app: ByLocale<NotificationTable>,
    #[serde(default)]
    pub variables: toml::Table,
}

/// `[email.en]`; the layout and the plain text are files.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailTable {
    pub subject: Option<Line>,
    pub preheader: Option<Line>,
}

/// `[whatsapp.en]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatsappTable {
    pub provider_template: String,
    pub language: String,
    #[serde(default)]
    pub variables: Vec<Line>,
    pub body: Line,
    pub approval: Option<Line>,
}

/// `[voice.en]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoiceTable {
    pub language: Line,
    pub voice: Option<String>,
    pub steps: Vec<Spanned<StepTable>>,
    pub machine: Option<Line>,
    #[serde(default)]
    pub keys: Vec<Spanned<KeyTable>>,
}

/// `{ key = 9, meaning = "opt_out", say = "…" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyTable {
    pub key: u8,
    pub meaning: Line,
    pub say: Line,
}

/// `{ say = "…" }` or `{ pause = 2 }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepTable {
    pub say: Option<Line>,
    pub pause: Option<u32>,
}

/// `[push.en]`, `[in_app.en]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotificationTable {
    pub title: Line,
    pub body: Line,
    pub link: Option<Line>,
}

/// Reads the file; a mistake has its place.
pub(super) fn read(text: &str) -> Result<Manifest, (Option<Spot>, String)> {
    toml::from_str(text).map_err(|error| {
        let spot = error.span().map(|span| Spot::of(text, span.start));
        (spot, error.message().to_owned())
    })
}

/// Values of TOML as those of JSON; moments become texts. `Err` names a number that JSON does not have.
pub(super) fn to_json(value: &toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        // A database may drop the sign of zero.
        toml::Value::Float(number) => serde_json::Number::from_f64(*number + 0.0)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a number"))?,
        toml::Value::Boolean(truth) => Value::from(*truth),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(values) => Value::Array(values.iter().map(to_json).collect::<Result<_, _>>()?),
        toml::Value::Table(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), to_json(value)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
    })
}

/// The same backwards. TOML has no null, which is left out, and no whole numbers beyond 63 bits, which become texts.
fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => toml::Value::Boolean(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_f64().filter(|_| number.is_f64())) {
            (Some(whole), _) => toml::Value::Integer(whole),
            (None, Some(real)) => toml::Value::Float(real + 0.0),
            (None, None) => toml::Value::String(number.to_string()),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(values) => toml::Value::Array(values.iter().filter_map(to_toml).collect()),
        Value::Object(fields) => toml::Value::Table(
            fields.iter().filter_map(|(name, value)| Some((name.clone(), to_toml(value)?))).collect(),
        ),
    })
}

/// The file that says of a draft what its texts do not.
pub(super) fn write(draft: &Draft) -> String {
    let mut file = String::new();
    line(&mut file, "title", &draft.title);
    line(&mut file, "kind", draft.kind.word());
    line(&mut file, "class", draft.class.word());
    line(&mut file, "default_locale", &draft.default_locale);
    for local in &draft.contents {
        // The lines of a table that says nothing else are left out, with its head.
        let mut table = String::new();
        let is_needed = write_content(&mut table, &local.content, draft);
        if is_needed {
            let _ = write!(file, "\n[{}.{}]\n{table}", local.content.channel(), local.locale);
        }
    }
    let variables = Value::Object(draft.variables.clone().into_iter().collect());
    if let Some(toml::Value::Table(fields)) = to_toml(&variables).filter(|_| !draft.variables.is_empty()) {
        let table = toml::Table::from_iter([("variables".to_owned(), toml::Value::Table(fields))]);
        // A table of plain values can be written.
        let _ = write!(file, "\n{}", toml::to_string(&table).unwrap_or_default());
    }
    file
}

/// Writes the lines of a channel and locale; false if the files say all of it.
fn write_content(table: &mut String, content: &Content, draft: &Draft) -> bool {
    match content {
        Content::Email(email) => {
            // A partial has no subject of its own.
            if draft.kind == TemplateKind::Message || email.subject != draft.title {
                line(table, "subject", &email.subject);
            }
            optional(table, "preheader", email.preheader.as_ref());
            !table.is_empty()
        }
        Content::Sms(_) => false,
        Content::Whatsapp(whatsapp) => {
            line(table, "provider_template", &whatsapp.provider_template);
            line(table, "language", &whatsapp.language);
            line(table, "approval", whatsapp.approval.word());
            let variables = whatsapp.variables.iter().cloned().map(toml::Value::String).collect();
            let _ = writeln!(table, "variables = {}", toml::Value::Array(variables));
            line(table, "body", &whatsapp.body);
            true
        }
        Content::Voice(script) => {
            line(table, "language", &script.language);
            optional(table, "voice", script.voice.as_ref());
            optional(table, "machine", script.machine.map(|machine| machine.word().to_owned()).as_ref());
            table.push_str("steps = [\n");
            for step in &script.steps {
                let _ = match step {
                    Step::Say(words) => writeln!(table, "  {{ say = {} }},", quoted(words)),
                    Step::Pause(seconds) => writeln!(table, "  {{ pause = {seconds} }},"),
                };
            }
            table.push_str("]\n");
            if !script.keys.is_empty() {
                table.push_str("keys = [\n");
                for key in &script.keys {
                    let (digit, meaning, say) = (key.digit, quoted(key.meaning.word()), quoted(&key.say));
                    let _ = writeln!(table, "  {{ key = {digit}, meaning = {meaning}, say = {say} }},");
                }
                table.push_str("]\n");
            }
            true
        }
        Content::Push(notification) | Content::InApp(notification) => {
            line(table, "title", &notification.title);
            line(table, "body", &notification.body);
            optional(table, "link", notification.link.as_ref());
            true
        }
    }
}

fn line(file: &mut String, name: &str, text: &str) {
    let _ = writeln!(file, "{name} = {}", quoted(text));
}

fn optional(file: &mut String, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        line(file, name, text);
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
