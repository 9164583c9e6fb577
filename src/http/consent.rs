//! Unsubscribing with one click (RFC 8058), confirming an opt-in, and the preference page.
//!
//! Scanners follow every link in a mail: a GET, or a HEAD, shows a page and never changes anything. Only a POST does.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;

use super::body::read;
use super::page::{escape, no_link, page};
use crate::app::{AppError, Outcome};
use crate::domain::consent::choice::{Choice, Evidence, Preferences};
use crate::domain::consent::token::{Purpose, Token};
use crate::domain::message::tracking::TRACKING;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Channel;
use crate::graphql::Gateway;
use crate::graphql::engine::failure::chain;

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

pub(super) type Asked = Option<Extension<Peer>>;

/// `GET /u/{token}`: asks whether to unsubscribe.
pub async fn ask_unsubscribe(State(gateway): State<Gateway>, Path(token): Path<String>) -> Response {
    show(&gateway, &token, Purpose::Unsubscribe, |token| {
        let wording = unsubscribe_wording(token);
        let main = format!("<p>{}</p>{}", escape(&wording), button("List-Unsubscribe", "One-Click", "Unsubscribe"));
        page(StatusCode::OK, "Unsubscribe", &main)
    })
    .await
}

/// `POST /u/{token}`: unsubscribes, for a mail program (one click) as for a person.
pub async fn unsubscribe(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    // RFC 8058 prescribes the body; a POST to this address with any other body means the same.
    if let Err(refused) = read(&parts.headers, body, &gateway.api().limits).await {
        return refused;
    }
    let token = match open(&gateway, &token, Purpose::Unsubscribe).await {
        Ok(token) => token,
        Err(refused) => return refused,
    };
    let evidence = evidence(&parts.headers, peer, unsubscribe_wording(&token));
    match gateway.api().app.unsubscribe(&token, &evidence).await {
        // A customer who was forgotten receives nothing either.
        Ok(Outcome::Done(_) | Outcome::Refused(_)) => {
            page(StatusCode::OK, "You are unsubscribed", "<p>You won't receive these messages any more.</p>")
        }
        Err(error) => failed(&gateway, &error),
    }
}

/// `GET /confirm/{token}`: asks for the confirmation of an opt-in.
pub async fn ask_confirm(State(gateway): State<Gateway>, Path(token): Path<String>) -> Response {
    show(&gateway, &token, Purpose::Confirm, |token| {
        let main = format!("<p>{}</p>{}", escape(&confirm_wording(token)), button("confirm", "yes", "Confirm"));
        page(StatusCode::OK, "Please confirm", &main)
    })
    .await
}

/// `POST /confirm/{token}`: confirms the opt-in.
pub async fn confirm(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    headers: HeaderMap,
) -> Response {
    let token = match open(&gateway, &token, Purpose::Confirm).await {
        Ok(token) => token,
        Err(refused) => return refused,
    };
    let evidence = evidence(&headers, peer, confirm_wording(&token));
    match gateway.api().app.confirm_opt_in(&token, &evidence).await {
        Ok(Outcome::Done(_)) => page(StatusCode::OK, "Thank you", "<p>Your subscription is confirmed.</p>"),
        Ok(Outcome::Refused(_)) => no_link(),
        Err(error) => failed(&gateway, &error),
    }
}

/// `GET /preferences/{token}`: shows the channels and topics that the customer receives.
pub async fn show_preferences(State(gateway): State<Gateway>, Path(token): Path<String>) -> Response {
    match open(&gateway, &token, Purpose::Preferences).await {
        Ok(token) => preferences_page(&gateway, &token, "").await,
        Err(refused) => refused,
    }
}

/// `POST /preferences/{token}`: changes them.
pub async fn set_preferences(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(&parts.headers, body, &gateway.api().limits).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let token = match open(&gateway, &token, Purpose::Preferences).await {
        Ok(token) => token,
        Err(refused) => return refused,
    };
    let preferences = read_form(&body);
    let wording = match &preferences {
        Preferences::Nothing => "Unsubscribe from everything",
        Preferences::Lines { .. } => PREFERENCES_WORDING,
    };
    let evidence = evidence(&parts.headers, peer, wording.to_owned());
    match gateway.api().app.set_preferences(&token, &preferences, &evidence).await {
        Ok(Outcome::Done(_)) => {
            preferences_page(&gateway, &token, "<p role=\"status\"><strong>Your choices are saved.</strong></p>").await
        }
        Ok(Outcome::Refused(_)) => no_link(),
        Err(error) => failed(&gateway, &error),
    }
}

