//! Mail servers that do what they like, and mail that comes back to nobody's use.

use chrono::TimeDelta;

use crate::sending::smtp::{Post, SECRET, bounce};
use crate::sending::story::count;
use crate::support::app::Engine;
use crate::support::doubles::imap::Manner;
use crate::support::doubles::smtp::{At, Does};

/// A server that took the receiver, and is gone with the message: before its last dot nothing is in doubt.
async fn a_server_that_drops_what_it_is_handed_is_tried_again_until_the_last_dot_has_left(engine: Engine) {
    let post = Post::start(engine).await;
    let ada = post.customer("ada@example.org").await;
    for (number, at) in [At::Data, At::Body].into_iter().enumerate() {
        post.smtp.script([(at, Does::HangsUp)]);
        assert_eq!(post.send(ada).await, None);
        post.app.until(ada, |types| count(types, "DispatchFailed") == number + 1).await;
        post.app.advance(TimeDelta::hours(1));
        post.app.until(ada, |types| count(types, "MessageSent") == number + 1).await;
        assert_eq!(post.smtp.taken().len(), number + 1, "{at:?}");
    }
    // Behind the dot nobody knows, and nobody is asked again.
    post.smtp.script([(At::Dot, Does::HangsUp)]);
    assert_eq!(post.send(ada).await, None);
    let types = post.app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    assert_eq!((count(&types, "DispatchFailed"), count(&types, "MessageBounced")), (2, 0), "{types:?}");
    let handed_over = post.smtp.said().iter().filter(|line| line.starts_with("MAIL")).count();
    post.app.advance(TimeDelta::days(2));
    let bob = post.customer("bob@example.org").await;
    assert_eq!(post.send(bob).await, None);
    post.app.until(bob, |types| count(types, "MessageSent") == 1).await;
    let again = post.smtp.said().iter().filter(|line| line.starts_with("MAIL")).count();
    assert_eq!((again - handed_over, post.smtp.taken().len()), (1, 3), "only Bob's was handed over");
    post.app.finish().await;
}

async fn bounces_of_bounces_and_forged_return_paths_change_nothing(engine: Engine) {
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
    assert!(post.post(SECRET, bounce(&to_ada, "b0")).await.is_success());
    let before = post.app.until(ada, |types| count(types, "MessageBounced") == 1).await;

    // Two servers that send each other's bounces on, through us: each is another mail.
    for number in 1..6 {
        let mut inner = to_ada.clone();
        inner.to = format!("MAILER-DAEMON@mx{number}.example");
        let looped = bounce(&inner, &format!("loop{number}"))
            .replace("Subject: Undelivered", "Subject: Undelivered: Undelivered");
        assert!(post.post(SECRET, looped).await.is_success());
    }
    // The token of Bob's return path, changed in one letter; cut short; in the place of another mailbox.
    let (mailbox, token) = to_bob.from.split_once('+').expect("a return path with a token");
    let (token, domain) = token.split_once('@').expect("an address");
    let other = if token.starts_with('a') { "b" } else { "a" };
    let forged = [
        format!("{mailbox}+{other}{}@{domain}", &token[1..]),
        format!("{mailbox}+{}@{domain}", &token[..token.len() / 2]),
        format!("{mailbox}+@{domain}"),
    ];
    for (number, from) in forged.into_iter().enumerate() {
        let mut mail = to_bob.clone();
        mail.from = from;
        assert!(post.post(SECRET, bounce(&mail, &format!("forged{number}"))).await.is_success());
    }
    let types = post.app.until(bob, |_| true).await;
    assert_eq!(count(&types, "MessageBounced"), 0, "{types:?}");
    let types = post.app.until(ada, |_| true).await;
    assert_eq!(count(&types, "MessageSent"), count(&before, "MessageSent"), "{types:?}");
    assert_eq!(post.send(bob).await, None, "Bob's mailbox works");
    post.app.until(bob, |types| count(types, "MessageSent") == 2).await;
    assert_eq!(post.smtp.taken().len(), 3, "nothing was written in return");
    assert_eq!(post.desk().events("CustomerRegistered").await.len(), 2, "a machine is nobody");
    post.app.finish().await;
}

async fn a_mailbox_that_hangs_keeps_nobody_waiting_and_is_read_when_it_wakes(engine: Engine) {
    let post = Post::start(engine).await;
    let [ada, bob] = [post.customer("ada@example.org").await, post.customer("bob@example.org").await];
    assert_eq!(post.send(ada).await, None);
    post.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let tls = Manner { is_tls: true, ..Manner::default() };
    post.imap.behave(Manner { sleeps_at: Some("FETCH"), ..tls.clone() });
    post.imap.deliver(&bounce(&post.smtp.taken()[0], "b1"));
    post.imap.until_it_sleeps().await;
    // Mail leaves and comes in by other ways.
    assert_eq!(post.send(bob).await, None);
    post.app.until(bob, |types| count(types, "MessageSent") == 1).await;
    let sent = post.smtp.taken().pop().expect("it was taken");
    assert!(post.post(SECRET, bounce(&sent, "b2")).await.is_success());
    post.app.until(bob, |types| count(types, "MessageBounced") == 1).await;
    assert!(!post.imap.folder("INBOX")[0].is_seen);
    post.imap.behave(tls);
    let types = post.app.until(ada, |types| count(types, "MessageBounced") == 1).await;
    assert_eq!(count(&types, "MessageSent"), 1, "{types:?}");
    post.imap.until_all_are_seen().await;
    post.app.finish().await;
}

on_each_engine! {
    a_server_that_drops_what_it_is_handed_is_tried_again_until_the_last_dot_has_left
    bounces_of_bounces_and_forged_return_paths_change_nothing
    a_mailbox_that_hangs_keeps_nobody_waiting_and_is_read_when_it_wakes
}
