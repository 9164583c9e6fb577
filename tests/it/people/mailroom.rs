//! A node that mail and messages come in to, and what it makes of them.

use commlog::ids::CustomerId;
use serde_json::{Value, json};

use crate::sending::story::{MAILBOX, PUBLIC, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::Signed;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};

/// What is asked of a message.
const MESSAGE: &str = "query($id: ID!) { message(id: $id) { id customerId direction state subject body from inReplyTo \
    automatic isAutomatic about account providerMessageId conversation { state unread } reasons { state code detail } \
    attachments { name size } received { senderName html cc receivers mailId spf dkim spamScore isCut isTextOfHtml \
    location { latitude longitude address label } } } }";

pub(super) struct Mailroom {
    pub(super) wire: Wire,
}

impl Mailroom {
    pub(super) async fn open(engine: Engine) -> Self {
        Self { wire: Wire::start(engine).await }
    }

    pub(super) fn hook() -> String {
        format!("{PUBLIC}/webhooks/sendgrid/main")
    }

    /// Registers Ada and sends her a mail; the mail's id, and the mail as the provider took it.
    pub(super) async fn ada_with_mail(&self) -> (CustomerId, String, SendgridMail) {
        let ada = self.wire.ada().await;
        let (id, _) = self.wire.send(ada, "EMAIL", "TRANSACTIONAL").await;
        self.wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
        self.wire.app.visible(self.wire.app.head().await).await;
        (ada, id, self.wire.sendgrid.taken().pop().expect("SendGrid took it"))
    }

    /// Hands a request over, which must be taken.
    pub(super) async fn take(&self, request: &Signed) {
        let status = self.wire.call(request).await;
        assert!(status.is_success(), "{status}");
    }

    /// A mail of Ada's to the address that a mail of ours gave for replies.
    pub(super) fn from_ada(to: &SendgridMail, headers: &str, text: &str) -> Signed {
        SendgridDouble::inbound(&Self::hook(), MAILBOX, &reply_to(to), text, headers)
    }

    /// A whole mail from nobody on the envelope, as bounces come.
    pub(super) fn bounce(to: &SendgridMail, mail: &str) -> Signed {
        SendgridDouble::raw(&Self::hook(), "", &reply_to(to), mail)
    }

    /// The events of a type in the whole log, with their personal parts.
    pub(super) async fn events(&self, name: &str) -> Vec<(Value, Value)> {
        self.wire.desk().events(name).await
    }

    /// Every message that came in, as the API shows it, in the order of the log.
    pub(super) async fn received(&self) -> Vec<Value> {
        self.wire.app.visible(self.wire.app.head().await).await;
        let mut messages = vec![];
        for (data, _) in self.events("MessageReceived").await {
            messages.push(self.message(data["message_id"].as_str().expect("an id")).await);
        }
        messages
    }

    /// The only message that came in.
    pub(super) async fn only(&self) -> Value {
        let mut received = self.received().await;
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
    }

    /// A message as the API shows it.
    pub(super) async fn message(&self, id: &str) -> Value {
        self.wire.app.visible(self.wire.app.head().await).await;
        self.wire.agent.data(MESSAGE, json!({ "id": id })).await["message"].take()
    }

    /// How many customers there are.
    pub(super) async fn customers(&self) -> usize {
        self.events("CustomerRegistered").await.len()
    }
}

/// The address that a mail of ours gave for replies.
pub(super) fn reply_to(mail: &SendgridMail) -> String {
    mail.request["reply_to"]["email"].as_str().expect("an address for replies").to_owned()
}
