//! The command that changes a tenant's brand: what is entered is checked once, so that a page can always be made of it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use url::Url;

use crate::domain::customer::decide::Patch;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::tenant::brand::{Brand, Language, Logo, TopicName};
use crate::domain::tenant::change_policy::set;
use crate::domain::tenant::event::{BrandChanged, TenantEvent};
use crate::domain::tenant::state::Tenant;
use crate::domain::text;
use crate::domain::value::colour::Colour;
use crate::domain::value::picture;

/// The bytes of a logo at most: it stands in each page.
const MAX_LOGO_BYTES: usize = 64 * 1024;
/// The width and height of a logo at most, in pixels: a browser takes four bytes for each pixel.
const MAX_LOGO_SIDE: u32 = 2_000;
/// The characters of an imprint at most.
const MAX_IMPRINT: usize = 1_000;
/// How many names of topics there are at most.
const MAX_TOPIC_NAMES: usize = 500;

/// Changes a tenant's brand. What is left out stays as it is; the names of topics are replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UpdateBrand {
    /// The name that customers know.
    pub name: Patch<String>,
    /// The colour of buttons, links and marks, such as `#7a1f3d`.
    pub accent: Patch<String>,
    /// The colour behind logo or name.
    pub banner: Patch<String>,
    /// A PNG, JPEG or WebP in base64.
    pub logo: Patch<String>,
    /// Who the sender is: firm, address.
    pub imprint: Patch<String>,
    /// Where the tenant says what becomes of personal data.
    pub privacy_url: Patch<String>,
    /// The language for customers and browsers that ask for none of ours.
    pub language: Option<Language>,
    /// What topics are called.
    pub topics: Option<Vec<TopicName>>,
}

/// Changes the brand. Nothing to change: nothing happens.
pub fn update(state: &Tenant, command: UpdateBrand, context: &Context<'_>) -> Decision<TenantEvent> {
    if !state.exists {
        return Err(Refusal::new("TENANT_UNKNOWN", "this tenant does not exist"));
    }
    let before = &state.brand;
    let mut brand = before.clone();
    set(&mut brand.name, command.name, |name| text::optional("name", Some(name), text::SHORT))?;
    set(&mut brand.accent, command.accent, |colour| clean_colour("accent", colour))?;
    set(&mut brand.banner, command.banner, |colour| clean_colour("banner", colour))?;
    set(&mut brand.logo, command.logo, clean_logo)?;
    set(&mut brand.imprint, command.imprint, |lines| text::optional("imprint", Some(lines), MAX_IMPRINT))?;
    set(&mut brand.privacy_url, command.privacy_url, clean_url)?;
    if let Some(language) = command.language {
        brand.language = language;
    }
    if let Some(topics) = command.topics {
        brand.topics = clean_topics(topics)?;
    }
    if brand == *before {
        return Ok(vec![]);
    }
    Ok(vec![context.now(BrandChanged { changed: changed(before, &brand), brand })])
}

fn clean_colour(field: &str, text: String) -> Result<Option<Colour>, Refusal> {
    let text = text::optional(field, Some(text), text::SHORT)?;
    text.map(|text| text.parse::<Colour>().map_err(|invalid| Refusal::of_value(field, &invalid))).transpose()
}

fn clean_logo(base64: String) -> Result<Option<Logo>, Refusal> {
    const FIELD: &str = "logo";
    // Four letters hold three bytes.
    if base64.len() > MAX_LOGO_BYTES.div_ceil(3) * 4 {
        return Err(Refusal::invalid(FIELD, format!("must have at most {} KB", MAX_LOGO_BYTES / 1024)));
    }
    let Some(base64) = text::optional(FIELD, Some(base64), usize::MAX)? else { return Ok(None) };
    let Ok(bytes) = STANDARD.decode(&base64) else {
        return Err(Refusal::invalid(FIELD, "must be the bytes of a picture in base64"));
    };
    if bytes.len() > MAX_LOGO_BYTES {
        return Err(Refusal::invalid(FIELD, format!("must have at most {} KB", MAX_LOGO_BYTES / 1024)));
    }
    let Some(picture) = picture::read(&bytes) else {
        return Err(Refusal::invalid(FIELD, "must be a PNG, JPEG or WebP; an SVG has to be exported as one of them"));
    };
    if picture.width.max(picture.height) > MAX_LOGO_SIDE {
        let message = format!("must be at most {MAX_LOGO_SIDE} pixels wide and high");
        return Err(Refusal::invalid(FIELD, message));
    }
    let picture::Picture { media_type, width, height } = picture;
    Ok(Some(Logo { media_type, width, height, content: base64 }))
}

