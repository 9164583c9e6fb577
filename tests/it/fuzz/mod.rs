//! Whatever parses input from outside takes any input: it never panics, never nests deeper than it may, and what it lets
//! pass can be read again. `make fuzz` gives each target more time than the suite does.

mod authored;
mod folders;
mod harness;
mod held;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_graphql::Request;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql_value::Value as Literal;
use chrono::{DateTime, Utc};
use commlog::config::Config;
use commlog::domain::consent::keywords;
use commlog::domain::import::event::ImportKind;
use commlog::domain::message::attachment;
use commlog::domain::text;
use commlog::domain::value::address::Address;
use commlog::domain::value::{AddressKind, Channel, time, token};
use commlog::files::columns::Mapping;
use commlog::files::customers::CustomerReader;
use commlog::files::messages::MessageReader;
use commlog::files::numbers::{self, DecimalMark, Numbers};
use commlog::files::orders::OrderReader;
use commlog::files::records::Encoding;
use commlog::files::results::ResultReader;
use commlog::files::row::{RowReader, Settings};
use commlog::files::source::Source as File;
use commlog::files::survey::{Reading, Survey};
use commlog::files::times::TimeReader;
use commlog::files::{cells, chunks, presets, values};
use commlog::graphql::Limits;
use commlog::graphql::engine::document::{Documents, admit_variables};
use commlog::graphql::engine::resume::Resume;
use commlog::ids::{Position, TenantId, TenantSecret};
use commlog::projections::Registry;
use commlog::projections::source::Source;
use commlog::sql::Engine;
use harness::{Target, fuzz};
use serde_json::Value;

/// Where a target's corpus is.
macro_rules! corpus {
    ($name:ident) => {
        concat!("tests/it/fuzz/corpus/", stringify!($name))
    };
    ($name:ident $folder:literal) => {
        $folder
    };
}

/// Declares a test of each target; in brackets, the folder of its corpus if that is not one of its own.
macro_rules! targets {
    ($($name:ident $(($folder:literal))?: $run:path, [$($word:literal),* $(,)?];)*) => {$(
        #[test]
        fn $name() {
            static TARGET: Target =
                Target { name: stringify!($name), corpus: corpus!($name $($folder)?), words: &[$($word),*], run: $run };
            fuzz(&TARGET);
        }
    )*};
}

mod providers;

