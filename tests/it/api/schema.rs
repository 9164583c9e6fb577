//! The generated schema in the repository.

/// Front ends generate code from `schema.graphql`: it must be what the server serves.
#[test]
fn schema_graphql_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == commlog::graphql::sdl(),
        "schema.graphql is out of date: run `make schema` and commit the result"
    );
}
