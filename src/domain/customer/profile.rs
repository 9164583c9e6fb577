//! Profiles: what is entered, checked and merged.

use crate::domain::customer::decide::{Patch, ProfileInput, ProfilePatch};
use crate::domain::customer::event::{PersonalProfile, Profile};
use crate::domain::refusal::Refusal;
use crate::domain::text::{self, SHORT};
use crate::domain::value::place;
use crate::domain::value::preferred_hours::PreferredHours;

/// Checks a profile as it is entered.
pub fn clean(input: ProfileInput) -> Result<(Profile, PersonalProfile), Refusal> {
    let profile = Profile {
        territory: text::optional("territory", input.territory, SHORT)?,
        account_type: text::optional("account_type", input.account_type, SHORT)?,
        priority: text::optional("priority", input.priority, SHORT)?,
        owner: text::optional("owner", input.owner, SHORT)?,
        lead_score: input.lead_score,
        industry: text::optional("industry", input.industry, SHORT)?,
        locale: locale(input.locale)?,
        time_zone: time_zone(input.time_zone)?,
        preferred_hours: preferred_hours(input.preferred_hours)?,
        tags: text::tags("tags", input.tags)?,
    };
    let personal = PersonalProfile {
        name: text::optional("name", input.name, SHORT)?,
        external_id: text::optional("external_id", input.external_id, SHORT)?,
        attributes: text::attributes("attributes", input.attributes)?,
    };
    Ok((profile, personal))
}

/// Applies changes to a profile; the third part names the fields that differ afterwards.
pub fn patched(
    profile: &Profile,
    personal: &PersonalProfile,
    patch: ProfilePatch,
) -> Result<(Profile, PersonalProfile, Vec<String>), Refusal> {
    let mut tags = patch.tags.unwrap_or_else(|| profile.tags.clone());
    tags.extend(patch.add_tags);
    let removed = text::tags("remove_tags", patch.remove_tags)?;
    tags.retain(|tag| !removed.iter().any(|gone| gone == tag.trim()));
    let mut attributes = personal.attributes.clone();
    attributes.extend(patch.attributes);
    let (after, after_personal) = clean(ProfileInput {
        name: value(personal.name.as_ref(), patch.name),
        external_id: value(personal.external_id.as_ref(), patch.external_id),
        territory: value(profile.territory.as_ref(), patch.territory),
        account_type: value(profile.account_type.as_ref(), patch.account_type),
        priority: value(profile.priority.as_ref(), patch.priority),
        owner: value(profile.owner.as_ref(), patch.owner),
        lead_score: value(profile.lead_score.as_ref(), patch.lead_score),
        industry: value(profile.industry.as_ref(), patch.industry),
        locale: value(profile.locale.as_ref(), patch.locale),
        time_zone: value(profile.time_zone.as_ref(), patch.time_zone),
        preferred_hours: value(profile.preferred_hours.as_ref(), patch.preferred_hours),
        tags,
        attributes,
    })?;
    let differs = [
        ("name", personal.name != after_personal.name),
        ("external_id", personal.external_id != after_personal.external_id),
        ("territory", profile.territory != after.territory),
        ("account_type", profile.account_type != after.account_type),
        ("priority", profile.priority != after.priority),
        ("owner", profile.owner != after.owner),
        ("lead_score", profile.lead_score != after.lead_score),
        ("industry", profile.industry != after.industry),
        ("locale", profile.locale != after.locale),
        ("time_zone", profile.time_zone != after.time_zone),
        ("preferred_hours", profile.preferred_hours != after.preferred_hours),
        ("tags", profile.tags != after.tags),
        ("attributes", personal.attributes != after_personal.attributes),
    ];
    let changed = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
    Ok((after, after_personal, changed))
}

fn value<T: Clone>(before: Option<&T>, patch: Patch<T>) -> Option<T> {
    match patch {
        Patch::Keep => before.cloned(),
        Patch::Clear => None,
        Patch::Set(value) => Some(value),
    }
}

fn time_zone(zone: Option<String>) -> Result<Option<String>, Refusal> {
    let zone = text::optional("time_zone", zone, SHORT)?;
    let read = |name: &String| place::time_zone(name).map_err(|reason| Refusal::invalid("time_zone", reason));
    zone.as_ref().map(read).transpose()?;
    Ok(zone)
}

/// Writes hours in the usual way.
fn preferred_hours(hours: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(hours) = text::optional("preferred_hours", hours, SHORT)? else { return Ok(None) };
    let read: Result<PreferredHours, String> = hours.parse();
    read.map(|hours| Some(hours.to_string())).map_err(|reason| Refusal::invalid("preferred_hours", reason))
}

impl Profile {
    /// When the customer likes to be written to; what this version cannot read says nothing.
    #[must_use]
    pub fn preferred(&self) -> Option<PreferredHours> {
        self.preferred_hours.as_deref()?.parse().ok()
    }
}

/// Checks the form of a BCP 47 tag and writes it in the usual case: `en-GB`, `zh-Hant-TW`.
pub fn locale(tag: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(tag) = text::optional("locale", tag, SHORT)? else { return Ok(None) };
    let wrong = || Refusal::invalid("locale", "must be a language tag (BCP 47), such as en-GB");
    let mut parts = tag.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    if !(2..=3).contains(&language.len()) || !language.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(wrong());
    }
    let mut usual = language.to_ascii_lowercase();
    for part in parts {
        if part.is_empty() || part.len() > 8 || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong());
        }
        usual.push('-');
        match part.len() {
            2 => usual.push_str(&part.to_ascii_uppercase()),
            4 if part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                usual.push_str(&part[..1].to_ascii_uppercase());
                usual.push_str(&part[1..].to_ascii_lowercase());
            }
            _ => usual.push_str(&part.to_ascii_lowercase()),
        }
    }
    Ok(Some(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_written_in_the_usual_case() {
        let read = |tag: &str| locale(Some(tag.to_owned()));
        assert_eq!(read("EN_gb"), Ok(Some("en-GB".to_owned())));
        assert_eq!(read("zh-hant-tw"), Ok(Some("zh-Hant-TW".to_owned())));
        assert!(read("english").is_err());
        assert!(read("en-").is_err());
    }

    #[test]
    fn a_time_zone_is_an_iana_name() {
        assert!(time_zone(Some("Europe/London".to_owned())).is_ok());
        assert_eq!(time_zone(Some("GMT+25".to_owned())).unwrap_err().field.as_deref(), Some("time_zone"));
    }

    #[test]
    fn a_patch_names_what_differs_afterwards() {
        let before = Profile { territory: Some("north".to_owned()), ..Profile::default() };
        let patch = ProfilePatch {
            territory: Patch::Set("north".to_owned()),
            industry: Patch::Set("wine".to_owned()),
            add_tags: vec!["vip".to_owned()],
            ..ProfilePatch::default()
        };
        let (after, _, changed) = patched(&before, &PersonalProfile::default(), patch).expect("a valid patch");
        assert_eq!(changed, ["industry", "tags"]);
        assert_eq!(after.tags, ["vip"]);
        assert_eq!(after.territory.as_deref(), Some("north"));
    }
}
