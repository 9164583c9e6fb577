//! The tenant's own tracking of opens and clicks.

use async_graphql::{Enum, InputObject, SimpleObject};

use crate::domain::tenant::tracking as domain;
use crate::domain::tenant::tracking::ParameterValue;

/// The source of a link parameter's value.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkParameterSource {
    /// The parameter's `text`.
    Text,
    /// The id of the message's campaign.
    Campaign,
    /// The campaign's variant.
    Variant,
    /// The message's topic.
    Topic,
    /// The channel, such as `email`.
    Channel,
    /// The message's id.
    Message,
}

/// A query parameter that is added to links, such as `utm_source`. A parameter of that name in the link itself wins.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "LinkParameterInput")]
pub struct LinkParameter {
    /// The name, such as `utm_campaign`.
    name: String,
    /// The source of the value. A message without such a value gets no such parameter.
    #[graphql(default_with = "LinkParameterSource::Text")]
    source: LinkParameterSource,
    /// The value, if the source is `TEXT`; a blank one switches the parameter off.
    text: Option<String>,
}

/// The tenant's own tracking of opens and clicks, and the parameters of links. Customers who opted out of the topic `tracking` on a
/// channel are not tracked on it, and the links of their messages are not changed.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "TrackingInput")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Tracking {
    /// Whether HTML emails contain a tracking pixel.
    #[graphql(default)]
    opens: bool,
    /// Whether links in HTML emails are tracked.
    #[graphql(default)]
    clicks: bool,
    /// Whether links in the plain text of emails are treated as those in HTML.
    #[graphql(default)]
    text_links: bool,
    /// Whether links in SMS and WhatsApp messages become tracked short links.
    #[graphql(default)]
    short_links: bool,
    /// Whether all this applies to transactional messages as well.
    #[graphql(default)]
    transactional: bool,
    /// Whether only customers who opted in to the topic `tracking` are tracked.
    #[graphql(default)]
    require_opt_in: bool,
    /// Topics whose messages are left as they are.
    #[graphql(default)]
    untracked_topics: Vec<String>,
    /// The scheme and host of tracked links, such as `https://go.shop.example`, which must lead to this server; null: its public URL.
    url: Option<String>,
    /// Query parameters that are added to links, tracked or not.
    #[graphql(default)]
    parameters: Vec<LinkParameter>,
    /// Hosts whose links, and those of their subdomains, get the parameters; an empty list: all links do.
    #[graphql(default)]
    parameter_hosts: Vec<String>,
}

impl From<&domain::Tracking> for Tracking {
    fn from(tracking: &domain::Tracking) -> Self {
        Self {
            opens: tracking.opens,
            clicks: tracking.clicks,
            text_links: tracking.text_links,
            short_links: tracking.short_links,
            transactional: tracking.transactional,
            require_opt_in: tracking.require_opt_in,
            untracked_topics: tracking.untracked_topics.clone(),
            url: tracking.url.clone(),
            parameters: tracking.parameters.iter().map(LinkParameter::new).collect(),
            parameter_hosts: tracking.parameter_hosts.clone(),
        }
    }
}

impl From<Tracking> for domain::Tracking {
    fn from(input: Tracking) -> Self {
        Self {
            opens: input.opens,
            clicks: input.clicks,
            text_links: input.text_links,
            short_links: input.short_links,
            transactional: input.transactional,
            require_opt_in: input.require_opt_in,
            untracked_topics: input.untracked_topics,
            url: input.url,
            parameters: input.parameters.into_iter().map(Into::into).collect(),
            parameter_hosts: input.parameter_hosts,
        }
    }
}

impl LinkParameter {
    fn new(parameter: &domain::LinkParameter) -> Self {
        let (source, text) = match &parameter.value {
            ParameterValue::Text(text) => (LinkParameterSource::Text, Some(text.clone())),
            ParameterValue::Campaign => (LinkParameterSource::Campaign, None),
            ParameterValue::Variant => (LinkParameterSource::Variant, None),
            ParameterValue::Topic => (LinkParameterSource::Topic, None),
            ParameterValue::Channel => (LinkParameterSource::Channel, None),
            ParameterValue::Message => (LinkParameterSource::Message, None),
        };
        Self { name: parameter.name.clone(), source, text }
    }
}

impl From<LinkParameter> for domain::LinkParameter {
    fn from(input: LinkParameter) -> Self {
        let value = match input.source {
            LinkParameterSource::Text => ParameterValue::Text(input.text.unwrap_or_default()),
            LinkParameterSource::Campaign => ParameterValue::Campaign,
            LinkParameterSource::Variant => ParameterValue::Variant,
            LinkParameterSource::Topic => ParameterValue::Topic,
            LinkParameterSource::Channel => ParameterValue::Channel,
            LinkParameterSource::Message => ParameterValue::Message,
        };
        Self { name: input.name, value }
    }
}