targets! {
    documents: document, [
        "{", "}", "[", "]", "(", ")", "\"", "\"\"\"", "\\\"\"\"", "#", "...", "... on Query {", "fragment f on Query {",
        "query q($v: [String!] = [", "$v", "@skip(if: true)", "a: ", "customers(first: 1) { nodes { id } }", "\\u{10FFFF}",
        "mutation {", "subscription {", "{a:", "[[", "null", "1.5e3", "&", "|", "!", "=", "totalCount",
    ];
    requests: request, ["{\"query\":\"{a}\",", "\"variables\":{", "\"v\":[", "{\"a\":", "[", "]", "}", "\"extensions\":", "1e5", "null"];
    attributes: attributes_of, ["{\"a\":", "[", "]", "}", "{}", "1.0", "1e308", "-0.0", "\"\\u0000\"", "null", "true", "12345678901234567890123"];
    imports: import, [
        "email", "name", "phone", "order", "customer", "date", "sku", "quantity", "price", "currency", "consent", "opt in", "\"", ",", ";",
        "\t", "\n", "sep=;\n", "2026-01-31", "31.01.2026 12:00", "1.234,56", "(12.00)", "$5", "yes", "subscribed", "+441632960001",
        "refused_line,refused_reason,", "'=1", "a@example.org", "body", "direction", "status",
    ];
    addresses: address, [
        "@", ".", "..", "+", "<", ">", "\"", "a@b.example", "+44 1632 960001", "(0)", "ext. 5", "tel:", "mailto:", "xn--", "。", "＠",
        "[127.0.0.1]", "whatsapp:", "00", "٠١٢", " ",
    ];
    words: word, ["STOP", "stop.", "\"STOP\"", "START", "HELP", "please", "unsubscribe", "👍", "\n\nSent from my iPhone", "İ", "ß", "ﬀ", "停止", "«", "*"];
    moments: moment, ["2026-01-31", "T", "Z", "+00:00", "12:00:60", "PM", "AM", "31/12/2026", "1/2/26", "1700000000", "e9", ".", ",", "-", "Jan", "(", ")", "$", "€", "−"];
    tokens: tokens_of, ["reply+", "@", "<", ">", "/", "0", "ffffffffffffffffffffffffffffffff", "clk_", "_", "-", "=", "%2F"];
    configurations: configuration, [
        "listen = ", "\"127.0.0.1:0\"", "log_url = 'sqlite:", "'postgres://", "[[accounts]]\n", "provider = 'twilio'\n", "name = 'main'\n",
        "roles = 'api'\n", "cors_origins = '*'\n", "[", "]", "{", "}", "=", "\"\"\"", "'''", "#", "\n", "a.b.c = ", "1979-05-27T07:32:00Z",
    ];
    cursors: held::cursor, [
        "t", "i", "b", "u", "p", "s", "dAAAAAAAAAAA", "cwAAAAAAAAAB", "//", "__", "=", "AAAA", "f_________", "gAAAAAAAAAA", "-", "_",
    ];
    file_names: held::file_name, [
        "attachment; ", "inline; ", "filename=", "filename*=", "UTF-8''", "utf-8'en'", "iso-8859-1'fr'", "%C3%A9", "%00", "%2F", "%0D%0A",
        "\"", "\\", ";", "filename*0*=", "filename*1=", "../", "..\\", "C:\\", "a.pdf", "\u{202e}", "=?utf-8?Q?=0D=0A?=", "name=", "\t",
    ];
    object_ids: held::object_id, [
        "Customer:", "Message:", "ApiKey:", "@", "~", "00000000-0000-0000-0000-000000000007", "{", "}", "urn:uuid:", ":", "-",
        "2026-05-04T03:02:01.000009Z", "0000000000000000000000000000004d", "+10000-01-01T00:00:00Z",
    ];
    tracked_links: held::tracked_link, [
        "<a href=\"", "<area href=", "<v:rect href='", "<!--[if mso]>", "<![endif]-->", "<!--", "-->", "</body>", "data-track=off", "&amp;",
        "&#x26;", "https://", "http://a.example/", "?", "#", "utm_source=", "%", "(", ")", "[", "]", ".", "\n", "\u{202e}", "日本", "AQI",
    ];
    pictures: held::picture, ["IHDR", "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "tEXt", "<svg onload=x>", "GIF89a", "\0\0\u{1}@"];
    socket_messages: held::socket_message, [
        "{\"type\":\"connection_init\"", "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\"", "\"variables\":{",
        "\"extensions\":{", "\"operationName\":", "\"Authorization\":\"Bearer clk_\"", "{\"type\":\"complete\",\"id\":", "\"ping\"", "\"pong\"",
        "{", "}", "[", "]", "\"", ",", "null", "\"type\":", "\"id\":\"\"", "1e5",
    ];
    templates: authored::template, [
        "{{ name }}", "{{ url }}", "{% for x in list %}", "{% endfor %}", "{% if name %}", "{% else %}", "{% endif %}", "{% assign a = name %}",
        "{% assign a = a | append: a %}", "{% include 'footer' %}", "{% raw %}", "{% comment %}", "{% case name %}{% when 1 %}", "| money: \"EUR\"",
        "| date: \"long\"", "| default: \"x\"", "(1..100000)", "<a href=\"{{ url }}\">", "<p style=\"color:{{ name }}\">", "<style>p{color:red}</style>",
        "<mjml><mj-body><mj-section><mj-column><mj-text>", "</mj-text></mj-column></mj-section></mj-body></mjml>", "<mj-raw>", "<mj-include path=\"/etc/passwd\"/>",
        "<script>", "<!--[if mso]>", "<![endif]-->", "{{", "}}", "{%", "%}", "&quot;", "<svg onload=x>", "<mj-button href=\"{{ url }}\">", "{{ order.lines[0] }}", "\u{1}",
    ];
    list_criteria: authored::list, [
        "{\"all\":[", "{\"any\":[", "{\"not\":", "{\"noOrderInDays\":{\"days\":30}}", "{\"field\":{\"name\":\"city\",", "\"equals\":", "\"contains\":\"%\"",
        "{\"custom\":{", "{\"leadScore\":{\"min\":1}}", "{\"tags\":{\"anyOf\":[", "{\"bucket\":{\"from\":0,\"to\":10}}", "]", "}", ",", "null", "1e400", "-1",
        "{\"revenue\":{\"min\":\"10\",\"currency\":\"EUR\"}}", "{\"memberOf\":{\"listId\":\"", "\"withinDays\":3650", "{\"anniversary\":{\"of\":\"registered\"}}",
    ];
    template_folders: folders::template_folder, [
        "\n----\n", "title = \"a\"\n", "kind = \"partial\"\n", "[email.en]\nsubject = \"a\"\n", "[push.en]\n", "[voice.de]\n", "[variables]\n",
        "{{ name }}", "{% include 't' %}", "{% for a in b %}", "{% endfor %}", "| default: ", "<mj-text>", "</mj-text>", "<mj-section>", "\r\n",
        "\u{feff}", "\0", "\"\"\"", "'''", "\\", "{ say = \"", "{ pause = 1 },", "nan", "99999999999999999999", "1979-05-27", "default_locale = \"fr\"\n",
    ];
    projections ("projections"): projection, [
        "-- question: q\n", "-- events: CustomerRegistered\n", "-- section: tables\n", "-- section: apply\n", "-- section: forget\n",
        "CREATE TABLE t (a TEXT);", "@text(", "@sum(", "@greatest(", "'", "\"", "$$", "/*", "*/", "--", ";", "(", ")", ",", "INSERT INTO", "batch",
    ];
}

/// Levels of lists and objects.
fn levels(value: &Literal) -> usize {
    match value {
        Literal::List(values) => 1 + values.iter().map(levels).max().unwrap_or_default(),
        Literal::Object(fields) => 1 + fields.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Levels of selections, with the values in their arguments.
fn depth(set: &SelectionSet) -> usize {
    let below = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let arguments = field.node.arguments.iter().map(|(_, value)| 1 + levels(&value.node)).max();
            depth(&field.node.selection_set.node).max(arguments.unwrap_or_default())
        }
        Selection::InlineFragment(inline) => depth(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => 0,
    });
    if set.items.is_empty() { 0 } else { 1 + below.max().unwrap_or_default() }
}

fn deepest(document: &ExecutableDocument) -> usize {
    let operations = document.operations.iter().map(|(_, operation)| {
        let defaults =
            operation.node.variable_definitions.iter().filter_map(|variable| variable.node.default_value.as_ref());
        let default = defaults.map(|value| 1 + levels(&value.node.clone().into_value())).max();
        depth(&operation.node.selection_set.node).max(default.unwrap_or_default())
    });
    let fragments = document.fragments.values().map(|fragment| depth(&fragment.node.selection_set.node));
    operations.chain(fragments).max().unwrap_or_default()
}

/// What the gate admits, async-graphql's own parser reads the same, no deeper than the limit.
fn document(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let limits = Limits::default();
    let most = limits.depth;
    if let Ok(admitted) = Documents::new(Arc::new(limits)).admit(&text) {
        let parsed = async_graphql::parser::parse_query(&text).expect("the parser reads what was admitted");
        assert_eq!(deepest(&parsed), deepest(&admitted.document));
        assert!(deepest(&parsed) <= most, "{} levels", deepest(&parsed));
    }
}

/// Variables that are admitted can be encoded and read again.
fn request(input: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(input) else { return };
    if admit_variables(&request.variables, &Limits::default()).is_ok() {
        let written = serde_json::to_vec(&request.variables).expect("variables are written");
        serde_json::from_slice::<async_graphql::Variables>(&written).expect("and read");
    }
    document(request.query.as_bytes());
}

/// Attributes that are accepted are read back as they were.
fn attributes_of(input: &[u8]) {
    let Ok(given) = serde_json::from_slice::<BTreeMap<String, Value>>(input) else { return };
    let Ok(kept) = text::attributes("attributes", given) else { return };
    // As in an event: some levels down.
    let event = serde_json::json!({ "personal": { "profile": { "attributes": kept } } });
    let written = serde_json::to_vec(&event).expect("an event is written");
    let read: Value = serde_json::from_slice(&written).expect("and read");
    assert_eq!(read, event);
}

async fn rows<R: RowReader + 'static>(file: File, reader: R) {
    let mut chunks = chunks::start(file, Encoding::Auto, reader, true);
    while let Some(chunk) = chunks.recv().await {
        let Ok(chunk) = chunk else { return };
        for line in &chunk.refused {
            assert!(!line.reason.is_empty());
        }
    }
}

