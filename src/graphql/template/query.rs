//! Templates.

use async_graphql::{Context, Object, Result};

use super::object::{Template, TemplateFinding, TemplateKind, TemplateVersion, findings};
use super::preview::{PreviewTemplateInput, PreviewedTemplateInput, TemplatePreviewResult, preview};
use crate::graphql::engine::connection::{DEFAULT_FIRST, page_size};
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::queries::templates::{self, TemplateFilter};

/// Templates.
#[derive(Default)]
pub struct TemplateQueries;

#[Object]
impl TemplateQueries {
    /// The templates, by code.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + first.max(0) as usize * child_complexity")]
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The beginning of the code or the title.")] search: Option<String>,
        #[graphql(desc = "Only templates of this kind.")] kind: Option<TemplateKind>,
        #[graphql(default = false, desc = "The archived templates instead of the others.")] archived: bool,
        #[graphql(default_with = "DEFAULT_FIRST", desc = "The maximum number of templates; limited as pages are.")]
        first: i32,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Template>> {
        let reading = Reading::of(ctx)?;
        let limit = page_size(Some(first))?;
        reading.api.wait_for(wait_for).await?;
        let kind = kind.map(|kind| crate::domain::template::content::TemplateKind::from(kind).word().to_owned());
        let filter = TemplateFilter { search, kind, archived };
        let rows = templates::list(&reading.api.reads.db(), reading.session.principal.tenant, &filter, limit).await;
        rows.map_err(|error| reading.api.failed(&error))?.into_iter().map(Template::new).collect()
    }

    /// The template with a code, archived ones too.
    #[graphql(guard = "May(Permission::Read)")]
    async fn template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's code.")] code: String,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Template>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Template::load(ctx, &code).await
    }

    /// A published version of a template; two of them side by side show what changed.
    #[graphql(guard = "May(Permission::Read)")]
    async fn template_version(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's code.")] code: String,
        #[graphql(desc = "The number of the version, from 1.")] version: i32,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<TemplateVersion>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let row = templates::version(&reading.api.reads.db(), tenant, &code, i64::from(version)).await;
        row.map_err(|error| reading.api.failed(&error))?.map(TemplateVersion::new).transpose()
    }

    /// A template as a customer would get it, or with sample values. Sends nothing.
    #[graphql(guard = "May(Permission::Read)", complexity = "100 + child_complexity")]
    async fn preview_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template and the values.")] input: PreviewTemplateInput,
    ) -> Result<TemplatePreviewResult> {
        preview(ctx, input).await
    }

    /// What to correct in a template before it is published, and what to look at.
    #[graphql(guard = "May(Permission::Read)", complexity = "100 + child_complexity")]
    async fn lint_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template.")] template: PreviewedTemplateInput,
    ) -> Result<Vec<TemplateFinding>> {
        findings(ctx, template.into()).await
    }
}
