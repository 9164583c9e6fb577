//! Checks the variables inside input objects and lists against the positions where they are used.
//!
//! The rule "All Variable Usages Are Allowed" of the specification. apollo-compiler checks it for whole arguments only, so a
//! `String` could stand where a field of an input object wants an enum, and would be taken for one.

use std::collections::HashSet;

use apollo_compiler::ast::{Type, Value, VariableDefinition};
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceMap;
use apollo_compiler::schema::{ExtendedType, InputValueDefinition};
use apollo_compiler::{Name, Node, Schema};
use async_graphql::{Pos, ServerError};

use super::failure::refused;

/// What a position takes.
#[derive(Clone, Copy)]
struct Place<'a> {
    wants: &'a Type,
    has_default: bool,
    /// Where exactly one field must be given and none may be null.
    one_of: bool,
}

impl<'a> Place<'a> {
    fn of(definition: &'a InputValueDefinition) -> Self {
        Self { wants: &definition.ty, has_default: definition.default_value.is_some(), one_of: false }
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    sources: &'a SourceMap,
    variables: &'a [Node<VariableDefinition>],
    found: Vec<ServerError>,
}

/// Every variable that an operation of the document uses where its type does not fit.
#[must_use]
pub fn misplaced(schema: &Schema, document: &ExecutableDocument) -> Vec<ServerError> {
    document.operations.iter().flat_map(|operation| in_operation(schema, document, operation)).collect()
}

fn in_operation(schema: &Schema, document: &ExecutableDocument, operation: &Operation) -> Vec<ServerError> {
    let mut walk = Walk { schema, sources: &document.sources, variables: &operation.variables, found: Vec::new() };
    let (mut waiting, mut seen) = (vec![&operation.selection_set], HashSet::new());
    while let Some(SelectionSet { selections, .. }) = waiting.pop() {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    walk.field(field);
                    waiting.push(&field.selection_set);
                }
                Selection::InlineFragment(inline) => waiting.push(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.fragment_name);
                    waiting.extend(
                        fragment.filter(|_| seen.insert(&spread.fragment_name)).map(|found| &found.selection_set),
                    );
                }
            }
        }
    }
    walk.found
}

impl Walk<'_> {
    fn field(&mut self, field: &Field) {
        for argument in &field.arguments {
            let Some(definition) = field.definition.arguments.iter().find(|one| one.name == argument.name) else {
                continue;
            };
            // A whole argument was checked already.
            if argument.value.as_variable().is_none() {
                self.value(&argument.value, Place::of(definition), &definition.name);
            }
        }
    }

    fn value(&mut self, value: &Node<Value>, place: Place<'_>, name: &Name) {
        match value.as_ref() {
            Value::Variable(variable) => self.variable(value, variable, place, name),
            Value::List(values) => {
                let wants = place.wants.item_type();
                for value in values {
                    self.value(value, Place { wants, has_default: false, one_of: false }, name);
                }
            }
            Value::Object(fields) => {
                // A single object may stand for a list of one.
                let Some(ExtendedType::InputObject(input)) = self.schema.types.get(place.wants.inner_named_type())
                else {
                    return;
                };
                let one_of = input.directives.has("oneOf");
                for (name, value) in fields {
                    if let Some(definition) = input.fields.get(name) {
                        self.value(value, Place { one_of, ..Place::of(definition) }, name);
                    }
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, at: &Node<Value>, variable: &Name, place: Place<'_>, name: &Name) {
        let Some(definition) = self.variables.iter().find(|one| one.name == *variable) else { return };
        let (is, wants) = (definition.ty.as_ref(), place.wants);
        let message = if place.one_of && !is.is_non_null() {
            format!("the variable ${variable} of type {is} must not be null: {name} is the one field that is given")
        } else if fits(definition, place) {
            return;
        } else {
            format!("the variable ${variable} of type {is} is used for {name}, which wants {wants}")
        };
        let mut error = refused("INVALID_DOCUMENT", message);
        let range = at.line_column_range(self.sources);
        error.locations =
            range.map(|range| Pos { line: range.start.line, column: range.start.column }).into_iter().collect();
        self.found.push(error);
    }
}

/// Whether a variable may be used at a place. One that may be null fits a place that must not be if a default of either
/// takes the place of an absent value.
fn fits(variable: &VariableDefinition, place: Place<'_>) -> bool {
    let is = variable.ty.as_ref();
    if !place.wants.is_non_null() || is.is_non_null() {
        return is.is_assignable_to(place.wants);
    }
    let has_default = variable.default_value.as_ref().is_some_and(|value| !value.is_null());
    (has_default || place.has_default) && is.is_assignable_to(&place.wants.clone().nullable())
}