/// A file of each kind, as each system writes it.
fn import(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.csv");
    std::fs::write(&path, input).expect("a file");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // The first columns as those of a campaign's results, which no name shows.
    let text = String::from_utf8_lossy(input);
    let header = text.lines().next().unwrap_or_default().split([',', ';', '\t']).map(str::trim);
    let fields = ["arm", "customer", "activity.visit", "spend", "at"].into_iter();
    let results = header.zip(fields).map(|(column, field)| Mapping { column: column.into(), field: field.into() });
    let results: Vec<Mapping> = results.collect();
    for &kind in ImportKind::ALL {
        // What the header shows, and one other system, whichever: all of them for each input would take a minute.
        let names = presets::names(kind);
        let other = names.get(input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % names.len().max(1));
        let mappings = if kind == ImportKind::CampaignResults { results.clone() } else { vec![] };
        for from in [None, other.map(|name| (*name).to_owned())] {
            let Ok(file) = File::open(&path) else { return };
            let mappings = mappings.clone();
            let reading = Reading { kind, encoding: Encoding::Auto, mappings, from, decimal_mark: None };
            let Ok(survey) = Survey::take(&file, &reading, |_| {}) else { continue };
            let settings = Settings {
                times: TimeReader::try_new(chrono_tz::Europe::Berlin, None).expect("times"),
                numbers: Numbers::all(DecimalMark::Comma),
                currency: "EUR".parse().ok(),
                channel: Some(Channel::Sms),
                anonymous: true,
                number_rows: Some("r".to_owned()),
                region: Some("GB".to_owned()),
                consents: vec![],
            };
            runtime.block_on(async {
                match kind {
                    ImportKind::Orders => {
                        if let Ok(reader) = OrderReader::try_new(survey.columns, settings, survey.ends) {
                            rows(file, reader).await;
                        }
                    }
                    ImportKind::Customers => {
                        if let Ok(reader) = CustomerReader::try_new(survey.columns, settings, survey.identities) {
                            rows(file, reader).await;
                        }
                    }
                    ImportKind::Messages => {
                        if let Ok(reader) = MessageReader::try_new(survey.columns, settings) {
                            rows(file, reader).await;
                        }
                    }
                    ImportKind::CampaignResults => {
                        if let Ok(reader) = ResultReader::try_new(survey.columns, settings, survey.groups, None) {
                            rows(file, reader).await;
                        }
                    }
                }
            });
        }
    }
}