fn clean_url(text: String) -> Result<Option<String>, Refusal> {
    const FIELD: &str = "privacy_url";
    let Some(text) = text::optional(FIELD, Some(text), text::LONG)? else { return Ok(None) };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url.into())),
        Ok(_) | Err(_) => Err(Refusal::invalid(FIELD, "must be a URL such as https://shop.example/privacy")),
    }
}

/// Topics are words, as everywhere; a blank name takes a name away.
fn clean_topics(topics: Vec<TopicName>) -> Result<Vec<TopicName>, Refusal> {
    let (mut cleaned, mut known) = (vec![], BTreeSet::new());
    for (index, TopicName { topic, language, name }) in topics.into_iter().enumerate() {
        let field = |part: &str| format!("topics[{index}].{part}");
        let topic = text::word(&field("topic"), &topic)?;
        let Some(name) = text::optional(&field("name"), Some(name), text::SHORT)? else { continue };
        if !known.insert((topic.clone(), language)) {
            return Err(Refusal::invalid(field("topic"), "must not be named twice in a language"));
        }
        cleaned.push(TopicName { topic, language, name });
    }
    if cleaned.len() > MAX_TOPIC_NAMES {
        let message = format!("has {} entries; at most {MAX_TOPIC_NAMES} are allowed", cleaned.len());
        return Err(Refusal::invalid("topics", message));
    }
    Ok(cleaned)
}

