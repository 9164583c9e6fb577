//! Resolves objects whose fields are all at hand without a future per field.
//!
//! A timeline page has hundreds of fields. async-graphql boxes a future for each and drives them concurrently, which
//! costs more than the page's SQL; here they are resolved one after the other on the spot. Rows of a list still run
//! concurrently, so that data loaders see all of them.

use std::borrow::Cow;

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
            return self.0.resolve(ctx, field).await;
        }
        let mut object = async_graphql::indexmap::IndexMap::with_capacity(items.len());
        for selection in items {
            let Selection::Field(chosen) = &selection.node else { continue };
            let ctx = ctx.with_field(chosen);
            match self.0.resolve_field(&ctx).await {
                Ok(value) => {
                    object.insert(chosen.node.response_key().node.clone(), value.unwrap_or_default());
                }
                Err(error) => ctx.add_error(error),
            }
        }
        Ok(Value::Object(object))
    }
}
