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

/// What front ends read of a type, a field, an argument or a value is its description: there is none without.
#[test]
fn everything_in_the_schema_is_described() {
    use async_graphql::parser::types::{InputValueDefinition, TypeKind, TypeSystemDefinition};
    use async_graphql::{Positioned, parser::parse_schema};

    let document = parse_schema(commlog::graphql::sdl()).expect("the schema can be read");
    let mut missing = vec![];
    let mut look = |name: String, is_described: bool| {
        if !is_described {
            missing.push(name);
        }
    };
    let inputs = |look: &mut dyn FnMut(String, bool), of: &str, inputs: &[Positioned<InputValueDefinition>]| {
        for input in inputs {
            look(format!("{of}.{}", input.node.name.node), input.node.description.is_some());
        }
    };
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.as_str();
        look(name.to_owned(), definition.node.description.is_some());
        let fields = match &definition.node.kind {
            TypeKind::Object(object) => &object.fields,
            TypeKind::Interface(interface) => &interface.fields,
            TypeKind::InputObject(input) => {
                inputs(&mut look, name, &input.fields);
                continue;
            }
            TypeKind::Enum(values) => {
                for value in &values.values {
                    look(format!("{name}.{}", value.node.value.node), value.node.description.is_some());
                }
                continue;
            }
            TypeKind::Scalar | TypeKind::Union(_) => continue,
        };
        for field in fields {
            let field_name = format!("{name}.{}", field.node.name.node);
            inputs(&mut look, &field_name, &field.node.arguments);
            look(field_name, field.node.description.is_some());
        }
    }
    assert!(missing.is_empty(), "{} without a description: {missing:#?}", missing.len());
}

/// graphql-js cannot print an object as the default of a scalar: who reads the schema with it would get an error. Every scalar is
/// known to the example's generator.
#[test]
fn scalars_have_no_defaults_that_clients_cannot_print_and_are_known_to_the_example() {
    let schema = commlog::graphql::sdl();
    let objects: Vec<&str> = schema.lines().filter(|line| line.contains("= {")).collect();
    assert!(objects.is_empty(), "{objects:#?}");
    let example = include_str!("../../../examples/typescript/codegen.ts");
    let scalars = schema.lines().filter_map(|line| line.strip_prefix("scalar ")?.split_whitespace().next());
    let unknown: Vec<&str> = scalars.filter(|scalar| !example.contains(&format!("          {scalar}: "))).collect();
    assert!(unknown.is_empty(), "examples/typescript/codegen.ts does not say what these are: {unknown:?}");
}
