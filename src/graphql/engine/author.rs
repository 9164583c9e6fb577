//! Who did something, as it is shown.

use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};

use super::loaders::{KeyOf, UserOf};
use super::reading::{Reading, Tables};
use crate::ids::ApiKeyId;

/// The kind of an author.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorKind {
    /// A user whom an API key acted for.
    User,
    /// The holder of an API key.
    Key,
    /// A provider, by a callback.
    Provider,
    /// A part of commlog, such as a timer, or its command line.
    System,
}

/// Who did something.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(complex)]
pub struct Author {
    /// The kind.
    kind: AuthorKind,
    /// Of a user the front end's id, of an API key its id, of a provider its name, otherwise the name of the part.
    id: String,
    /// As the log has it, for filters: `user:<id>/key:<id>`, `user:<id>/cli`, `key:<id>`, `provider:<name>`, `process:<name>`, `cli`.
    actor: String,
}

impl Author {
    /// Out of the actor of an event.
    #[must_use]
    pub fn new(actor: String) -> Self {
        let (kind, id) = match actor.split_once(':') {
            Some(("user", rest)) => (AuthorKind::User, rest.split_once('/').map_or(rest, |(id, _)| id)),
            Some(("key", id)) => (AuthorKind::Key, id),
            Some(("provider", name)) => (AuthorKind::Provider, name),
            Some(("process", name)) => (AuthorKind::System, name),
            _ => (AuthorKind::System, actor.as_str()),
        };
        Self { kind, id: id.to_owned(), actor }
    }
}

#[ComplexObject]
impl Author {
    /// The name for people: of a user as the front end gave it last, of an API key its label; otherwise null.
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let reading = Reading::of(ctx)?;
        match self.kind {
            AuthorKind::User => {
                let user = reading.batches().load_one(UserOf(self.id.as_str().into())).await?;
                Ok(user.and_then(|user| user.name))
            }
            AuthorKind::Key => match self.id.parse::<uuid::Uuid>() {
                Ok(id) => Ok(KeyOf(ApiKeyId(id)).load(reading, &Tables::Live).await?.map(|key| key.label)),
                // Not every caller that is recorded as a key has one, such as a program that uses the library.
                Err(_) => Ok(None),
            },
            AuthorKind::Provider | AuthorKind::System => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_the_same_whether_a_key_or_the_command_line_acted() {
        for (actor, kind, id) in [
            ("user:u-42/key:0198c0de-0000-7000-8000-000000000000", AuthorKind::User, "u-42"),
            ("user:u-42/cli", AuthorKind::User, "u-42"),
            ("cli", AuthorKind::System, "cli"),
        ] {
            let author = Author::new(actor.to_owned());
            assert_eq!((author.kind, author.id.as_str()), (kind, id));
        }
    }
}
