//! Mutations on templates.

use async_graphql::{Context, Object, Result};

use super::object::{Template, TemplateInput};
use crate::domain::template::decide::{ArchiveTemplate, PublishTemplate, SavedTemplate};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload, shows};
use crate::graphql::engine::principal::Permission;

payload! {
    /// The result of mutations on templates.
    TemplatePayload of complex: SavedTemplate {
        /// The template's code.
        code: String = |saved| Some(saved.code.clone()),
        /// The draft's revision; the next change must name it.
        revision: u32 = |saved| Some(saved.revision),
        /// The newest published version; null if none was published.
        version: u32 = |saved| saved.version,
    }
}

shows! {
    TemplatePayload {
        /// The template after this mutation; waits for the read tables.
        template: Template = |ctx, payload| match &payload.code {
            Some(code) => Template::load(ctx, code).await,
            None => Ok(None),
        },
    }
}

/// Mutations on templates.
#[derive(Default)]
pub struct TemplateMutations;

#[Object]
impl TemplateMutations {
    /// Creates a template, or changes its draft: then `revision` is the one that was edited. A draft may have mistakes:
    /// `Template.lint` lists them, `publishTemplate` refuses them. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn save_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template with its code.")] input: TemplateInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<TemplatePayload> {
        let outcome = Api::of(ctx)?.app.save_template(&caller(ctx, idempotency_key)?, input.into()).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Publishes the draft as the next version, which never changes. Publishing an unchanged draft again returns
    /// the version that there is. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn publish_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's code.")] code: String,
        #[graphql(desc = "The revision that was looked at; by default the last one.")] revision: Option<u32>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<TemplatePayload> {
        let command = PublishTemplate { code, revision };
        let outcome = Api::of(ctx)?.app.publish_template(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Archives a template: it is no longer offered, its versions stay. Saving it again brings it back. Requires the role
    /// `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)")]
    async fn archive_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's code.")] code: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<TemplatePayload> {
        let command = ArchiveTemplate { code };
        let outcome = Api::of(ctx)?.app.archive_template(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }
}
