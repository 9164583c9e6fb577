//! Checks documents and variables as the GraphQL specification says.
//!
//! async-graphql is laxer: it checks no variable against the positions where it is used, takes a string for an enum, a
//! field of an input object twice and several root fields of a subscription. So documents pass through apollo-compiler
//! first, once each, and async-graphql executes what has passed.

use std::collections::HashSet;
use std::sync::LazyLock;

use apollo_compiler::ExecutableDocument as Typed;
use apollo_compiler::ast;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::{GraphQLError, JsonValue};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{name, ty};
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned, Request, Response, ServerError};
use async_graphql_value::Value;

use super::completion::{Conditions, complete};
use super::failure::refused;
use super::positions::misplaced;

/// The schema as its own text says it.
static SCHEMA: LazyLock<Result<Valid<apollo_compiler::Schema>, String>> = LazyLock::new(|| {
    let mut schema = apollo_compiler::Schema::parse(crate::graphql::sdl(), "schema.graphql")
        .map_err(|found| found.errors.to_string())?;
    with_one_of(&mut schema);
    schema.validate().map_err(|found| found.errors.to_string())
});

/// Adds the field of introspection that apollo-compiler does not know, and that tools ask for.
fn with_one_of(schema: &mut apollo_compiler::Schema) {
    let Some(ExtendedType::Object(object)) = schema.types.get_mut("__Type") else { return };
    let field = ast::FieldDefinition {
        description: None,
        name: name!("isOneOf"),
        arguments: Vec::new(),
        ty: ty!(Boolean),
        directives: ast::DirectiveList::new(),
    };
    object.make_mut().fields.insert(name!("isOneOf"), field.into());
}

/// The errors that one document can be refused with at most.
const MOST_ERRORS: usize = 20;

/// A document whose every rule holds.
pub struct Checked(Valid<Typed>);

impl Checked {
    /// The values that decide which fields a request leaves out.
    #[must_use]
    pub fn conditions(&self, request: &Request) -> Conditions {
        Conditions::of(&self.0, request)
    }

    /// Completes the answer to an operation of the document.
    pub fn complete(&self, operation: Option<&str>, conditions: &Conditions, response: &mut Response) {
        if let Ok(schema) = schema() {
            complete(schema, &self.0, operation, conditions, response);
        }
    }
}

fn schema() -> Result<&'static Valid<apollo_compiler::Schema>, Vec<ServerError>> {
    SCHEMA.as_ref().map_err(|error| {
        tracing::error!(error, "the schema does not fit the specification");
        vec![refused("INTERNAL", "the schema does not fit the specification")]
    })
}

fn as_refusal(code: &'static str, found: GraphQLError) -> ServerError {
    let mut error = refused(code, found.message);
    error.locations = found.locations.iter().map(|at| Pos { line: at.line, column: at.column }).collect();
    error
}

/// Checks a document against every rule of the specification.
pub fn check(text: &str) -> Result<Checked, Vec<ServerError>> {
    let refusal = |found: &apollo_compiler::validation::DiagnosticList| {
        let errors = found.iter().take(MOST_ERRORS);
        errors.map(|error| as_refusal("INVALID_DOCUMENT", error.to_json())).collect::<Vec<_>>()
    };
    let typed = Typed::parse_and_validate(schema()?, text, "document").map_err(|found| refusal(&found.errors))?;
    let untyped = ast::Document::parse(text, "document").map_err(|found| refusal(&found.errors))?;
    let mut misplaced = misplaced(schema()?, &typed);
    misplaced.truncate(MOST_ERRORS);
    if !misplaced.is_empty() {
        return Err(misplaced);
    }
    match twice_in(&untyped) {
        Some(name) => Err(vec![refused("INVALID_DOCUMENT", format!("the input field {name} is written twice"))]),
        None => Ok(Checked(typed)),
    }
}

/// A field that is written twice in one input object, which apollo-compiler does not check.
fn twice_in(document: &ast::Document) -> Option<&apollo_compiler::Name> {
    document.definitions.iter().find_map(|definition| match definition {
        ast::Definition::OperationDefinition(operation) => {
            let defaults = operation.variables.iter().filter_map(|variable| variable.default_value.as_ref());
            defaults.map(|value| value.as_ref()).find_map(twice_in_value).or_else(|| {
                twice_in_directives(&operation.directives).or_else(|| twice_in_selections(&operation.selection_set))
            })
        }
        ast::Definition::FragmentDefinition(fragment) => {
            twice_in_directives(&fragment.directives).or_else(|| twice_in_selections(&fragment.selection_set))
        }
        _ => None,
    })
}

