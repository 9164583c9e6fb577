//! Commands on templates, and what is made of them: previews and messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::Value;

use crate::app::engine::deciding::Committed;
use crate::app::engine::error::Stop;
use crate::app::engine::states::decode;
use crate::app::template_cache::Key;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::command::Command;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision, Policy};
use crate::domain::message::event::MessageClass;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::{self, LocalContent, TemplateKind, choose};
use crate::domain::template::decide::{
    self, ArchiveTemplate, PublishTemplate, SaveTemplate, SavedTemplate, content_hash, unknown,
};
use crate::domain::template::event::TemplateEvent;
use crate::domain::template::state::{Draft, Template};
use crate::domain::value::Channel;
use crate::ids::{CustomerId, Label, TenantId};
use crate::log::{Category, ReadLimit, StreamId};
use crate::offload;
use crate::rendering::lint::{self, Finding, Purpose};
use crate::rendering::{self, Business, Compiled, Included, Includes, MAX_INCLUDES, Rendered, Values};

/// Templates that one includes at most, those of its partials among them.
const MAX_INCLUDED: usize = 100;

/// What is previewed.
#[derive(Debug, Clone, PartialEq)]
pub enum Previewed {
    /// What was saved last.
    Draft {
        /// The template's code.
        code: String,
    },
    /// A published version; absent: the newest.
    Version {
        /// The template's code.
        code: String,
        /// From 1.
        version: Option<u32>,
    },
    /// What is not saved.
    Unsaved(SaveTemplate),
}

/// Asks for a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewTemplate {
    /// The template.
    pub template: Previewed,
    /// Which of its channels.
    pub channel: Channel,
    /// Instead of the customer's locale.
    pub locale: Option<String>,
    /// As this customer would get it; absent: with the values below only.
    pub customer_id: Option<CustomerId>,
    /// What is known of the customer's business.
    pub business: Business,
    /// Values that stand before those of the customer.
    pub variables: BTreeMap<String, Value>,
}

/// A preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePreview {
    /// The locale of the text.
    pub locale: String,
    /// The published version, if it is one.
    pub version: Option<u32>,
    /// What the customer would get.
    pub rendered: Rendered,
}

/// What stands in the place of variables.
#[derive(Debug, Clone)]
pub struct PreviewValues {
    /// The values.
    pub values: Values,
    /// The zone that moments are shown in.
    pub zone: Tz,
    /// The customer's locale, if there is one.
    pub locale: Option<String>,
}

/// A template with all that it is compiled from.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub draft: Draft,
    pub version: Option<u32>,
    pub includes: Includes,
    pub hash: String,
}

impl Loaded {
    /// Whether it, or what it includes, names the customer's orders.
    pub fn names_orders(&self) -> bool {
        fn names(contents: &[LocalContent], includes: &Includes) -> bool {
            let text = serde_json::to_string(contents).unwrap_or_default();
            text_names_orders(&text) || includes.values().any(|part| names(&part.contents, &part.includes))
        }
        names(&self.draft.contents, &self.includes)
    }

    /// The text for a channel and locale, and what it is kept by once it is compiled.
    fn text(&self, tenant: TenantId, channel: Channel, locale: Option<&str>) -> Result<(Key, &LocalContent), Refusal> {
        let draft = &self.draft;
        let local = choose(&draft.contents, channel, locale, &draft.default_locale).ok_or_else(|| {
            let message = format!("the template has no text for the channel {channel}");
            Refusal { field: Some("channel".to_owned()), ..Refusal::new("TEMPLATE_HAS_NO_TEXT", message) }
        })?;
        Ok(((tenant, channel, local.locale.clone(), self.hash.clone()), local))
    }
}

impl App {
    /// Makes a template, or changes its draft. What it says is not compiled yet: a draft may be half done.
    pub async fn save_template(
        &self,
        caller: &Caller,
        command: SaveTemplate,
    ) -> Result<Outcome<SavedTemplate>, AppError> {
        let code = command.code.clone();
        self.change_template(caller, &code, command, decide::save).await
    }

