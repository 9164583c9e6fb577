//! Fields of inputs that change a part of something.

use async_graphql::MaybeUndefined;

use crate::domain::customer::decide::Patch;

/// A field that was left out keeps what is there, null clears it.
pub fn patch<T>(field: MaybeUndefined<T>) -> Patch<T> {
    match field {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value),
    }
}