const PREFERENCES_WORDING: &str = "Which messages would you like to receive?";

async fn preferences_page(gateway: &Gateway, token: &Token, note: &str) -> Response {
    let choices = match gateway.api().app.choices(token).await {
        Ok(Some(choices)) => choices,
        Ok(None) => return no_link(),
        Err(error) => return failed(gateway, &error),
    };
    let mut main = note.to_owned();
    main.push_str("<form method=\"post\">");
    let _ = write!(main, "<fieldset><legend>{PREFERENCES_WORDING}</legend>");
    for choice in &choices {
        let value = escape(&format!("{}:{}", choice.channel, choice.topic));
        let checked = if choice.chosen { " checked" } else { "" };
        let name = escape(&line(choice));
        let _ = write!(
            main,
            "<input type=\"hidden\" name=\"shown\" value=\"{value}\"><label><input type=\"checkbox\" name=\"wanted\" \
             value=\"{value}\"{checked}> {name}</label>"
        );
    }
    main.push_str(
        "</fieldset><button>Save</button></form><form method=\"post\">\
         <button name=\"nothing\" value=\"yes\">Unsubscribe from everything</button></form>",
    );
    page(StatusCode::OK, "Your preferences", &main)
}

/// A form's lines, as `channel:topic`; anything else is ignored.
fn read_form(body: &[u8]) -> Preferences {
    let (mut shown, mut wanted) = (BTreeSet::new(), BTreeSet::new());
    for (name, value) in url::form_urlencoded::parse(body) {
        if name == "nothing" {
            return Preferences::Nothing;
        }
        let Some((channel, topic)) = value.split_once(':') else { continue };
        let Ok(channel) = channel.parse::<Channel>() else { continue };
        match name.as_ref() {
            "shown" => shown.insert((channel, topic.to_owned())),
            "wanted" => wanted.insert((channel, topic.to_owned())),
            _ => false,
        };
    }
    Preferences::Lines { shown, wanted }
}

async fn show(gateway: &Gateway, text: &str, purpose: Purpose, show: impl FnOnce(&Token) -> Response) -> Response {
    match open(gateway, text, purpose).await {
        Ok(token) => show(&token),
        Err(refused) => refused,
    }
}

async fn open(gateway: &Gateway, text: &str, purpose: Purpose) -> Result<Token, Response> {
    match gateway.api().app.open_link(text, purpose).await {
        Ok(Some(token)) => Ok(token),
        Ok(None) => Err(no_link()),
        Err(error) => Err(failed(gateway, &error)),
    }
}

fn failed(gateway: &Gateway, error: &AppError) -> Response {
    let id = gateway.api().ambient().uuid();
    tracing::error!(error_id = %id, error = chain(error), "a choice made through a link could not be recorded");
    let main =
        format!("<p>Something went wrong on our side and nothing was changed. Please try again. (Reference: {id})</p>");
    page(StatusCode::SERVICE_UNAVAILABLE, "Please try again", &main)
}

fn evidence(headers: &HeaderMap, peer: Asked, wording: String) -> Evidence {
    let (ip, user_agent) = visitor(headers, peer);
    Evidence { ip, user_agent, wording }
}

/// The IP address that a request came from, and the program that made it.
pub(super) fn visitor(headers: &HeaderMap, peer: Asked) -> (Option<String>, Option<String>) {
    let peer = peer.map(|Extension(Peer(address))| address.ip());
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    (origin(peer, headers), user_agent)
}

