//! Ids as arguments: every id that commlog prints is taken, the API's `Customer:<uuid>` as well as the bare UUID.

use crate::graphql::engine::id::Global;

/// Reads an id of one kind of object.
pub fn given<T: Global>(text: &str) -> Result<T, String> {
    let kind = T::TYPE;
    let bare = match text.split_once(':') {
        None => text,
        Some((named, bare)) if named == kind => bare,
        Some((named, _)) => {
            return Err(format!("this is the id of the type {named}; here stands one of the type {kind}"));
        }
    };
    let parsed = uuid::Uuid::try_parse(bare);
    parsed.map(T::from).map_err(|_| format!("not the id of the type {kind}: `{kind}:<uuid>`, or the UUID alone"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, MessageId};

    #[test]
    fn ids_are_taken_as_the_api_prints_them() {
        let id = uuid::Uuid::from_u128(7);
        assert_eq!(given::<CustomerId>(&id.to_string()), Ok(CustomerId(id)));
        assert_eq!(given::<CustomerId>(&format!("Customer:{id}")), Ok(CustomerId(id)));
        let other = given::<CustomerId>(&format!("Message:{id}")).expect_err("is refused");
        assert!(other.contains("Message") && other.contains("Customer"), "{other}");
        assert!(given::<MessageId>("Message:x").expect_err("is refused").contains("<uuid>"));
    }
}
