//! How the tenant appears to its customers.

use async_graphql::{Enum, InputObject, MaybeUndefined, SimpleObject};

use crate::domain::tenant::brand as domain;
use crate::domain::tenant::change_brand::UpdateBrand;
use crate::graphql::engine::patch::patch;

/// A language of the pages behind links in messages.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::tenant::brand::Language")]
pub enum PageLanguage {
    /// English.
    English,
    /// German, with the formal address.
    German,
}

/// The name of a topic on the pages.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "TopicNameInput")]
pub struct TopicName {
    /// The topic, as messages and consents name it.
    topic: String,
    /// The language of the name; null: any language in which the topic has no name of its own.
    language: Option<PageLanguage>,
    /// The name as it is shown; a blank one removes the name.
    name: String,
}

/// A logo.
#[derive(SimpleObject, Debug, Clone)]
pub struct Logo {
    /// The media type: `image/png`, `image/jpeg` or `image/webp`.
    media_type: String,
    /// The width in pixels.
    width: u32,
    /// The height in pixels.
    height: u32,
    /// The picture as a `data:` URL.
    url: String,
}

/// How the tenant appears on the pages behind links in messages: unsubscribing, confirming, preferences, and what becomes of links
/// that no longer work.
#[derive(SimpleObject, Debug, Clone)]
pub struct Brand {
    /// The name that customers know; null: the tenant's name.
    name: Option<String>,
    /// The name that the pages show.
    shown_name: String,
    /// The colour of buttons, links and marks, such as `#7a1f3d`. It is darkened or lightened where it could not be read.
    accent: Option<String>,
    /// The colour behind logo or name, at the top of a page; null: that of the page.
    banner: Option<String>,
    /// The logo, shown instead of the name.
    logo: Option<Logo>,
    /// The sender's details, such as firm and address, at the end of a page. Lines are kept.
    imprint: Option<String>,
    /// The URL of the tenant's privacy notice.
    privacy_url: Option<String>,
    /// The language of the pages where neither the customer's language nor the browser's is one of them.
    language: PageLanguage,
    /// Names of topics. A topic without a name is shown as its word.
    topics: Vec<TopicName>,
}

/// Changes to the brand: omitted fields are kept, null clears one, names of topics are replaced as a whole.
#[derive(InputObject, Debug, Clone)]
pub struct BrandPatch {
    /// The name that customers know, at most 200 characters.
    name: MaybeUndefined<String>,
    /// The colour of buttons, links and marks, such as `#7a1f3d`.
    accent: MaybeUndefined<String>,
    /// The colour behind logo or name, at the top of a page.
    banner: MaybeUndefined<String>,
    /// The logo: the bytes of a PNG, JPEG or WebP in base64, at most 64 KB, and 2,000 pixels wide and high.
    logo: MaybeUndefined<String>,
    /// The sender's details, such as firm and address; at most 1,000 characters.
    imprint: MaybeUndefined<String>,
    /// The URL of the tenant's privacy notice.
    privacy_url: MaybeUndefined<String>,
    /// The language of the pages where neither the customer's language nor the browser's is one of them.
    language: Option<PageLanguage>,
    /// Names of topics, at most 500.
    topics: Option<Vec<TopicName>>,
}

impl From<&domain::Appearance> for Brand {
    fn from(appearance: &domain::Appearance) -> Self {
        let brand = &appearance.brand;
        Self {
            name: brand.name.clone(),
            shown_name: appearance.name.clone(),
            accent: brand.accent.map(Into::into),
            banner: brand.banner.map(Into::into),
            logo: brand.logo.as_ref().map(|logo| Logo {
                media_type: logo.media_type.to_string(),
                width: logo.width,
                height: logo.height,
                url: logo.data_url(),
            }),
            imprint: brand.imprint.clone(),
            privacy_url: brand.privacy_url.clone(),
            language: brand.language.into(),
            topics: brand.topics.iter().map(TopicName::new).collect(),
        }
    }
}

impl TopicName {
    fn new(name: &domain::TopicName) -> Self {
        Self { topic: name.topic.clone(), language: name.language.map(Into::into), name: name.name.clone() }
    }
}

impl From<TopicName> for domain::TopicName {
    fn from(input: TopicName) -> Self {
        Self { topic: input.topic, language: input.language.map(Into::into), name: input.name }
    }
}

impl From<BrandPatch> for UpdateBrand {
    fn from(input: BrandPatch) -> Self {
        Self {
            name: patch(input.name),
            accent: patch(input.accent),
            banner: patch(input.banner),
            logo: patch(input.logo),
            imprint: patch(input.imprint),
            privacy_url: patch(input.privacy_url),
            language: input.language.map(Into::into),
            topics: input.topics.map(|topics| topics.into_iter().map(Into::into).collect()),
        }
    }
}
