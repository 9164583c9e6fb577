//! Pages for people who follow a link in a message: unsubscribing with one click (RFC 8058), confirming an opt-in, and the
//! preference page. Plain HTML without scripts, nothing loaded from elsewhere, in the tenant's brand and the reader's language.
//!
//! Scanners follow every link in a mail: a GET, or a HEAD, shows a page and never changes anything. Only a POST does.

mod consent;
mod hours;
mod html;
mod look;
mod palette;
mod preferences;
mod reader;
mod texts;
mod zones;

pub use consent::{ask_confirm, ask_unsubscribe, confirm, unsubscribe};
pub use preferences::{set_preferences, show_preferences};
pub use reader::Reader;

use axum::http::HeaderMap;
use axum::response::Response;

use self::look::Look;
use super::visitor::{Asked, visitor};
use crate::app::{App, AppError, Link};
use crate::domain::consent::choice::Evidence;
use crate::domain::consent::token::{Purpose, Token};
use crate::graphql::Gateway;
use crate::graphql::engine::failure::chain;
use crate::ids::TenantId;

/// A link that was opened.
struct Opened {
    token: Token,
    look: Look,
}

/// Opens the link of a page; the page that says why not, if it cannot be.
async fn open(gateway: &Gateway, reader: Reader, text: &str, purpose: Purpose) -> Result<Opened, Response> {
    match look_up(&gateway.api().app, reader, text, purpose).await {
        Ok(found) => found,
        Err(error) => Err(failed(gateway, &reader.plain(), &error)),
    }
}

async fn look_up(
    app: &App,
    reader: Reader,
    text: &str,
    purpose: Purpose,
) -> Result<Result<Opened, Response>, AppError> {
    Ok(match app.open_link(text, purpose).await? {
        Link::Valid(token) => {
            let look = look_of(app, reader, &token).await?;
            Ok(Opened { token, look })
        }
        Link::Expired(token) => Err(look_of(app, reader, &token).await?.expired_link()),
        Link::Unknown => Err(reader.plain().bad_link()),
    })
}

async fn look_of(app: &App, reader: Reader, token: &Token) -> Result<Look, AppError> {
    reader.look(app, token.tenant, app.locale_of(token).await?.as_deref()).await
}

/// The page for a choice that could not be recorded.
fn failed(gateway: &Gateway, look: &Look, error: &AppError) -> Response {
    let id = gateway.api().ambient().uuid();
    tracing::error!(error_id = %id, error = chain(error), "a choice made through a link could not be recorded");
    look.failed(look.texts().failed_to_record, id)
}

/// What proves a decision that was made on a page with this wording.
fn evidence(headers: &HeaderMap, peer: Asked, wording: String) -> Evidence {
    let (ip, user_agent) = visitor(headers, peer);
    Evidence { ip, user_agent, wording }
}

/// The page for tracked links that we did not make.
pub fn bad_link(reader: Reader) -> Response {
    reader.plain().bad_link()
}

/// The page for tracked links of a tenant that lead nowhere.
pub async fn bad_link_of(app: &App, reader: Reader, tenant: TenantId) -> Response {
    reader.look_if_known(app, tenant).await.bad_link()
}

/// The page for tracked links to what was forgotten with a person.
pub async fn gone(app: &App, reader: Reader, tenant: TenantId) -> Response {
    reader.look_if_known(app, tenant).await.gone()
}

/// The page for tracked links that could not be looked up.
pub fn failed_to_look_up(gateway: &Gateway, reader: Reader, error: &AppError) -> Response {
    let id = gateway.api().ambient().uuid();
    tracing::error!(error_id = %id, error = chain(error), "a tracked link could not be looked up");
    let look = reader.plain();
    look.failed(look.texts().failed, id)
}
