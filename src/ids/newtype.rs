//! Types that stores hold as another one: ids as UUIDs, words as text.

use std::error::Error;

/// A type that a column of a table, or a value bound into SQL, holds as a plainer one. What is read is checked, so that a
/// row with an unknown word names its column instead of travelling on as text.
pub trait Newtype: Sized {
    /// What the store holds.
    type Raw;

    /// Why what the store holds is not a value of this type.
    type Error: Error + Send + Sync + 'static;

    /// Out of what the store holds.
    fn try_from_raw(raw: Self::Raw) -> Result<Self, Self::Error>;

    /// What the store is to hold.
    fn into_raw(self) -> Self::Raw;
}
