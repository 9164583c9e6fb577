//! People behind one API key: a front end says for whom it acts.

use commlog::domain::tenant::event::Role;
use serde_json::{Value, json};

use super::socket::Socket;
use crate::support::app::{Actor, on_both_engines};

/// Somebody whose key may act for users.
async fn desk(admin: &Actor) -> Actor {
    let issue = "mutation { issueApiKey(role: AGENT, label: \"help desk\", actsForUsers: true) { token key { actsForUsers } refusal { message } } }";
    let issued = admin.data(issue, json!({})).await["issueApiKey"].take();
    assert_eq!(issued["key"]["actsForUsers"], true, "{issued}");
    admin.with_token(issued["token"].as_str().unwrap())
}

/// An operation for a user; the status and the answer.
async fn as_user(actor: &Actor, user: &str, query: &str, variables: Value) -> (u16, Value) {
    let request = actor.post().header("Commlog-Actor", user).json(&json!({ "query": query, "variables": variables }));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const NOTE: &str = "mutation($id: ID!, $text: String!, $key: String) { addNote(customerId: $id, text: $text, idempotencyKey: $key) \
    { noteId repeated entry { author { kind id name actor } } refusal { code } } }";

on_both_engines! {
    what_a_user_does_is_shown_as_the_users(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Ann Example").await;
        let desk = desk(&admin).await;
        let (_, noted) = as_user(&desk, "{\"id\": \"u-42\", \"name\": \"Bob Ødegård\"}", NOTE, json!({ "id": id, "text": "called" })).await;
        let author = &noted["data"]["addNote"]["entry"]["author"];
        assert_eq!((&author["kind"], &author["id"], &author["name"]), (&json!("USER"), &json!("u-42"), &json!("Bob Ødegård")));
        let actor = author["actor"].as_str().unwrap();
        assert!(actor.starts_with("user:u-42/key:"), "{actor}");
        // An id alone keeps the name; another name counts for what was before, too.
        as_user(&desk, "u-42", NOTE, json!({ "id": id, "text": "again" })).await;
        as_user(&desk, "{\"id\": \"u-42\", \"name\": \"Robert\"}", NOTE, json!({ "id": id, "text": "once more" })).await;
        let timeline = "query($id: ID!, $actor: String) { timeline(customerId: $id, filter: { author: $actor }) \
            { nodes { author { name } note { text } } } viewer { userId } }";
        let seen = admin.data(timeline, json!({ "id": id, "actor": actor })).await;
        let names: Vec<_> = seen["timeline"]["nodes"].as_array().unwrap().iter().map(|node| &node["author"]["name"]).collect();
        assert_eq!((names, &seen["viewer"]["userId"]), (vec![&json!("Robert"); 3], &json!(null)));
        // The log has the id in the clear, and the name once for each name, sealed.
        let events = "{ events(filter: { types: [\"UserNamed\", \"NoteAdded\"] }) { nodes { type data actor } } }";
        let events = admin.data(events, json!({})).await["events"]["nodes"].take();
        let named = events.as_array().unwrap().iter().filter(|event| event["type"] == "UserNamed").count();
        assert_eq!(named, 2, "{events}");
        assert!(!events.to_string().contains("Robert"), "{events}");
        // Without a user, the key is the author.
        let plain = desk.data(NOTE, json!({ "id": id, "text": "by the desk" })).await["addNote"]["entry"]["author"].take();
        assert_eq!((&plain["kind"], &plain["name"]), (&json!("KEY"), &json!("help desk")));
    }

    the_name_of_a_user_can_be_forgotten(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Ann Example").await;
        let desk = desk(&admin).await;
        let named = r#"{"id": "u-42", "name": "Bob Quackenbush"}"#;
        as_user(&desk, named, NOTE, json!({ "id": id, "text": "called" })).await;
        let forget = "mutation($id: String!) { forgetUser(userId: $id) { userId position refusal { code } } }";
        let (_, refused) = as_user(&desk, "u-43", forget, json!({ "id": "u-42" })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
        let unknown = admin.data(forget, json!({ "id": "u-43" })).await;
        assert_eq!(unknown["forgetUser"]["refusal"]["code"], "USER_UNKNOWN");
        let done = admin.data(forget, json!({ "id": "u-42" })).await["forgetUser"].take();
        assert_eq!((&done["userId"], &done["refusal"]), (&json!("u-42"), &json!(null)));
        // The front end goes on to send the name: what the user does is done, and nobody is named.
        let (_, noted) = as_user(&desk, named, NOTE, json!({ "id": id, "text": "again" })).await;
        assert_eq!(noted["data"]["addNote"]["refusal"], json!(null), "{noted}");
        assert_eq!(admin.data(forget, json!({ "id": "u-42" })).await["forgetUser"]["refusal"], json!(null));
        let seen = "query($id: ID!) { timeline(customerId: $id) { nodes { author { id name } } } \
            events(filter: { types: [\"UserNamed\", \"UserForgotten\"] }) { nodes { type personal } } }";
        let seen = admin.data(seen, json!({ "id": id })).await;
        let author = json!({ "author": { "id": "u-42", "name": null } });
        assert_eq!(seen["timeline"]["nodes"].as_array().unwrap()[..2], [author.clone(), author]);
        let events = json!([{ "type": "UserNamed", "personal": null }, { "type": "UserForgotten", "personal": null }]);
        let mut found = seen["events"]["nodes"].as_array().unwrap().clone();
        found.sort_by_key(|event| event["type"].as_str().map(|name| std::cmp::Reverse(name.to_owned())));
        assert_eq!(json!(found), events);
    }

    users_have_idempotency_keys_of_their_own(app) {
        let admin = app.actor(Role::Admin).await;
        let id = admin.customer("Ann Example").await;
        let desk = desk(&admin).await;
        let variables = json!({ "id": id, "text": "called", "key": "1" });
        let mut notes = Vec::new();
        for (user, repeated) in [("bob", false), ("bob", true), ("eve", false)] {
            let (_, mut answer) = as_user(&desk, user, NOTE, variables.clone()).await;
            assert_eq!(answer["data"]["addNote"]["repeated"], repeated, "{answer}");
            notes.push(answer["data"]["addNote"]["noteId"].take());
        }
        assert!(notes[0] == notes[1] && notes[1] != notes[2], "{notes:?}");
    }

    only_keys_that_may_act_for_users_do(app) {
        let admin = app.actor(Role::Admin).await;
        let desk = desk(&admin).await;
        let viewer = "{ viewer { userId } }";
        let (status, answer) = as_user(&admin, "bob", viewer, json!({})).await;
        assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (403, &json!("ACTOR_REFUSED")), "{answer}");
        for wrong in ["bob@example.com", "", "{}", "{\"id\": \"a b\"}"] {
            let (status, answer) = as_user(&desk, wrong, viewer, json!({})).await;
            assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (400, &json!("ACTOR_MALFORMED")), "{wrong}: {answer}");
        }
        let (_, answer) = as_user(&desk, "bob", viewer, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["userId"], "bob");
        let mut socket = Socket::open(&desk).await;
        let payload = json!({ "Authorization": format!("Bearer {}", desk.token), "commlog-actor": { "id": "eve", "name": "Eve" } });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.json().await["type"], "connection_ack");
        socket.start("v", viewer, json!({})).await;
        assert_eq!(socket.next("v").await["viewer"]["userId"], "eve");
    }
}