fn twice_in_selections(selections: &[ast::Selection]) -> Option<&apollo_compiler::Name> {
    selections.iter().find_map(|selection| match selection {
        ast::Selection::Field(field) => twice_in_arguments(&field.arguments)
            .or_else(|| twice_in_directives(&field.directives))
            .or_else(|| twice_in_selections(&field.selection_set)),
        ast::Selection::FragmentSpread(spread) => twice_in_directives(&spread.directives),
        ast::Selection::InlineFragment(inline) => {
            twice_in_directives(&inline.directives).or_else(|| twice_in_selections(&inline.selection_set))
        }
    })
}

fn twice_in_directives(directives: &ast::DirectiveList) -> Option<&apollo_compiler::Name> {
    directives.iter().find_map(|directive| twice_in_arguments(&directive.arguments))
}

fn twice_in_arguments(arguments: &[apollo_compiler::Node<ast::Argument>]) -> Option<&apollo_compiler::Name> {
    arguments.iter().find_map(|argument| twice_in_value(&argument.value))
}

fn twice_in_value(value: &ast::Value) -> Option<&apollo_compiler::Name> {
    match value {
        ast::Value::Object(fields) => {
            let mut seen = HashSet::new();
            let twice = fields.iter().map(|(name, _)| name).find(|name| !seen.insert(name.as_str()));
            twice.or_else(|| fields.iter().find_map(|(_, value)| twice_in_value(value)))
        }
        ast::Value::List(values) => values.iter().find_map(|value| twice_in_value(value)),
        _ => None,
    }
}

/// Checks a request's variables: each that is required is there, and each fits its type.
pub fn check_variables(document: &Checked, request: &Request) -> Result<(), Vec<ServerError>> {
    // An operation that does not exist is refused by whoever executes it.
    let Ok(operation) = document.0.operations.get(request.operation_name.as_deref()) else { return Ok(()) };
    if operation.variables.is_empty() {
        return Ok(());
    }
    let given = serde_json::to_value(&request.variables).map(JsonValue::from);
    let JsonValue::Object(given) = given.unwrap_or_default() else { return Ok(()) };
    coerce_variable_values(schema()?, operation, &given)
        .map(|_| ())
        .map_err(|error| vec![as_refusal("BAD_ARGUMENT", error.to_graphql_error(&document.0.sources))])
}

/// Takes out of a document what a variable stands for that was not given: an argument or a field of an input object is then
/// as if it had not been written, an element of a list is null. async-graphql would read null everywhere, and a patch would
/// clear what was only not mentioned.
pub fn leave_out_absent(document: &mut ExecutableDocument, request: &Request) {
    let operation = match (&document.operations, request.operation_name.as_deref()) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
        (DocumentOperations::Multiple(all), None) => all.values().next().filter(|_| all.len() == 1),
    };
    let definitions = operation.map(|operation| operation.node.variable_definitions.as_slice()).unwrap_or_default();
    let absent: HashSet<Name> = definitions
        .iter()
        .filter(|definition| definition.node.default_value.is_none())
        .map(|definition| definition.node.name.node.clone())
        .filter(|name| !request.variables.contains_key(name))
        .collect();
    if absent.is_empty() {
        return;
    }
    match &mut document.operations {
        DocumentOperations::Single(operation) => in_selections(&mut operation.node.selection_set.node, &absent),
        DocumentOperations::Multiple(all) => {
            all.values_mut().for_each(|operation| in_selections(&mut operation.node.selection_set.node, &absent));
        }
    }
    for fragment in document.fragments.values_mut() {
        in_selections(&mut fragment.node.selection_set.node, &absent);
    }
}

fn in_selections(set: &mut SelectionSet, absent: &HashSet<Name>) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                in_arguments(&mut field.node.arguments, absent);
                for directive in &mut field.node.directives {
                    in_arguments(&mut directive.node.arguments, absent);
                }
                in_selections(&mut field.node.selection_set.node, absent);
            }
            Selection::InlineFragment(inline) => in_selections(&mut inline.node.selection_set.node, absent),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn in_arguments(arguments: &mut Vec<(Positioned<Name>, Positioned<Value>)>, absent: &HashSet<Name>) {
    arguments.retain_mut(|(_, value)| is_there(&mut value.node, absent));
}