/// The names of the fields that differ.
fn changed(before: &Brand, after: &Brand) -> Vec<String> {
    let fields = [
        ("name", before.name != after.name),
        ("accent", before.accent != after.accent),
        ("banner", before.banner != after.banner),
        ("logo", before.logo != after.logo),
        ("imprint", before.imprint != after.imprint),
        ("privacy_url", before.privacy_url != after.privacy_url),
        ("language", before.language != after.language),
        ("topics", before.topics != after.topics),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::Policy;
    use crate::domain::scenario::with_context;
    use crate::domain::value::picture::PictureType;

    /// The head of a PNG of a size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        [head.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
    }

    fn after(before: &Brand, command: UpdateBrand) -> Result<Option<BrandChanged>, Refusal> {
        let tenant = Tenant { exists: true, brand: before.clone(), ..Tenant::default() };
        let decided = with_context(&Policy::default(), |context| update(&tenant, command, context))?;
        Ok(decided.into_iter().find_map(|decided| match decided.event {
            TenantEvent::BrandChanged(changed) => Some(changed),
            _ => None,
        }))
    }

    fn refused_for(command: UpdateBrand) -> Option<String> {
        after(&Brand::default(), command).expect_err("it is refused").field
    }

    fn set_to(text: &str) -> Patch<String> {
        Patch::Set(text.to_owned())
    }

    #[test]
    fn what_is_left_out_stays_and_the_event_carries_the_whole_brand() {
        let before = Brand { name: Some("Old Cellar".to_owned()), ..Brand::default() };
        let command = UpdateBrand { accent: set_to(" #7A1F3D "), ..UpdateBrand::default() };
        let changed = after(&before, command).expect("is accepted").expect("changes");
        assert_eq!(
            (changed.brand.name.as_deref(), changed.changed.as_slice()),
            (Some("Old Cellar"), &["accent".to_owned()][..])
        );
        assert_eq!(changed.brand.accent.map(String::from).as_deref(), Some("#7a1f3d"));
        let cleared = UpdateBrand { name: Patch::Clear, ..UpdateBrand::default() };
        assert_eq!(after(&before, cleared).expect("is accepted").expect("changes").brand, Brand::default());
        let blank = UpdateBrand { name: set_to("  "), accent: set_to(""), logo: set_to(""), ..UpdateBrand::default() };
        assert_eq!(after(&Brand::default(), blank), Ok(None));
    }

    #[test]
    fn a_logo_is_what_its_bytes_say_and_no_larger_than_a_page_bears() {
        let logo = |bytes: &[u8]| UpdateBrand { logo: Patch::Set(STANDARD.encode(bytes)), ..UpdateBrand::default() };
        let changed = after(&Brand::default(), logo(&png(320, 80))).expect("is accepted").expect("changes");
        let kept = changed.brand.logo.expect("a logo");
        assert_eq!((kept.media_type, kept.width, kept.height), (PictureType::Png, 320, 80));
        assert!(kept.data_url().starts_with("data:image/png;base64,iVBOR"), "{}", kept.data_url());
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        let long = [png(320, 80), vec![0; MAX_LOGO_BYTES]].concat();
        for wrong in
            [logo(svg), logo(b"GIF89a\x01\0\x01\0"), logo(&png(2_001, 1)), logo(&png(1, u32::MAX)), logo(&long)]
        {
            assert_eq!(refused_for(wrong).as_deref(), Some("logo"));
        }
        let full = [png(320, 80), vec![0; MAX_LOGO_BYTES - png(320, 80).len()]].concat();
        assert!(after(&Brand::default(), logo(&full)).is_ok());
        for text in ["iVBOR\"><script>", "data:image/png;base64,iVBORw0KGgo=", "iVBORw0KGgo"] {
            let wrong = UpdateBrand { logo: set_to(text), ..UpdateBrand::default() };
            assert_eq!(refused_for(wrong).as_deref(), Some("logo"), "{text}");
        }
    }

    #[test]
    fn what_no_page_could_show_is_refused_for_its_field() {
        for wrong in ["javascript:alert(1)", "data:text/html,x", "/privacy", "https://"] {
            let command = UpdateBrand { privacy_url: set_to(wrong), ..UpdateBrand::default() };
            assert_eq!(refused_for(command).as_deref(), Some("privacy_url"), "{wrong}");
        }
        let banner = UpdateBrand { banner: set_to("red;}body{display:none"), ..UpdateBrand::default() };
        assert_eq!(refused_for(banner).as_deref(), Some("banner"));
        let name = UpdateBrand { name: Patch::Set("x".repeat(201)), ..UpdateBrand::default() };
        assert_eq!(refused_for(name).as_deref(), Some("name"));
    }

    #[test]
    fn each_topic_has_one_name_in_a_language() {
        let name =
            |topic: &str, language, name: &str| TopicName { topic: topic.to_owned(), language, name: name.to_owned() };
        let named = |topics| UpdateBrand { topics: Some(topics), ..UpdateBrand::default() };
        let both = vec![
            name(" News ", None, "Our news"),
            name("news", Some(Language::German), " Neues "),
            name("x", None, " "),
        ];
        let changed = after(&Brand::default(), named(both)).expect("is accepted").expect("changes");
        let kept = [name("news", None, "Our news"), name("news", Some(Language::German), "Neues")];
        assert_eq!(changed.brand.topics, kept);
        let twice = named(vec![name("news", None, "a"), name("NEWS", None, "b")]);
        assert_eq!(refused_for(twice).as_deref(), Some("topics[1].topic"));
        let words = named(vec![name("two words", None, "a")]);
        assert_eq!(refused_for(words).as_deref(), Some("topics[0].topic"));
        let many = (0..=MAX_TOPIC_NAMES).map(|number| name(&format!("t{number}"), None, "a")).collect();
        assert_eq!(refused_for(named(many)).as_deref(), Some("topics"));
    }
}
