//! Unsubscribing with one click, and confirming an opt-in.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;

use super::html::hidden;
use super::look::Look;
use super::reader::{LANGUAGE, Reader};
use super::{evidence, failed, open, texts};
use crate::app::Outcome;
use crate::domain::consent::token::{Purpose, Token};
use crate::domain::value::ALL_TOPICS;
use crate::graphql::Gateway;
use crate::http::body::read;
use crate::http::visitor::Asked;

/// A question with the values that fill its places.
struct Question<'a> {
    text: &'static str,
    values: [(&'static str, &'a str); 3],
}

impl<'a> Question<'a> {
    /// Whether to end messages.
    fn unsubscribe(look: &'a Look, token: &'a Token) -> Self {
        let texts = look.texts();
        Self::about(look, token, (texts.unsubscribe_from_all)(token.channel), texts.unsubscribe_from_topic)
    }

    /// Whether to receive messages.
    fn confirm(look: &'a Look, token: &'a Token) -> Self {
        Self::about(look, token, look.texts().confirm_all, look.texts().confirm_topic)
    }

    fn about(look: &'a Look, token: &'a Token, all: &'static str, topic: &'static str) -> Self {
        let text = if token.topic == ALL_TOPICS { all } else { topic };
        let messages = (look.texts().messages)(token.channel);
        Self { text, values: [("messages", messages), ("topic", look.topic(&token.topic)), ("name", look.name())] }
    }

    /// As it is kept for evidence.
    fn wording(&self) -> String {
        texts::plain(self.text, &self.values)
    }

    /// The page that asks it. `field` and `value` are what its button posts.
    fn page(&self, look: &Look, title: &str, field: &str, value: &str, label: &str) -> Response {
        let question = texts::html(self.text, &self.values);
        let language = hidden(LANGUAGE, look.language.word());
        let main = format!(
            "<p>{question}</p><form method=\"post\">{language}<button name=\"{field}\" value=\"{value}\">{label}</button>\
             </form>"
        );
        look.question(title, &main)
    }
}

/// `GET /u/{token}`: asks whether to unsubscribe.
pub async fn ask_unsubscribe(State(gateway): State<Gateway>, Path(token): Path<String>, reader: Reader) -> Response {
    match open(&gateway, reader, &token, Purpose::Unsubscribe).await {
        Ok(opened) => {
            let (look, texts) = (&opened.look, opened.look.texts());
            let question = Question::unsubscribe(look, &opened.token);
            question.page(look, texts.unsubscribe_title, "List-Unsubscribe", "One-Click", texts.unsubscribe)
        }
        Err(refused) => refused,
    }
}

/// `POST /u/{token}`: unsubscribes, for a mail program (one click) as for a person.
pub async fn unsubscribe(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    reader: Reader,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    // RFC 8058 prescribes the body; a POST to this address with any other body means the same.
    let form = match read(&parts.headers, body, &gateway.api().limits).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let opened = match open(&gateway, reader.of_form(&form), &token, Purpose::Unsubscribe).await {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    let (look, token) = (&opened.look, &opened.token);
    let evidence = evidence(&parts.headers, peer, Question::unsubscribe(look, token).wording());
    match gateway.api().app.unsubscribe(token, &evidence).await {
        // A customer who was forgotten receives nothing either.
        Ok(Outcome::Done(_) | Outcome::Refused(_)) => {
            look.notice(StatusCode::OK, look.texts().unsubscribed_title, look.texts().unsubscribed)
        }
        Err(error) => failed(&gateway, look, &error),
    }
}

/// `GET /confirm/{token}`: asks for the confirmation of an opt-in.
pub async fn ask_confirm(State(gateway): State<Gateway>, Path(token): Path<String>, reader: Reader) -> Response {
    match open(&gateway, reader, &token, Purpose::Confirm).await {
        Ok(opened) => {
            let (look, texts) = (&opened.look, opened.look.texts());
            Question::confirm(look, &opened.token).page(look, texts.confirm_title, "confirm", "yes", texts.confirm)
        }
        Err(refused) => refused,
    }
}

/// `POST /confirm/{token}`: confirms the opt-in.
pub async fn confirm(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    reader: Reader,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let form = match read(&parts.headers, body, &gateway.api().limits).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let opened = match open(&gateway, reader.of_form(&form), &token, Purpose::Confirm).await {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    let (look, token) = (&opened.look, &opened.token);
    let evidence = evidence(&parts.headers, peer, Question::confirm(look, token).wording());
    match gateway.api().app.confirm_opt_in(token, &evidence).await {
        Ok(Outcome::Done(_)) => look.notice(StatusCode::OK, look.texts().confirmed_title, look.texts().confirmed),
        // What was asked was taken back since, or the person was forgotten.
        Ok(Outcome::Refused(_)) => look.expired_link(),
        Err(error) => failed(&gateway, look, &error),
    }
}
