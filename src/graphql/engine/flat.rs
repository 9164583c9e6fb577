//! Resolves objects whose fields are all at hand without a future per field.
//!
//! A timeline page has hundreds of fields. async-graphql boxes a future for each and drives them concurrently, which
//! costs more than the page's SQL; here they are resolved one after the other on the spot. Rows of a list still run
//! concurrently, so that data loaders see all of them.

use std::borrow::Cow;
use std::pin::Pin;

use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

/// An object that is resolved field by field. The same type in the schema as what it holds.
#[derive(Debug, Clone)]
pub struct Flat<T>(pub T);

impl<T: OutputType + ContainerType> OutputType for Flat<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        in_order(&self.0, ctx, field).await
    }
}

/// As [`Flat`], behind one box: for objects that lead back to their own type (a customer's timeline leads to messages,
/// these to their customer), whose futures would otherwise contain themselves.
#[derive(Debug, Clone)]
pub struct Boxed<T>(pub T);

impl<T: OutputType + ContainerType> OutputType for Boxed<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let fields: Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + '_>> =
            Box::pin(in_order(&self.0, ctx, field));
        fields.await
    }
}

/// Resolves an object's fields one after the other, and answers them in the order asked.
async fn in_order<T: OutputType + ContainerType>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    // Fragments, directives and merged repetitions of a field are left to the library.
    let items = &ctx.item.node.items;
    let mut plain = true;
    for (index, selection) in items.iter().enumerate() {
        let Selection::Field(chosen) = &selection.node else {
            plain = false;
            break;
        };
        let name = &chosen.node.response_key().node;
        let repeated = items[..index].iter().any(|earlier| match &earlier.node {
            Selection::Field(earlier) => earlier.node.response_key().node == *name,
            _ => false,
        });
        if repeated || !chosen.node.directives.is_empty() || chosen.node.name.node == "__typename" {
            plain = false;
            break;
        }
    }
    if !plain {
        return object.resolve(ctx, field).await;
    }
    let mut values = async_graphql::indexmap::IndexMap::with_capacity(items.len());
    for selection in items {
        let Selection::Field(chosen) = &selection.node else { continue };
        let ctx = ctx.with_field(chosen);
        match object.resolve_field(&ctx).await {
            Ok(value) => {
                values.insert(chosen.node.response_key().node.clone(), value.unwrap_or_default());
            }
            Err(error) => ctx.add_error(error),
        }
    }
    Ok(Value::Object(values))
}
