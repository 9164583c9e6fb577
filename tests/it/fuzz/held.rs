//! What clients hold of ours and hand back, and what they wrap it in: cursors, ids, names of files, tracked links,
//! messages over WebSockets.

use std::fmt::Debug;

use async_graphql::InputType;
use commlog::cli::ids;
use commlog::domain::message::attachment;
use commlog::domain::message::tracking::token::{self, Dispatch, Kind};
use commlog::domain::message::tracking::{Parameters, code, links};
use commlog::domain::value::{picture, time};
use commlog::graphql::Limits;
use commlog::graphql::engine::document::admit_variables;
use commlog::graphql::engine::id::{Global, Parts, global};
use commlog::graphql::engine::resume::Resume;
use commlog::http::filename;
use commlog::http::protocol::{ClientMessage, ServerMessage};
use commlog::ids::{ApiKeyId, CustomerId, MessageId, Position, TenantId, TenantSecret};
use commlog::queries::Cursor;
use commlog::rendering::track;
use commlog::sql::Value as SqlValue;
use serde_json::Value;

use super::document;
use super::providers::mail;

/// The parts of the keys of lists, as they occur.
const SHAPES: &[&str] = &["t", "tp", "tu", "su", "iu", "tpu", "ss", "bu", "p", "sssu", ""];

/// A key that is read can be bound on both engines, and is written the same again.
pub(super) fn cursor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let cursor = Cursor::from_text(text.clone());
    for shape in SHAPES {
        let Ok(key) = cursor.key(shape) else { continue };
        for part in &key {
            match part {
                SqlValue::Text(text) => assert!(!text.contains('\0'), "PostgreSQL has no NUL in texts: {text:?}"),
                SqlValue::Time(at) => assert!(time::bounded(*at).is_ok(), "{at}"),
                SqlValue::Bool(_) | SqlValue::Int(_) | SqlValue::Uuid(_) | SqlValue::Bytes(_) => {}
            }
        }
        assert_eq!(Cursor::of(&key).key(shape).as_ref(), Ok(&key));
    }
    if let Ok(resume) = Resume::of(&async_graphql::Value::from(text.as_ref())) {
        let again = InputType::to_value(&resume);
        assert_eq!(Resume::of(&again).ok(), Some(resume));
    }
}

/// The name of an uploaded file, and of one attached to a mail: one that is taken goes out again unchanged and stays within
/// its header.
pub(super) fn file_name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(read) = filename::read(&text) {
        let written = filename::write(&read);
        assert!(written.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{written:?}");
        assert_eq!(filename::read(&written).as_ref(), Some(&read));
        if let Ok(Some(name)) = attachment::name(Some(read)) {
            assert!(!name.contains(char::is_control) && !name.contains(['/', '\\']), "{name:?}");
        }
    }
    let line = text.replace(['\r', '\n'], " ");
    let body = format!(
        "Content-Type: multipart/mixed; boundary=b\r\nFrom: a@b.example\r\n\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: {line}\r\n\r\nx\r\n--b--\r\n"
    );
    mail(body.as_bytes());
}

/// An id that is taken is printed so that it is taken again.
pub(super) fn object_id(input: &[u8]) {
    fn same<T: Global + PartialEq + Debug>(text: &str) {
        match ids::given::<T>(text) {
            Ok(id) => {
                for printed in [global(id).0, id.uuid().to_string()] {
                    assert_eq!(ids::given::<T>(&printed), Ok(id));
                }
            }
            Err(reason) => assert!(reason.contains(T::TYPE), "{reason}"),
        }
    }
    let text = String::from_utf8_lossy(input);
    same::<CustomerId>(&text);
    same::<MessageId>(&text);
    same::<ApiKeyId>(&text);
    if let Some(parts) = Parts::of(&text) {
        assert!(text.starts_with(parts.type_name));
        let _ = parts.uuid::<CustomerId>();
    }
}

/// A message that is taken asks for something that the API takes, and what is refused can be said in a close frame.
pub(super) fn socket_message(input: &[u8]) {
    match ClientMessage::read(input) {
        Ok(ClientMessage::Subscribe { id, request: asked }) => {
            assert!(!id.is_empty());
            let written = serde_json::to_vec(&ServerMessage::Complete { id: &id }).expect("an answer is written");
            serde_json::from_slice::<Value>(&written).expect("and read");
            if admit_variables(&asked.variables, &Limits::default()).is_ok() {
                serde_json::to_vec(&asked.variables).expect("variables are written");
            }
            document(asked.query.as_bytes());
        }
        Ok(ClientMessage::Complete { id }) => assert!(!id.is_empty()),
        Ok(ClientMessage::ConnectionInit(_) | ClientMessage::Ping | ClientMessage::Pong) => {}
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// A picture has a size, and what it is does not depend on what follows its head.
pub(super) fn picture(input: &[u8]) {
    let Some(found) = picture::read(input) else { return };
    assert!(found.width > 0 && found.height > 0);
    assert_eq!(picture::read(&[input, b"<script>"].concat()), Some(found));
}

/// Mails and texts whose links are rewritten, and tokens and codes of such links.
pub(super) fn tracked_link(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (secret, bases) = (TenantSecret::new([7; 32]), ["https://crm.example"]);
    let pairs = vec![("utm_source".to_owned(), "a b&c".to_owned())];
    let parameters = Parameters { pairs, hosts: vec!["a.example".to_owned()] };
    let dispatch = Dispatch::new(Position::from_counter(7), MessageId(uuid::Uuid::from_u128(7)));
    let link = |address: &str| {
        let target = links::target(address, &bases)?;
        let leading = parameters.add_to(&target).into_owned();
        assert_eq!(parameters.add_to(&leading), leading.as_str());
        let token = token::seal(TenantId(uuid::Uuid::nil()), dispatch, Some(&leading), &secret);
        let told = token::open(&token, Kind::Click, &secret).and_then(|tracked| tracked.target);
        assert!(told.is_some_and(|told| told.eq_ignore_ascii_case(&leading)) || leading.len() > links::MAX_LINK_BYTES);
        Some(format!("https://crm.example/t/c/{token}"))
    };
    let _ = track::rewrite(&text, link, Some("https://crm.example/t/o/x"));
    let page = track::rewrite(&text, link, None);
    assert_eq!(track::rewrite(&page, link, None), page, "what is rewritten stays");
    assert_eq!(track::rewrite(&text, |_| None, None), text);
    let rewritten = links::replace_in_text(&text, link);
    assert_eq!(links::replace_in_text(&rewritten, link), rewritten);
    assert!(token::open(&text, Kind::Click, &secret).is_none() && token::open(&text, Kind::Open, &secret).is_none());
    let _ = (token::tenant_of(&text), code::position_of(&text));
}
