//! The user whom an API key acts for: a person behind a front end that has one key for all of them.

use std::sync::Arc;

use serde::Deserialize;

use super::principal::Principal;
use crate::domain::tenant::decide::user_id;

/// The header that names the user, over WebSocket the entry of the payload of `connection_init`.
pub const ACTOR: &str = "commlog-actor";

/// The longest text that names a user, in bytes.
const LONGEST: usize = 2_000;

/// The user whom a request is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingUser {
    /// The front end's id of the user.
    pub id: Arc<str>,
    /// As it is shown; absent: as it was before.
    pub name: Option<Arc<str>>,
}

/// Why nobody can be acted for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActingError {
    /// The key may not.
    #[error("this API key may not act for users; issue one with actsForUsers")]
    Refused,
    /// The user is not named as it must be.
    #[error("Commlog-Actor: {0}")]
    Malformed(String),
}

impl ActingUser {
    /// Reads `{"id": "…", "name": "…"}`, or an id alone.
    pub fn read(principal: Principal, text: &str) -> Result<Self, ActingError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Given {
            id: String,
            name: Option<String>,
        }
        if !principal.acts_for_users {
            return Err(ActingError::Refused);
        }
        let malformed = |reason: &str| ActingError::Malformed(reason.to_owned());
        if text.len() > LONGEST {
            return Err(malformed("is too long"));
        }
        let text = text.trim();
        let given = if text.starts_with('{') {
            let wrong = r#"must be {"id": "…", "name": "…"} in JSON, or an id alone"#;
            serde_json::from_str::<Given>(text).map_err(|_| malformed(wrong))?
        } else {
            Given { id: text.to_owned(), name: None }
        };
        let id = user_id(&given.id).map_err(|refusal| ActingError::Malformed(refusal.message))?;
        let name = given.name.map(|name| name.trim().into()).filter(|name: &Arc<str>| !name.is_empty());
        Ok(Self { id: id.into(), name })
    }

    /// The name under which the user stands in the log, with the key that acted.
    #[must_use]
    pub fn actor(&self, principal: Principal) -> String {
        format!("user:{}/{}", self.id, principal.actor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::event::Role;

    #[test]
    fn a_user_is_named_by_an_id_that_says_nothing() {
        let id = uuid::Uuid::nil();
        let key = Principal {
            tenant: id.into(),
            key: id.into(),
            role: Role::Agent,
            personal: true,
            send: true,
            acts_for_users: true,
            user: None,
            expires_at: None,
        };
        let read = |text: &str| ActingUser::read(key, text);
        let bob = read(r#"{"id": "u-42", "name": " Bob \u00d8 "}"#).unwrap();
        assert_eq!((&*bob.id, bob.name.as_deref()), ("u-42", Some("Bob Ø")));
        assert_eq!(bob.actor(key), format!("user:u-42/key:{id}"));
        assert_eq!(read("u-42").unwrap(), ActingUser { id: "u-42".into(), name: None });
        for wrong in ["", "bob@example.com", "a b", "a/key:1", "{}", r#"{"id": 1}"#, r#"{"id": "a", "x": 1}"#, "{", "ö"]
        {
            assert!(matches!(read(wrong), Err(ActingError::Malformed(_))), "{wrong}");
        }
        let plain = Principal { acts_for_users: false, ..key };
        assert_eq!(ActingUser::read(plain, "u-42"), Err(ActingError::Refused));
    }
}
