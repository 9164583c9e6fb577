//! Completes answers as the specification says: the fields of an object in the order of the document, a nullable field that
//! failed as null, and what must not be null taking its parent with it.
//!
//! async-graphql resolves the fields of an object concurrently and puts them in the order in which they finish. One that
//! fails it leaves out, even if it must not be null, and an object without fields it makes null.

use std::collections::HashMap;
use std::rc::Rc;

use apollo_compiler::ast::{self, Type};
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::{PathSegment, Request, Response, Value};

/// The values of a request's Boolean variables, for `@skip` and `@include`.
#[derive(Debug, Default)]
pub struct Conditions(HashMap<Name, bool>);

impl Conditions {
    /// Out of a request and the defaults of its operation.
    #[must_use]
    pub fn of(document: &ExecutableDocument, request: &Request) -> Self {
        let Ok(operation) = document.operations.get(request.operation_name.as_deref()) else { return Self::default() };
        let value = |variable: &Node<ast::VariableDefinition>| {
            let given =
                request.variables.get(variable.name.as_str()).map(|given| matches!(given, Value::Boolean(true)));
            let value = given.or_else(|| variable.default_value.as_ref()?.to_bool())?;
            Some((variable.name.clone(), value))
        };
        Self(operation.variables.iter().filter_map(value).collect())
    }

    fn hold(&self, directives: &ast::DirectiveList) -> bool {
        let condition = |name: &str| {
            let directive = directives.get(name)?;
            let argument = directive.arguments.iter().find(|argument| argument.name == "if")?;
            argument.value.to_bool().or_else(|| self.0.get(argument.value.as_variable()?).copied())
        };
        condition("include").unwrap_or(true) && !condition("skip").unwrap_or(false)
    }
}

/// A field of an answer, with every selection of it.
struct Wanted<'a> {
    key: &'a Name,
    fields: Vec<&'a Field>,
}

/// The fields that a selection asks of an object, in order.
type Selected<'a> = Rc<Vec<Wanted<'a>>>;

#[derive(Clone)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Step<'_> {
    fn is(&self, segment: &PathSegment) -> bool {
        match (self, segment) {
            (Self::Key(key), PathSegment::Field(name)) => key == name,
            (Self::Index(index), PathSegment::Index(number)) => index == number,
            _ => false,
        }
    }
}

struct Completion<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    conditions: &'a Conditions,
    failed: Vec<Vec<PathSegment>>,
    path: Vec<Step<'a>>,
    /// By where the list of selections is in memory, which stays there, and the object's type: lists have many objects of one
    /// selection.
    selected: HashMap<(*const &'a Field, &'a str), Selected<'a>>,
}

/// Completes the answer to an operation that was executed.
pub fn complete(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: Option<&str>,
    conditions: &Conditions,
    response: &mut Response,
) {
    let Ok(operation) = document.operations.get(operation) else { return };
    if response.errors.iter().any(|error| error.path.is_empty()) {
        return;
    }
    let failed = response.errors.iter().map(|error| error.path.clone()).collect();
    let mut completion =
        Completion { schema, document, conditions, failed, path: Vec::new(), selected: HashMap::new() };
    let data = std::mem::take(&mut response.data);
    response.data = completion.root(operation, data).unwrap_or_default();
}

impl<'a> Completion<'a> {
    fn root(&mut self, operation: &'a Operation, data: Value) -> Option<Value> {
        let mut fields = match data {
            Value::Object(fields) => fields,
            _ => IndexMap::new(),
        };
        let mut found = Vec::new();
        self.collect(&operation.selection_set, operation.object_type(), &mut found);
        self.object(&Rc::new(found), &mut fields).then_some(Value::Object(fields))
    }

    /// Gathers the fields that apply to an object of a type.
    fn collect(&self, set: &'a SelectionSet, object: &str, found: &mut Vec<Wanted<'a>>) {
        for selection in &set.selections {
            let inner = match selection {
                _ if !self.conditions.hold(selection.directives()) => continue,
                Selection::Field(field) => {
                    let key = field.response_key();
                    match found.iter_mut().find(|wanted| wanted.key == key) {
                        Some(wanted) => wanted.fields.push(field),
                        None => found.push(Wanted { key, fields: vec![field] }),
                    }
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (inline.type_condition.as_ref().is_none_or(|on| self.applies(on, object)))
                        .then_some(&inline.selection_set)
                }
                Selection::FragmentSpread(spread) => self
                    .document
                    .fragments
                    .get(&spread.fragment_name)
                    .filter(|fragment| self.applies(fragment.type_condition(), object))
                    .map(|fragment| &fragment.selection_set),
            };
            if let Some(set) = inner {
                self.collect(set, object, found);
            }
        }
    }

    fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object || self.schema.is_subtype(condition, object)
    }

    /// Completes an object; false if something in it must not be null and is.
    fn object(&mut self, selected: &Selected<'a>, fields: &mut IndexMap<async_graphql::Name, Value>) -> bool {
        let in_order = selected.len() == fields.len()
            && selected.iter().zip(fields.keys()).all(|(one, key)| one.key == key.as_str());
        let mut whole = true;
        for wanted in selected.iter() {
            let (key, is) = (wanted.key.as_str(), &wanted.fields[0].definition.ty);
            self.path.push(Step::Key(key));
            if let Some(value) = fields.get_mut(key) {
                whole &= self.value(is, &wanted.fields, value, false);
            } else {
                let mut value = Value::Null;
                whole &= self.value(is, &wanted.fields, &mut value, true);
                fields.insert(async_graphql::Name::new(key), value);
            }
            self.path.pop();
        }
        if !in_order {
            let place = |key: &str| selected.iter().position(|wanted| wanted.key == key);
            fields.retain(|key, _| place(key).is_some());
            fields.sort_by_cached_key(|key, _| place(key));
        }
        whole
    }

    /// Completes a value; false if it must not be null and is.
    fn value(&mut self, is: &Type, fields: &[&'a Field], value: &mut Value, missing: bool) -> bool {
        let composite = !fields[0].selection_set.selections.is_empty();
        let whole = match value {
            Value::List(values) if is.is_list() => {
                let item = is.item_type();
                let mut whole = true;
                if composite || item.is_list() {
                    for (index, value) in values.iter_mut().enumerate() {
                        self.path.push(Step::Index(index));
                        whole &= self.value(item, fields, value, false);
                        self.path.pop();
                    }
                }
                whole
            }
            Value::Object(map) if composite => match self.selection(is.inner_named_type(), fields, Some(map)) {
                Some(selected) => self.object(&selected, map),
                None => true,
            },
            // The library makes an object null in which nothing was selected, or everything failed.
            Value::Null if composite && !missing && !is.is_list() => {
                let selected = self.selection(is.inner_named_type(), fields, None);
                match selected.filter(|selected| (is.is_non_null() && selected.is_empty()) || self.has_failed_below()) {
                    Some(selected) => {
                        let mut map = IndexMap::new();
                        let whole = self.object(&selected, &mut map);
                        *value = Value::Object(map);
                        whole
                    }
                    None => true,
                }
            }
            _ => true,
        };
        if !whole {
            *value = Value::Null;
        }
        *value != Value::Null || !is.is_non_null()
    }

    /// Whether something failed inside the value at the current path.
    fn has_failed_below(&self) -> bool {
        let is_below = |path: &Vec<PathSegment>| {
            path.len() > self.path.len() && self.path.iter().zip(path).all(|(step, segment)| step.is(segment))
        };
        self.failed.iter().any(is_below)
    }

    /// The fields asked of an object; absent if its type cannot be known.
    fn selection(
        &mut self,
        named: &Name,
        fields: &[&'a Field],
        map: Option<&IndexMap<async_graphql::Name, Value>>,
    ) -> Option<Selected<'a>> {
        let object = match self.schema.types.get_key_value(named)? {
            (name, ExtendedType::Object(_)) => name.as_str(),
            _ => self.type_name(fields, map?)?,
        };
        let key = (fields.as_ptr(), object);
        if let Some(selected) = self.selected.get(&key) {
            return Some(Rc::clone(selected));
        }
        let mut found = Vec::new();
        for field in fields {
            self.collect(&field.selection_set, object, &mut found);
        }
        let selected = Rc::new(found);
        self.selected.insert(key, Rc::clone(&selected));
        Some(selected)
    }

    /// The type of an object of an interface, where the document asks for it.
    fn type_name(&self, fields: &[&'a Field], map: &IndexMap<async_graphql::Name, Value>) -> Option<&'a str> {
        let mut sets: Vec<&'a SelectionSet> = fields.iter().map(|field| &field.selection_set).collect();
        while let Some(set) = sets.pop() {
            for selection in &set.selections {
                match selection {
                    Selection::Field(field) if field.name == "__typename" => {
                        if let Some(Value::String(name)) = map.get(field.response_key().as_str()) {
                            return self.schema.types.get_key_value(name.as_str()).map(|(name, _)| name.as_str());
                        }
                    }
                    Selection::Field(_) => {}
                    Selection::InlineFragment(inline) => sets.push(&inline.selection_set),
                    Selection::FragmentSpread(spread) => {
                        sets.extend(
                            self.document.fragments.get(&spread.fragment_name).map(|found| &found.selection_set),
                        );
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, Value};
    use serde_json::json;

    use super::*;
    use crate::graphql::engine::validation::check;

    /// What becomes of an answer of async-graphql, in which fields failed.
    fn completed(text: &str, data: serde_json::Value, failed: &[&[&str]]) -> String {
        let checked = check(text).map_err(|errors| format!("{errors:?}")).unwrap();
        let mut response = Response::new(Value::from_json(data).unwrap());
        response.errors = failed
            .iter()
            .map(|path| {
                let segment = |step: &&str| {
                    step.parse().map_or_else(|_| PathSegment::Field((*step).to_owned()), PathSegment::Index)
                };
                ServerError { path: path.iter().map(segment).collect(), ..ServerError::new("failed", None) }
            })
            .collect();
        checked.complete(None, &checked.conditions(&Request::new(text)), &mut response);
        serde_json::to_string(&response.data).unwrap()
    }

    #[test]
    fn fields_are_in_the_order_of_the_document() {
        let text =
            "{ b: viewer { role ...f maySend } a: viewer { role } } fragment f on Viewer { keyId role __typename }";
        let viewer = json!({ "maySend": true, "__typename": "Viewer", "role": "ADMIN", "keyId": "k" });
        let data = json!({ "a": { "role": "ADMIN" }, "b": viewer });
        let expected =
            r#"{"b":{"role":"ADMIN","keyId":"k","__typename":"Viewer","maySend":true},"a":{"role":"ADMIN"}}"#;
        assert_eq!(completed(text, data, &[]), expected);
    }

    #[test]
    fn a_nullable_field_that_failed_is_null() {
        let text = "{ policy { timeZone } customer(id: \"1\") { name } import(id: \"1\") { id } }";
        let data = json!({ "policy": { "timeZone": "UTC" } });
        let expected = r#"{"policy":{"timeZone":"UTC"},"customer":null,"import":null}"#;
        assert_eq!(completed(text, data, &[&["customer"], &["import"]]), expected);
        assert_eq!(
            completed("{ policy { timeZone } }", json!({ "policy": null }), &[&["policy", "timeZone"]]),
            r#"{"policy":{"timeZone":null}}"#
        );
        assert_eq!(
            completed("{ customer(id: \"1\") { name } }", json!(null), &[&["customer"]]),
            r#"{"customer":null}"#
        );
    }

    #[test]
    fn what_must_not_be_null_takes_its_parent_with_it() {
        let text = "{ customer(id: \"1\") { name revenue { total { micros } } } }";
        let data = json!({ "customer": { "name": "Ann" } });
        assert_eq!(completed(text, data, &[&["customer", "revenue"]]), r#"{"customer":null}"#);
        let list = "{ customers { nodes { name timeline { totalCount } } } }";
        let data = json!({ "customers": { "nodes": [{ "name": "Ann", "timeline": { "totalCount": 1 } }, { "name": "Ben" }] } });
        assert_eq!(completed(list, data, &[&["customers", "nodes", "1", "timeline"]]), "null");
    }

    #[test]
    fn what_is_skipped_is_not_there() {
        let text = "query($b: Boolean = false) { viewer { role @include(if: $b) keyId @skip(if: true) } }";
        assert_eq!(completed(text, json!({ "viewer": null }), &[]), r#"{"viewer":{}}"#);
    }
}
