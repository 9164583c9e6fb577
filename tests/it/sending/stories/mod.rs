//! The story of a message with each provider that [`super::story`] does not tell it of: sent, called back about in any order and
//! number, answered in the right conversation, stopped, and the next one kept back.

mod mail_providers;
mod mails;
mod text_providers;
mod texts;

use commlog::domain::tenant::event::Role;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use super::story::PUBLIC;
use crate::support::app::{Actor, Engine, TestApp};
use crate::support::doubles::Signed;

pub(super) use mail_providers::{Mailgun, Resend, Ses};
pub(super) use mails::{Mails, Told};
pub(super) use text_providers::{Bird, Messagebird, VonageMessages, VonageSms};
pub(super) use texts::{ADA, Fate, Texts};

/// What a genuine report has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// It is about a message that is none of ours.
    OfNobody,
    /// It names a state that nobody has heard of.
    UnknownState,
}

/// The webhook of the account at a provider.
pub(super) fn hook(provider: &str) -> String {
    format!("{PUBLIC}/webhooks/{provider}/main")
}

/// The configuration of an account, for a file.
pub(super) fn account(provider: &str, settings: &[(&'static str, String)]) -> String {
    let lines: String = settings.iter().map(|(name, value)| format!("{name} = '''{value}'''\n")).collect();
    format!("[[accounts]]\nprovider = '{provider}'\nname = 'main'\n{lines}")
}

/// A node with one account, and somebody who sends.
pub(super) async fn start(engine: Engine, provider: &str, settings: &[(&'static str, String)]) -> (TestApp, Actor) {
    let file = format!("public_url = '{PUBLIC}'\n{}", account(provider, settings));
    let app = TestApp::with(engine, &file).await;
    let agent = app.actor(Role::Admin).await;
    (app, agent)
}

/// Each three times, in an order that is the same in each run.
pub(super) fn shuffled(told: impl IntoIterator<Item = Signed>) -> Vec<Signed> {
    let mut all: Vec<_> = told.into_iter().flat_map(|signed| [signed.clone(), signed.clone(), signed]).collect();
    all.shuffle(&mut SmallRng::seed_from_u64(15));
    all
}

async fn mailgun(engine: Engine) {
    mails::story::<Mailgun>(engine).await;
}

async fn resend(engine: Engine) {
    mails::story::<Resend>(engine).await;
}

async fn ses(engine: Engine) {
    mails::story::<Ses>(engine).await;
}

async fn vonage_sms(engine: Engine) {
    texts::story::<VonageSms>(engine).await;
}

async fn vonage_messages(engine: Engine) {
    texts::story::<VonageMessages>(engine).await;
}

async fn messagebird(engine: Engine) {
    texts::story::<Messagebird>(engine).await;
}

async fn bird(engine: Engine) {
    texts::story::<Bird>(engine).await;
}

on_each_engine! { mailgun resend ses vonage_sms vonage_messages messagebird bird }