/// The client's IP address: the connection's, unless that belongs to a proxy in our own network, which forwards the
/// client's.
fn origin(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<String> {
    let is_ours = match peer? {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let forwarded = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let ip = forwarded.filter(|_| is_ours).or(peer);
    ip.map(|ip| ip.to_string())
}

fn button(name: &str, value: &str, label: &str) -> String {
    format!("<form method=\"post\"><button name=\"{name}\" value=\"{value}\">{label}</button></form>")
}

/// The question of the page; stored as evidence of what the person agreed to.
fn unsubscribe_wording(token: &Token) -> String {
    let messages = plural(token.channel);
    match (token.topic.as_str(), token.channel) {
        (ALL_TOPICS, Channel::Email) => format!("Unsubscribe from all {messages} from us?"),
        (ALL_TOPICS, Channel::Push | Channel::InApp) => format!("Turn off all {messages} from us?"),
        (ALL_TOPICS, Channel::Sms | Channel::Whatsapp | Channel::Voice) => format!("Stop all {messages} from us?"),
        (topic, _) => format!("Unsubscribe from {messages} about “{topic}”?"),
    }
}

/// The question of the page; stored as evidence of what the person agreed to.
fn confirm_wording(token: &Token) -> String {
    let messages = plural(token.channel);
    match token.topic.as_str() {
        ALL_TOPICS => format!("Would you like to receive {messages} from us?"),
        topic => format!("Would you like to receive {messages} about “{topic}” from us?"),
    }
}

fn line(choice: &Choice) -> String {
    let messages = plural(choice.channel);
    match choice.topic.as_str() {
        ALL_TOPICS => format!("All {messages}"),
        TRACKING => match choice.channel {
            Channel::Email => "You may record when I open emails and follow links in them".to_owned(),
            _ => format!("You may record when I follow links in {messages}"),
        },
        topic => format!("{}{} about “{topic}”", messages[..1].to_uppercase(), &messages[1..]),
    }
}

/// The messages of a channel, as people call them. In ASCII.
const fn plural(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "emails",
        Channel::Sms => "text messages",
        Channel::Whatsapp => "WhatsApp messages",
        Channel::Voice => "phone calls",
        Channel::Push => "push notifications",
        Channel::InApp => "in-app messages",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, TenantId};

    #[test]
    fn a_form_is_read_and_nonsense_is_left_out() {
        let line = |topic: &str| (Channel::Email, topic.to_owned());
        let form = b"shown=email%3Anews&shown=email:a%3Ab&wanted=email:news&shown=pigeon:x&shown=oops&x=email:y";
        let expected = Preferences::Lines { shown: [line("news"), line("a:b")].into(), wanted: [line("news")].into() };
        assert_eq!(read_form(form), expected);
        assert_eq!(read_form(b"shown=email:news&nothing=yes"), Preferences::Nothing);
    }

    #[test]
    fn each_channel_is_asked_about_in_its_own_words() {
        let token = |channel, topic: &str| Token {
            purpose: Purpose::Unsubscribe,
            tenant: TenantId(uuid::Uuid::from_u128(1)),
            customer_id: CustomerId(uuid::Uuid::from_u128(2)),
            channel,
            topic: topic.to_owned(),
            message_id: None,
            expires_at: None,
        };
        let asked = |channel, topic| unsubscribe_wording(&token(channel, topic));
        assert_eq!(asked(Channel::Email, "all"), "Unsubscribe from all emails from us?");
        assert_eq!(asked(Channel::Sms, "all"), "Stop all text messages from us?");
        assert_eq!(asked(Channel::Voice, "all"), "Stop all phone calls from us?");
        assert_eq!(asked(Channel::Push, "all"), "Turn off all push notifications from us?");
        assert_eq!(asked(Channel::Sms, "news"), "Unsubscribe from text messages about “news”?");
        let offered = |channel, topic| confirm_wording(&token(channel, topic));
        assert_eq!(offered(Channel::Push, "all"), "Would you like to receive push notifications from us?");
        assert_eq!(offered(Channel::Email, "news"), "Would you like to receive emails about “news” from us?");
    }

    #[test]
    fn only_a_proxy_of_our_own_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().expect("a value"));
        let of = |peer: &str| origin(peer.parse().ok(), &headers);
        assert_eq!(of("10.0.0.1").as_deref(), Some("198.51.100.7"));
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(origin(None, &headers), None);
    }
}
