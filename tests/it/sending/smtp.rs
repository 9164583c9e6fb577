//! An account that nobody calls back: mail leaves over SMTP, and what comes back lies in a mailbox or is posted by a pipe.

use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;
use reqwest::StatusCode;
use serde_json::json;

use super::desk::Desk;
use super::story::count;
use crate::support::app::{Actor, Engine, TestApp, http_client};
use crate::support::doubles::imap::{ImapDouble, Manner};
use crate::support::doubles::smtp::{At, Does, Mail, Offers, PASSWORD, SmtpDouble, USER};

pub(super) const SECRET: &str = "a-secret-of-the-pipe-0123";

pub(super) struct Post {
    pub(super) app: TestApp,
    pub(super) smtp: SmtpDouble,
    pub(super) imap: ImapDouble,
    agent: Actor,
}

impl Post {
    pub(super) async fn start(engine: Engine) -> Self {
        let smtp = SmtpDouble::start(Offers::default()).await;
        let imap = ImapDouble::start(Manner { is_tls: true, ..Manner::default() }).await;
        let (mailbox, authority) = imap.settings();
        let file = format!(
            "public_url = 'https://commlog.example'\n[[accounts]]\nprovider = 'smtp'\nname = 'main'\nhost = 'localhost'\n\
             port = '{}'\nsecurity = 'none'\nfrom = 'news@shop.example'\nreply_domain = 'reply.shop.example'\n\
             return_path = 'bounce@shop.example'\ninbound_secret = '{SECRET}'\nimap_host = 'localhost'\nimap_port = '{}'\n\
             imap_security = 'tls'\nimap_username = '{USER}'\nimap_password = '{PASSWORD}'\nimap_seconds = '5'\n\
             ca_certificate = '''{authority}'''\n",
            smtp.settings().server.port,
            mailbox.server.port,
        );
        let app = TestApp::with(engine, &file).await;
        let agent = app.actor(Role::Admin).await;
        Self { app, smtp, imap, agent }
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { app: &self.app, agent: &self.agent }
    }

    pub(super) async fn customer(&self, mailbox: &str) -> CustomerId {
        self.desk().customer("Ada", &[("EMAIL", mailbox)]).await
    }

    /// Sends a mail; the rule that keeps it back, if one does.
    pub(super) async fn send(&self, customer: CustomerId) -> Option<String> {
        let more = json!({ "topic": "service", "subject": "Your order", "body": "It left this morning." });
        self.desk().send(customer, "EMAIL", "TRANSACTIONAL", more).await.1
    }

    pub(super) async fn post(&self, secret: &str, mail: String) -> StatusCode {
        let url = format!("http://{}/webhooks/smtp/main", self.app.address());
        http_client().post(url).bearer_auth(secret).body(mail).send().await.expect("the node answers").status()
    }
}

/// A bounce as Postfix writes it, to where the mail came from.
pub(super) fn bounce(sent: &Mail, id: &str) -> String {
    format!(
        "Return-Path: <>\nDelivered-To: {}\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\nTo: {}\n\
         Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMessage-ID: <{id}@mx.example>\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nNobody is there.\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {}\n\
         Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b--\n",
        sent.from, sent.from, sent.to
    )
}

async fn what_comes_back_is_heard_out_of_the_mailbox_and_from_the_pipe_once(engine: Engine) {
    let post = Post::start(engine).await;
    let [ada, bob] = [post.customer("ada@example.org").await, post.customer("bob@example.org").await];
    for customer in [ada, bob] {
        assert_eq!(post.send(customer).await, None);
        post.app.until(customer, |types| count(types, "MessageSent") == 1).await;
    }
    post.app.visible(post.app.head().await).await;
    let taken = post.smtp.taken();
    let sent = |to: &str| taken.iter().find(|mail| mail.to == to).expect("it was taken").clone();
    let (to_ada, to_bob) = (sent("ada@example.org"), sent("bob@example.org"));

    // Ada's comes back into the mailbox, twice; a forged one names a token that nobody made.
    post.imap.deliver(&bounce(&to_ada, "b1"));
    post.imap.deliver(&bounce(&to_ada, "b1"));
    let mut forged = to_bob.clone();
    forged.from = format!("bounce+{}@shop.example", "a".repeat(52));
    post.imap.deliver(&bounce(&forged, "b2"));
    let types = post.app.until(ada, |types| count(types, "MessageBounced") == 1).await;
    assert_eq!(count(&types, "MessageSent"), 1, "{types:?}");
    assert_eq!(post.send(ada).await.as_deref(), Some("suppressed_address"));

    // Bob's reply comes through the pipe, with the secret only.
    let reply_to = to_bob.header("reply-to").expect("where replies go");
    let reply = format!(
        "Return-Path: <bob@example.org>\nX-Original-To: {reply_to}\nFrom: Bob <bob@example.org>\nTo: {reply_to}\n\
         Subject: Re: Your order\nMessage-ID: <r1@example.org>\n\nThank you\n"
    );
    assert_eq!(post.post("a-wrong-secret-012345", reply.clone()).await, StatusCode::UNAUTHORIZED);
    for _ in 0..2 {
        assert!(post.post(SECRET, reply.clone()).await.is_success());
    }
    // And once more out of the mailbox: it is the same mail.
    post.imap.deliver(&reply);
    post.imap.until_all_are_seen().await;
    let types = post.app.until(bob, |types| count(types, "MessageReceived") == 1).await;
    assert_eq!((count(&types, "MessageReceived"), count(&types, "MessageBounced")), (1, 0), "{types:?}");
    post.app.finish().await;
}

async fn an_address_that_the_server_refuses_for_ever_bounces_at_once(engine: Engine) {
    let post = Post::start(engine).await;
    let gone = post.customer("gone@example.org").await;
    post.smtp.script([(At::Rcpt, Does::Says("550 5.1.1 <gone@example.org>: User unknown"))]);
    assert_eq!(post.send(gone).await, None);
    let types = post.app.until(gone, |types| count(types, "DispatchFailed") == 1).await;
    assert_eq!(count(&types, "MessageBounced"), 1, "{types:?}");
    assert_eq!(post.send(gone).await.as_deref(), Some("suppressed_address"));
    assert!(post.smtp.taken().is_empty());
    post.app.finish().await;
}

on_each_engine! {
    what_comes_back_is_heard_out_of_the_mailbox_and_from_the_pipe_once
    an_address_that_the_server_refuses_for_ever_bounces_at_once
}