/// An address that was read is read the same again.
fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let secret = TenantSecret::new([7; 32]);
    for kind in [AddressKind::Email, AddressKind::Phone, AddressKind::PushToken, AddressKind::InApp] {
        for region in [None, Some("GB"), Some("US"), Some("DE")] {
            if let Ok(address) = Address::parse(kind, &text, region) {
                let again = Address::parse(kind, address.text(), region).expect("its own spelling is read");
                assert_eq!((again.text(), again.id(&secret)), (address.text(), address.id(&secret)));
            }
            if let Some(sender) = Address::of_sender(kind, &text, region) {
                let _ = sender.id(&secret);
            }
        }
    }
}

fn word(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let said = keywords::read(&text);
    // However it is dressed.
    if text.len() < 150 && !text.contains('\n') {
        assert_eq!(keywords::read(&format!("“{text}” 👍")).or(said), said);
    }
    for channel in [Channel::Sms, Channel::Email, Channel::Whatsapp] {
        let _ = keywords::of_message(channel, &text, None);
    }
}

fn moment(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for zone in [chrono_tz::UTC, chrono_tz::America::New_York, chrono_tz::Pacific::Apia] {
        let times = TimeReader::try_new(zone, None).expect("times");
        if let Ok(read) = times.read(&text) {
            time::bounded(read).expect("an import's time has the bounds of all times");
        }
    }
    if let Ok(format) = TimeReader::try_new(chrono_tz::UTC, Some(&text)) {
        // Whatever the format says.
        let _ = format.read("2026-01-31 12:00:00");
    }
    for mark in [DecimalMark::Point, DecimalMark::Comma] {
        let _ = (numbers::micros(&text, mark), numbers::milli(&text, mark));
    }
    let _ = values::tags(&text);
    let _ = values::json_attributes(&text);
    let _ = values::region(&text);
    assert_eq!(cells::restored(cells::defused(&text).into_owned()), text);
    let _ = text.parse::<DateTime<Utc>>().map(time::bounded);
}

fn tokens_of(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (secret, tenant) = (TenantSecret::new([7; 32]), TenantId(uuid::Uuid::nil()));
    assert!(token::open(&text, &secret).is_none() && token::open_reply(&text, tenant, &secret).is_none());
    let _ = token::tenant_of(&text);
    let _ = token::reply_may_be_of(&text, tenant);
    let _ = token::reply_token_in(&text);
    let _ = token::reply_token_in_mail_id(&text);
    let _ = commlog::domain::tenant::decide::read_token(&text);
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string().parse::<Position>().ok(), Some(position));
    }
    if let Ok(tenant) = text.parse::<TenantId>() {
        assert_eq!(tenant.to_string().parse::<TenantId>().ok(), Some(tenant));
    }
    let _ = Resume::of(&async_graphql::Value::from(text.as_ref()));
    if let Ok(Some(name)) = attachment::name(Some(text.clone().into_owned())) {
        assert_eq!(attachment::name(Some(name.clone())).ok().flatten(), Some(name), "a name is cleaned at once");
    }
    let _ = attachment::content_type(&text);
}

/// A wrong file is refused with a message.
fn configuration(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(error) = Config::from_parts(Some((Path::new("commlog.toml"), &text)), [], &[]) {
        assert!(!error.to_string().is_empty());
    }
}

/// What is read compiles for both engines.
fn projection(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if Source::parse("fuzzed.sql", &text).is_ok()
        && let Ok(registry) = Registry::from_texts([("fuzzed.sql", text.as_ref())])
    {
        assert_eq!(registry.compile(Engine::Sqlite).len(), registry.compile(Engine::Postgres).len());
    }
}
