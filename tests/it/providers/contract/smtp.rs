//! SMTP under the contract.

use async_trait::async_trait;
use bytes::Bytes;
use commlog::domain::value::Channel;
use commlog::domain::value::token::{mail_id, reply_address, seal_reply};
use commlog::providers::smtp::{Security, Smtp, SmtpSettings, SmtpWebhook};
use commlog::providers::{Content, OutboundMessage, Provider, Secret, Webhook};

use super::super::{ambient, client, message, secret};
use super::{Account, Subject, Taken};
use crate::support::doubles::smtp::{At, Does, Offers, PASSWORD, SmtpDouble, USER};
use crate::support::doubles::{Act, Signed};

const URL: &str = "https://crm.example.com/webhooks/smtp/main";
const INBOUND_SECRET: &str = "0123456789abcdef-secret";

contract! {
    Mails of commlog::providers::smtp::PROVIDER;
    except "a reply of the server's own, whatever is wrong with it, is a definite refusal (RFC 5321, 4.2.1)":
        a_server_error_leaves_doubt;
    except "a pipe shows a secret, and signs neither the mail nor the time":
        a_webhook_whose_content_was_changed_is_refused a_stale_webhook_is_refused
}

struct Mails(SmtpDouble);

impl Mails {
    async fn fresh() -> Self {
        Self(SmtpDouble::start_in_tls(Offers { needs_auth: true, ..Offers::default() }).await)
    }

    fn settings_of(&self, account: Account) -> SmtpSettings {
        let mut settings = self.0.settings_with(Security::Tls);
        settings.username = Some(USER.to_owned());
        let password = if matches!(account, Account::Wrong) { "wrong" } else { PASSWORD };
        settings.password = Some(Secret::new(password));
        settings.inbound_secret = Some(Secret::new(INBOUND_SECRET));
        if let Account::At(address) = account {
            settings.server.port = address.port();
        }
        settings
    }
}

#[async_trait]
impl Subject for Mails {
    fn account(&self, account: Account) -> Box<dyn Provider> {
        Box::new(Smtp::try_new(self.settings_of(account), client(), ambient(1)).expect("valid settings"))
    }

    fn settings(&self) -> String {
        format!("{:?}", self.settings_of(Account::Right))
    }

    fn secrets(&self) -> Vec<String> {
        [PASSWORD, INBOUND_SECRET, "Hello"].map(str::to_owned).to_vec()
    }

    /// As the dispatcher makes it.
    fn message(&self, number: u128) -> OutboundMessage {
        let mut message = message(Channel::Email, number);
        let Content::Email(email) = &mut message.content else { panic!("no mail") };
        email.headers = vec![("Message-ID".to_owned(), mail_id(&self.token(number), "shop.example"))];
        message
    }

    /// Nothing but the `Message-ID` comes back, in replies and bounces.
    fn token(&self, number: u128) -> String {
        let message = message(Channel::Email, number);
        seal_reply(message.tenant, message.key.message_id, &secret())
    }

    /// What happens behind the last dot; before it, nothing is in doubt.
    fn script(&self, act: Act) {
        let (does, is_taken) = match act {
            Act::Hang { taken } => (Does::Sleeps, taken),
            Act::Lost { taken } => (Does::HangsUp, taken),
            Act::Half { taken } => (Does::SaysHalf, taken),
            Act::Endless { taken } => (Does::SaysForever, taken),
            Act::Html { taken } => (Does::Says("HTTP/1.1 200 OK"), taken),
            Act::OkWithError { taken } => (Does::Says("354 go on"), taken),
            Act::Refuse(..) => (Does::Says("550 5.1.1 <ada@example.org>: Hello is no mail"), false),
            Act::Usual | Act::ServerError { .. } => panic!("nothing that a mail server does: {act:?}"),
        };
        self.0.script([(At::Dot, if is_taken { Does::Takes(Box::new(does)) } else { does })]);
    }

    fn script_limit(&self, seconds: u32) {
        assert_eq!(seconds, 7, "the double's words are fixed");
        self.0.script([(At::Dot, Does::Says("421 4.7.28 unusual rate, try again in 7 seconds"))]);
    }

    /// Each account of the tests calls over a connection of its own.
    fn calls(&self) -> usize {
        self.0.connections()
    }

    fn taken(&self) -> Vec<Taken> {
        let ids = self.0.taken().into_iter().filter_map(|mail| mail.header("Message-ID"));
        let token =
            |id: &str| (0..20).map(|number| self.token(number)).find(|token| id == mail_id(token, "shop.example"));
        ids.map(|id| Taken { token: token(&id).unwrap_or_default(), id }).collect()
    }

    async fn webhook(&self, is_right: bool) -> Box<dyn Webhook> {
        let mut settings = self.settings_of(Account::Right);
        if !is_right {
            settings.inbound_secret = Some(Secret::new("another-secret-of-somebody"));
        }
        Box::new(SmtpWebhook::try_new(&settings).expect("valid settings"))
    }

    /// A reply, as a pipe posts it: a mail server reports nothing else.
    fn callback(&self) -> Signed {
        let to = reply_address(&self.token(9), "replies.shop.example");
        let mail = format!(
            "From: Ada <ada@example.org>\r\nTo: {to}\r\nSubject: Re: News\r\nMessage-ID: <1@example.org>\r\n\
             Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n\r\nThank you\r\n"
        );
        let headers = vec![("authorization".to_owned(), format!("Bearer {INBOUND_SECRET}"))];
        Signed { method: "POST", url: URL.to_owned(), headers, body: Bytes::from(mail) }
    }
}