    /// Publishes a draft, if all its texts can be compiled.
    pub async fn publish_template(
        &self,
        caller: &Caller,
        command: PublishTemplate,
    ) -> Result<Outcome<SavedTemplate>, AppError> {
        Stop::outcome(self.publish(caller, command).await)
    }

    async fn publish(
        &self,
        caller: &Caller,
        command: PublishTemplate,
    ) -> Result<crate::app::Done<SavedTemplate>, Stop> {
        let code = decide::code(&command.code)?;
        let stream = self.template_stream(caller.tenant, &code).await?;
        let (draft, standing) = self
            .read_fresh_state::<Template, _>(stream, |loaded| (loaded.state.draft.clone(), saved(&loaded.state)))
            .await?;
        let draft = draft.ok_or_else(unknown)?;
        let (includes, pins) = self.includes(caller, &draft.contents, None).await?;
        if draft.kind == TemplateKind::Message {
            let contents = draft.contents.clone();
            let compiled = offload::run(usize::MAX, move || {
                (contents.iter().enumerate()).try_for_each(|(index, local)| {
                    rendering::compile(local, &includes).map(drop).map_err(|fault| (index, fault))
                })
            });
            compiled.await.map_err(|(index, fault)| content::inside(fault.into(), index))?;
        }
        let decide = |state: &Template, command: PublishTemplate, context: &Context<'_>| {
            decide::publish(state, &command, &draft, &pins, context)
        };
        let answer = |made: &Committed<TemplateEvent>| told(made, standing.as_ref()).or(standing.clone());
        self.try_run(caller, stream, command, decide, answer).await
    }

    /// Archives a template. What was made of it stays as it is.
    pub async fn archive_template(
        &self,
        caller: &Caller,
        command: ArchiveTemplate,
    ) -> Result<Outcome<SavedTemplate>, AppError> {
        let code = command.code.clone();
        let decide = |state: &Template, _: ArchiveTemplate, context: &Context<'_>| decide::archive(state, context);
        self.change_template(caller, &code, command, decide).await
    }

    /// A change that needs nothing but the template itself. What changes nothing answers how it stands.
    async fn change_template<C: Command<State = Template>>(
        &self,
        caller: &Caller,
        code: &str,
        command: C,
        decide: impl Fn(&Template, C, &Context<'_>) -> Decision<TemplateEvent> + Send + Sync,
    ) -> Result<Outcome<SavedTemplate>, AppError> {
        let change = async {
            let stream = self.template_stream(caller.tenant, &decide::code(code)?).await?;
            let standing = self.read_fresh_state::<Template, _>(stream, |loaded| saved(&loaded.state)).await?;
            let answer = |made: &Committed<TemplateEvent>| told(made, standing.as_ref()).or(standing.clone());
            self.try_run(caller, stream, command, decide, answer).await
        };
        Stop::outcome(change.await)
    }

    /// What a customer would get.
    pub async fn preview_template(
        &self,
        caller: &Caller,
        command: PreviewTemplate,
    ) -> Result<Result<TemplatePreview, Refusal>, AppError> {
        Stop::refusal(self.preview(caller, command).await)
    }

    async fn preview(&self, caller: &Caller, command: PreviewTemplate) -> Result<TemplatePreview, Stop> {
        let loaded = self.previewed(caller, command.template).await?;
        let (customer_id, defaults) = (command.customer_id, &loaded.draft.variables);
        let valued = self.values(caller, customer_id, &command.business, &command.variables, defaults).await?;
        let locale = command.locale.or(valued.locale);
        let compiled = self.compile(caller.tenant, &loaded, command.channel, locale.as_deref()).await?;
        let rendered = compiled.render(&valued.values, valued.zone).map_err(Refusal::from)?;
        Ok(TemplatePreview { locale: compiled.locale.clone(), version: loaded.version, rendered })
    }

    /// What stands in the place of variables in a preview: the values given, those of a customer, those of the template.
    pub async fn preview_values(
        &self,
        caller: &Caller,
        customer_id: Option<CustomerId>,
        business: &Business,
        given: &BTreeMap<String, Value>,
        defaults: &BTreeMap<String, Value>,
    ) -> Result<Result<PreviewValues, Refusal>, AppError> {
        Stop::refusal(self.values(caller, customer_id, business, given, defaults).await)
    }

    async fn values(
        &self,
        caller: &Caller,
        customer_id: Option<CustomerId>,
        business: &Business,
        given: &BTreeMap<String, Value>,
        defaults: &BTreeMap<String, Value>,
    ) -> Result<PreviewValues, Stop> {
        let basis = self.basis(caller).await?;
        let customer = match customer_id {
            Some(id) => Some(self.known_customer(caller, id).await?),
            None => None,
        };
        let values = match &customer {
            Some(customer) => Values::for_customer(given, customer, business, defaults, self.shared.ambient.now()),
            None => Values::given(given, defaults).at(self.shared.ambient.now()),
        };
        Ok(PreviewValues {
            values: self.sample_links().iter().fold(values, |values, (name, url)| values.with(name, url)),
            zone: zone(&basis.policy, customer.as_ref()),
            locale: customer.and_then(|customer| customer.profile.locale),
        })
    }

    /// The newest version of a partial that is offered.
    pub async fn published_partial(&self, caller: &Caller, code: &str) -> Result<Option<Included>, AppError> {
        let mut left = MAX_INCLUDED;
        Ok(Stop::refusal(self.partial(caller, code, None, 0, &mut left).await)?.unwrap_or_default())
    }

    /// What will be regretted of a template, text by text.
    pub async fn lint_template(
        &self,
        caller: &Caller,
        template: Previewed,
    ) -> Result<Result<Vec<Finding>, Refusal>, AppError> {
        let loaded = match Stop::refusal(self.previewed(caller, template).await)? {
            Ok(loaded) => loaded,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let purpose = Purpose {
            is_marketing: loaded.draft.class == MessageClass::Marketing,
            is_partial: loaded.draft.kind == TemplateKind::Partial,
        };
        let findings = offload::run(usize::MAX, move || {
            loaded.draft.contents.iter().flat_map(|local| lint::lint(local, &loaded.includes, purpose)).collect()
        });
        Ok(Ok(findings.await))
    }

    pub(super) async fn previewed(&self, caller: &Caller, template: Previewed) -> Result<Loaded, Stop> {
        let (code, version) = match template {
            Previewed::Version { code, version } => return self.published(caller, &code, version).await,
            Previewed::Draft { code } => (decide::code(&code)?, None),
            Previewed::Unsaved(command) => (String::new(), Some(decide::draft(command)?)),
        };
        let draft = match version {
            Some(draft) => draft,
            None => {
                let stream = self.template_stream(caller.tenant, &code).await?;
                let draft = self.read_fresh_state::<Template, _>(stream, |loaded| loaded.state.draft.clone()).await?;
                draft.ok_or_else(unknown)?
            }
        };
        let (includes, pins) = self.includes(caller, &draft.contents, None).await?;
        let hash = content_hash(&draft, &pins);
        Ok(Loaded { draft, version: None, includes, hash })
    }

    /// A published version; absent: the newest, unless the template was archived.
    pub(super) async fn published(&self, caller: &Caller, code: &str, version: Option<u32>) -> Result<Loaded, Stop> {
        let code = decide::code(code)?;
        let stream = self.template_stream(caller.tenant, &code).await?;
        let found = self
            .read_fresh_state::<Template, _>(stream, |loaded| {
                let state = &loaded.state;
                let title = state.draft.as_ref().map(|draft| draft.title.clone());
                (title, state.archived, state.published(version).cloned())
            })
            .await?;
        let (title, published) = match found {
            (None, ..) => return Err(unknown().into()),
            (_, true, _) if version.is_none() => return Err(unknown().into()),
            (Some(_), _, None) => {
                let refusal = match version {
                    Some(_) => Refusal::new("TEMPLATE_VERSION_UNKNOWN", "the template has no such version"),
                    None => Refusal::new("TEMPLATE_NOT_PUBLISHED", "the template was never published"),
                };
                return Err(Refusal { field: Some("version".to_owned()), ..refusal }.into());
            }
            (Some(title), _, Some(published)) => (title, published),
        };
        let after = published.stream_version.saturating_sub(1);
        let events = self.shared.journal.read_stream(stream, after, ReadLimit::events(1)).await?;
        let event = events.first().map(decode::<Template>).transpose()?.map(|decoded| decoded.event);
        let Some(TemplateEvent::TemplatePublished(event)) = event else {
            return Err(Stop::Failed(AppError::Unanswerable { stream }));
        };
        let draft = Draft {
            code,
            title,
            kind: event.kind,
            class: event.class,
            default_locale: event.default_locale,
            variables: event.variables,
            contents: event.contents,
        };
        let (includes, _) = self.includes(caller, &draft.contents, Some(&event.includes)).await?;
        Ok(Loaded { draft, version: Some(published.version), includes, hash: published.content_hash })
    }

    /// What texts include, and the versions of it: those that are pinned, or the newest.
    async fn includes(
        &self,
        caller: &Caller,
        contents: &[LocalContent],
        pins: Option<&BTreeMap<String, u32>>,
    ) -> Result<(Includes, BTreeMap<String, u32>), Stop> {
        let mut left = MAX_INCLUDED;
        let includes = self.included(caller, contents, pins, 0, &mut left).await?;
        let pins = includes.iter().map(|(code, included)| (code.clone(), included.version)).collect();
        Ok((includes, pins))
    }

    async fn included(
        &self,
        caller: &Caller,
        contents: &[LocalContent],
        pins: Option<&BTreeMap<String, u32>>,
        depth: usize,
        left: &mut usize,
    ) -> Result<Includes, Stop> {
        let mut includes = Includes::new();
        if depth > MAX_INCLUDES {
            return Ok(includes);
        }
        // What cannot be read is found again, with its place, when it is compiled.
        for code in rendering::includes_of(contents).unwrap_or_default() {
            let version = pins.and_then(|pins| pins.get(&code).copied());
            let Ok(code) = decide::code(&code) else { continue };
            *left = left.checked_sub(1).ok_or_else(|| {
                let message = format!("it includes more than {MAX_INCLUDED} templates, with what these include");
                Refusal::new("TEMPLATE_INCLUDE", message)
            })?;
            let found = Stop::refusal(Box::pin(self.partial(caller, &code, version, depth, left)).await)?;
            // One that does not exist is reported where it is included.
            if let Ok(Some(included)) = found {
                includes.insert(code, included);
            }
        }
        Ok(includes)
    }

    async fn partial(
        &self,
        caller: &Caller,
        code: &str,
        version: Option<u32>,
        depth: usize,
        left: &mut usize,
    ) -> Result<Option<Included>, Stop> {
        let stream = self.template_stream(caller.tenant, code).await?;
        let published = self
            .read_fresh_state::<Template, _>(stream, |loaded| {
                let is_offered = !loaded.state.archived || version.is_some();
                loaded.state.published(version).filter(|_| is_offered).cloned()
            })
            .await?;
        let Some(published) = published else { return Ok(None) };
        let after = published.stream_version.saturating_sub(1);
        let events = self.shared.journal.read_stream(stream, after, ReadLimit::events(1)).await?;
        let event = events.first().map(decode::<Template>).transpose()?.map(|decoded| decoded.event);
        let Some(TemplateEvent::TemplatePublished(event)) = event else { return Ok(None) };
        if event.kind != TemplateKind::Partial {
            return Ok(None);
        }
        let includes = self.included(caller, &event.contents, Some(&event.includes), depth + 1, left).await?;
        Ok(Some(Included {
            version: event.version,
            default_locale: event.default_locale,
            contents: event.contents,
            includes,
        }))
    }

    /// The text for a channel and locale, compiled once, off the threads that serve requests.
    pub(super) async fn compile(
        &self,
        tenant: TenantId,
        loaded: &Loaded,
        channel: Channel,
        locale: Option<&str>,
    ) -> Result<Arc<Compiled>, Refusal> {
        let (key, _) = loaded.text(tenant, channel, locale)?;
        if let Some(compiled) = self.shared.compiled.get(&key) {
            return Ok(compiled);
        }
        let (app, loaded, locale) = (self.clone(), loaded.clone(), locale.map(str::to_owned));
        offload::run(usize::MAX, move || app.compiled(tenant, &loaded, channel, locale.as_deref())).await
    }

    /// The text for a channel and locale, compiled once.
    pub(super) fn compiled(
        &self,
        tenant: TenantId,
        loaded: &Loaded,
        channel: Channel,
        locale: Option<&str>,
    ) -> Result<Arc<Compiled>, Refusal> {
        let (key, local) = loaded.text(tenant, channel, locale)?;
        if let Some(compiled) = self.shared.compiled.get(&key) {
            return Ok(compiled);
        }
        let compiled = Arc::new(rendering::compile(local, &loaded.includes)?);
        self.shared.compiled.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// The stream of a template, by its checked code.
    pub(super) async fn template_stream(&self, tenant: TenantId, code: &str) -> Result<StreamId, AppError> {
        let secret = self.shared.journal.tenant_secret(tenant).await?;
        Ok(StreamId::new(tenant, Category::Template, secret.derive(Label::TemplateStream, &[code.as_bytes()])))
    }
}

/// Whether a whole word of a text, as JSON, is the name of a variable about orders: not `border`.
fn text_names_orders(text: &str) -> bool {
    let text = text.replace("\\n", " ").replace("\\t", " ").replace("\\r", " ");
    let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.any(|word| matches!(word, "order" | "orders" | "last_order_date" | "last_order_at"))
}

/// The zone that moments are shown in.
pub(super) fn zone(policy: &Policy, customer: Option<&Customer>) -> Tz {
    policy.zone_of(customer.and_then(|customer| customer.profile.time_zone.as_deref()))
}

/// Every change is one event.
fn told(made: &Committed<TemplateEvent>, before: Option<&SavedTemplate>) -> Option<SavedTemplate> {
    let before = before.and_then(|before| before.version);
    let (code, revision, version) = match &made.events.first()?.event {
        TemplateEvent::TemplateSaved(e) => (&e.code, e.revision, before),
        TemplateEvent::TemplatePublished(e) => (&e.code, e.revision, Some(e.version)),
        TemplateEvent::TemplateArchived(e) => (&e.code, e.revision, before),
    };
    Some(SavedTemplate { code: code.clone(), revision, version })
}

/// The answer to a change that changes nothing.
fn saved(state: &Template) -> Option<SavedTemplate> {
    let draft = state.draft.as_ref()?;
    let version = state.versions.last().map(|last| last.version);
    Some(SavedTemplate { code: draft.code.clone(), revision: state.revision, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_named_by_their_variables_and_not_by_a_border() {
        for text in [r"{{\norder.number }}", "{% for one in customer.orders %}", "{{last_order_date|date}}"] {
            assert!(text_names_orders(text), "{text}");
        }
        for text in ["td { border: 0 } {{ customer_name }}", "{{ border }} reorder", "{{ reorder_url }}"] {
            assert!(!text_names_orders(text), "{text}");
        }
    }
}