/// Whether a value is there at all, once what is absent in it was left out.
fn is_there(value: &mut Value, absent: &HashSet<Name>) -> bool {
    match value {
        Value::Variable(name) => return !absent.contains(name),
        Value::List(values) => {
            for value in values {
                if !is_there(value, absent) {
                    *value = Value::Null;
                }
            }
        }
        Value::Object(fields) => fields.retain(|_, value| is_there(value, absent)),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Boolean(_) | Value::Binary(_) | Value::Enum(_) => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn refusals(text: &str) -> Vec<String> {
        check(text).map(|_| Vec::new()).unwrap_or_else(|errors| errors.into_iter().map(|error| error.message).collect())
    }

    #[test]
    fn the_schema_fits_the_specification() {
        assert!(SCHEMA.is_ok(), "{:?}", SCHEMA.as_ref().err());
    }

    #[test]
    fn what_the_specification_forbids_is_refused() {
        for text in [
            "query($i: String) { customers(first: $i) { totalCount } }",
            "{ customers(filter: { owner: \"a\", owner: \"b\" }) { totalCount } }",
            "{ conversations(filter: { states: [\"OPEN\"] }) { totalCount } }",
            "subscription { inbox { position } projectionLag { name } }",
            "query($b: Boolean) { viewer { role @include(if: $b) } }",
            "{ viewer { nothing } }",
            "query($o: Int) { customers(filter: { owner: $o }) { totalCount } }",
            "query($t: String) { customers(filter: { tags: $t }) { totalCount } }",
            "query($t: String) { customers(filter: { tags: [\"a\", $t] }) { totalCount } }",
            "query($s: String!) { conversations(filter: { states: [$s] }) { totalCount } }",
            "query($s: [ConversationState]) { conversations(filter: { states: $s }) { totalCount } }",
            "query($b: Boolean = null) { ...f } fragment f on Query { customers(filter: { includeForgotten: $b, owner: $b }) { totalCount } }",
            "query($p: Position) { timeline(customerId: \"1\", asOf: { position: $p }) { totalCount } }",
            "mutation($k: String!) { registerCustomer(input: { addresses: { kind: $k, address: \"a\" } }) { position } }",
            "query($a: Boolean!) { viewer { role } }",
        ] {
            assert_ne!(refusals(text), Vec::<String>::new(), "{text}");
        }
        for text in [
            "query($b: Boolean = true) { viewer { role @include(if: $b) } }",
            "query($t: String!) { customers(filter: { tags: [$t] }) { totalCount } }",
            "query($t: [String!]!, $b: Boolean) { customers(filter: { tags: $t, includeForgotten: $b }) { totalCount } }",
            "query($s: [ConversationState!]) { conversations(filter: { states: $s }) { totalCount } }",
            "query($p: Position!) { timeline(customerId: \"1\", asOf: { position: $p }) { totalCount } }",
            "mutation($a: AddressInput!) { registerCustomer(input: { addresses: [$a] }) { position } }",
        ] {
            assert_eq!(refusals(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn variables_are_checked_against_their_types() {
        let text = "query($id: ID!, $first: Int, $filter: CustomerFilterInput) \
                    { customer(id: $id) { id } customers(first: $first, filter: $filter) { totalCount } }";
        let checked = check(text).map_err(|errors| format!("{errors:?}")).unwrap();
        let accepts = |variables| {
            check_variables(&checked, &Request::new(text).variables(Variables::from_json(variables))).is_ok()
        };
        assert!(accepts(json!({ "id": "1" })));
        assert!(accepts(json!({ "id": "1", "first": null, "filter": { "owner": "ann" }, "other": 1 })));
        for variables in [
            json!({}),
            json!({ "id": null }),
            json!({ "id": "1", "first": "2" }),
            json!({ "id": "1", "filter": { "unknown": 1 } }),
            json!({ "id": "1", "filter": { "owner": 7 } }),
        ] {
            assert!(!accepts(variables.clone()), "{variables}");
        }
    }

    #[test]
    fn a_field_whose_variable_was_not_given_is_as_if_not_written() {
        let text = "query($a: Int, $b: Int, $c: Int = 3) \
                    { f(x: $a, y: { a: $a, b: $b, deep: [{ a: $a, n: null }] }, z: [$a, $b], d: $c) { ...g } } \
                    fragment g on T { h(x: $a, y: $b) }";
        let request = Request::new(text).variables(Variables::from_json(json!({ "b": null })));
        let mut document = parse_query(text).unwrap();
        leave_out_absent(&mut document, &request);
        let expected = "query($a: Int, $b: Int, $c: Int = 3) \
                    { f(y: { b: $b, deep: [{ n: null }] }, z: [null, $b], d: $c) { ...g } } \
                    fragment g on T { h(y: $b) }";
        let shown = |document: &ExecutableDocument| {
            let text = format!("{document:?}");
            // Positions differ.
            text.split("Pos(").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect::<String>()
        };
        assert_eq!(shown(&document), shown(&parse_query(expected).unwrap()));
    }
}
