//! What the clauses know of a provider and its double.

use std::net::SocketAddr;

use async_trait::async_trait;
use commlog::providers::{OutboundMessage, Provider, Webhook, WebhookRequest};
use url::Url;

use super::super::now;
use crate::support::doubles::{Act, Signed};

/// Which account of a provider is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// The one that its double knows.
    Right,
    /// The same with credentials that are wrong.
    Wrong,
    /// The right one, with the API at this address.
    At(SocketAddr),
}

impl Account {
    /// Where the API is, if not at the double.
    pub(super) fn url(self) -> Option<Url> {
        let Self::At(address) = self else { return None };
        Some(Url::parse(&format!("http://{address}")).expect("a URL"))
    }
}

/// A message that a double has taken.
#[derive(Debug)]
pub(super) struct Taken {
    /// The provider's id of it.
    pub(super) id: String,
    /// What travels with it, so that callbacks name our message.
    pub(super) token: String,
}

/// A provider with its double.
#[async_trait]
pub(super) trait Subject: Send + Sync {
    /// An account as a provider; a fresh one each time.
    fn account(&self, account: Account) -> Box<dyn Provider>;

    /// Its settings in their debug form.
    fn settings(&self) -> String;

    /// What must be seen nowhere.
    fn secrets(&self) -> Vec<String>;

    /// A message that the double takes.
    fn message(&self, number: u128) -> OutboundMessage;

    /// What travels with a message, so that callbacks name it.
    fn token(&self, number: u128) -> String {
        self.message(number).token.expect("a token")
    }

    /// How the next call to send is answered.
    fn script(&self, act: Act);

    /// The next call to send is one too many, for so many seconds.
    fn script_limit(&self, seconds: u32);

    /// How many calls to send were made.
    fn calls(&self) -> usize;

    /// Every message that was taken, in order.
    fn taken(&self) -> Vec<Taken>;

    /// What hears of the account; with secrets other than the double's, if they are not to be right.
    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook>;

    /// A callback about the first message that was taken, signed.
    fn callback(&self) -> Signed;

    /// A callback without its proof.
    fn unproved(&self, request: &WebhookRequest) -> WebhookRequest {
        request.bare()
    }
}

impl dyn Subject + '_ {
    /// How often the message of a number was taken.
    pub(super) fn times(&self, number: u128) -> usize {
        let token = self.token(number);
        self.taken().iter().filter(|taken| taken.token == token).count()
    }

    /// Sends a message, and returns what the provider reports of it.
    pub(super) async fn called_back(&self) -> WebhookRequest {
        self.account(Account::Right).send(self.message(9)).await.expect("taken");
        self.callback().request()
    }

    /// As [`Self::called_back`], once `webhook` has believed it.
    pub(super) async fn proved(&self, webhook: &dyn Webhook) -> WebhookRequest {
        let request = self.called_back().await;
        webhook.prepare(&request).await.expect("what proves it can be had");
        assert_eq!(webhook.verify(&request, now()), Ok(()));
        request
    }
}
