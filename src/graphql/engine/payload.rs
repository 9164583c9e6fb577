//! What every mutation answers: where its events stand, whether it was a repetition, or why it was refused.

use async_graphql::{Context, Result, SimpleObject};

use super::acting::ActingUser;
use super::api::Api;
use super::failure::opaque;
use super::guard::principal;
use super::scalar::Cursor;
use crate::app::{AppError, Caller, Outcome};
use crate::ids::Position;
use crate::log::AppendError;

/// Why a command was refused. Never repeats the input.
#[derive(SimpleObject, Debug, Clone)]
pub struct Refusal {
    /// A stable code for programs, such as `CUSTOMER_UNKNOWN`.
    pub code: String,
    /// The explanation for people.
    pub message: String,
    /// The input field at fault.
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal of a field, as the schema names it.
    pub fn new(code: &str, message: impl Into<String>, field: Option<&str>) -> Self {
        Self { code: code.to_owned(), message: message.into(), field: field.map(str::to_owned) }
    }
}

impl From<crate::domain::refusal::Refusal> for Refusal {
    fn from(refusal: crate::domain::refusal::Refusal) -> Self {
        let field = refusal.field.map(|field| camel_case(&field));
        Self { code: refusal.code.to_owned(), message: refusal.message, field }
    }
}

/// Commands name their fields in snake case, the schema in camel case. The settings of providers have names of their own.
fn camel_case(field: &str) -> String {
    if field.starts_with("settings.") || field.starts_with("secrets.") {
        return field.to_owned();
    }
    let mut text = String::with_capacity(field.len());
    let mut upper = false;
    for letter in field.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            text.extend(letter.to_uppercase());
        } else {
            text.push(letter);
        }
    }
    text
}

/// A command's answer, before it becomes the payload of its mutation.
pub struct Answer<T> {
    /// The command's own answer; absent if it was refused.
    pub value: Option<T>,
    /// Of the last event.
    pub position: Option<Position>,
    /// True if the first answer is given again.
    pub repeated: bool,
    /// Why nothing was done.
    pub refusal: Option<Refusal>,
}

impl<T> Answer<T> {
    /// With what the mutation itself knows of its object.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Answer<U> {
        let Self { value: own, position, repeated, refusal } = self;
        Answer { value: own.map(value), position, repeated, refusal }
    }

    /// A refusal.
    #[must_use]
    pub const fn refused(refusal: Refusal) -> Self {
        Self { value: None, position: None, repeated: false, refusal: Some(refusal) }
    }
}

/// Turns what a use case answers into data, and only what nobody foresaw into an error.
pub fn answer<T>(ctx: &Context<'_>, outcome: Result<Outcome<T>, AppError>) -> Result<Answer<T>> {
    let refusal = match outcome {
        Ok(Outcome::Done(done)) => {
            return Ok(Answer {
                value: Some(done.value),
                position: Some(done.position),
                repeated: done.repeated,
                refusal: None,
            });
        }
        Ok(Outcome::Refused(refusal)) => refusal.into(),
        Err(AppError::KeyReused) => Refusal::new(
            "IDEMPOTENCY_KEY_REUSED",
            "this idempotency key was already used for another command or other input",
            Some("idempotencyKey"),
        ),
        Err(AppError::Contended { .. }) => Refusal::new("CONTENDED", "the same data kept changing; try again", None),
        Err(AppError::Append(error @ AppendError::TooLarge { .. })) => {
            crate::domain::refusal::Refusal::too_large(error.to_string()).into()
        }
        Err(AppError::Append(AppendError::SubjectErased { .. })) => {
            crate::domain::refusal::Refusal::customer_forgotten().into()
        }
        Err(error) => return Err(opaque(Api::of(ctx)?.ambient(), &error)),
    };
    Ok(Answer::refused(refusal))
}

/// The request's key holder as the caller of a use case.
pub fn caller(ctx: &Context<'_>, idempotency_key: Option<String>) -> Result<Caller> {
    let principal = principal(ctx)?;
    let user = ctx.data_opt::<ActingUser>();
    let actor = user.map_or_else(|| principal.actor(), |user| user.actor(principal));
    Ok(Caller { idempotency_key, ..Caller::new(principal.tenant, actor) })
}

/// Declares a payload: its own fields (absent if refused), then those that every payload has.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident $(of $nodes:ident)? : $value:ty { $($(#[$fdoc:meta])* $field:ident : $type:ty = $get:expr,)* }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject, Debug, Clone)]
        $(#[graphql($nodes)])?
        pub struct $name {
            $($(#[$fdoc])* pub $field: Option<$type>,)*
            /// The position of the last event; a query with `waitFor` of this position sees the change.
            pub position: Option<$crate::graphql::engine::scalar::Cursor>,
            /// True if this idempotency key was already used for the same command; this is the first result again.
            pub repeated: bool,
            /// Why the command was refused; null if it was carried out.
            pub refusal: Option<$crate::graphql::engine::payload::Refusal>,
        }

        impl From<$crate::graphql::engine::payload::Answer<$value>> for $name {
            fn from(answer: $crate::graphql::engine::payload::Answer<$value>) -> Self {
                Self {
                    $($field: { let get: fn(&$value) -> Option<$type> = $get; answer.value.as_ref().and_then(get) },)*
                    position: answer.position.map(Into::into),
                    repeated: answer.repeated,
                    refusal: answer.refusal,
                }
            }
        }
    };
}

pub(crate) use payload;

/// Declares the objects that a payload shows, as they are after the mutation: each by a field of the payload, once the read
/// tables show the mutation. Null if the command was refused.
macro_rules! shows {
    ($name:ident { $($(#[$doc:meta])* $field:ident : $type:ty = |$ctx:ident, $this:ident| $load:expr,)* }) => {
        #[async_graphql::ComplexObject]
        impl $name {
            $($(#[$doc])*
            #[graphql(guard = "crate::graphql::engine::guard::May(crate::graphql::Permission::Read)")]
            async fn $field(&self, $ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Option<$type>> {
                let Some(position) = self.position else { return Ok(None) };
                $crate::graphql::engine::api::Api::of($ctx)?.wait_for(Some(position)).await?;
                let $this = self;
                $load
            })*
        }
    };
}

pub(crate) use shows;

/// Loads an object by a field of a payload, if the field is there.
macro_rules! by {
    ($id:expr, $load:expr) => {
        match $id {
            Some(id) => $load(id).await,
            None => Ok(None),
        }
    };
}

pub(crate) use by;

impl From<Cursor> for Position {
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn fields_are_named_as_in_the_schema() {
        assert_eq!(camel_case("send_at"), "sendAt");
        assert_eq!(camel_case("addresses[0].address"), "addresses[0].address");
        assert_eq!(camel_case("lines[2].unit_price_micros"), "lines[2].unitPriceMicros");
    }
}
