//! Errors of the interface: a refusal that the caller can act on has a code; what nobody foresaw is one opaque error
//! with an id, and one line in the server's diagnostics that has the same id and the whole chain of causes.

use std::error::Error as StdError;
use std::fmt::Write;

use async_graphql::{Error, ErrorExtensionValues, ErrorExtensions, ServerError};

use crate::clock::Ambient;
use crate::queries::WaitError;

/// A request error with a code in its extensions.
#[must_use]
pub fn refused(code: &'static str, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    error.extensions = Some(extensions);
    error
}

/// A field error with a code in its extensions.
#[must_use]
pub fn field_refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// An argument that cannot be what it was given for.
#[must_use]
pub fn bad_argument(argument: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(format!("{argument}: {reason}")).extend_with(|_, extensions| {
        extensions.set("code", "BAD_ARGUMENT");
        extensions.set("argument", argument);
    })
}

/// Logs an unforeseen failure and returns what the caller may know of it. That the read tables are behind passes: the caller is
/// told to ask again.
#[must_use]
pub fn opaque(ambient: &Ambient, failure: &(dyn StdError + 'static)) -> Error {
    if is_behind(failure) {
        tracing::warn!(error = chain(failure), "a request waited for the read tables in vain");
        return field_refused("NOT_YET_VISIBLE", "the read tables are behind the log: ask again in a moment");
    }
    let id = ambient.uuid();
    tracing::error!(error_id = %id, error = chain(failure), "a request failed");
    Error::new("the server failed; its diagnostics have details under this id").extend_with(|_, extensions| {
        extensions.set("code", "INTERNAL");
        extensions.set("id", id.to_string());
    })
}

fn is_behind(failure: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(failure);
    while let Some(error) = next {
        if let Some(WaitError::Late { .. }) = error.downcast_ref() {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error and its causes, outermost first.
#[must_use]
pub fn chain(failure: &(dyn StdError + 'static)) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        // Writing into a String does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaigns::CampaignError;
    use crate::ids::Position;

    #[test]
    fn read_tables_that_are_behind_are_no_failure_of_the_server() {
        let late = WaitError::Late { wanted: Position::from_counter(2), applied: Position::START };
        let told = opaque(&Ambient::system(), &CampaignError::from(late));
        let code = told.extensions.and_then(|extensions| extensions.get("code").cloned());
        assert_eq!(code, Some("NOT_YET_VISIBLE".into()));
    }
}
