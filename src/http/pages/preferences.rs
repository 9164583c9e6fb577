//! The preference page: which messages a customer receives, in which language and at which hours, and where they live.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use bytes::Bytes;

use super::hours;
use super::html::{escape, hidden};
use super::look::Look;
use super::reader::{LANGUAGE, Reader};
use super::{Opened, evidence, failed, open, texts, zones};
use crate::app::Outcome;
use crate::domain::consent::choice::{Choice, Preferences, Settings};
use crate::domain::consent::token::{Purpose, Token};
use crate::domain::customer::decide::{Patch, ProfilePatch};
use crate::domain::customer::profile;
use crate::domain::message::tracking::TRACKING;
use crate::domain::tenant::brand::Language;
use crate::domain::value::{ALL_TOPICS, Channel, place};
use crate::graphql::Gateway;
use crate::http::body::read;
use crate::http::visitor::Asked;

/// The lines that a page shows, and those of them that are wanted.
const SHOWN: &str = "shown";
const WANTED: &str = "wanted";
/// The button that ends everything.
const NOTHING: &str = "nothing";
/// Fields of the profile, each beside what the page showed of it.
const LOCALE: &str = "locale";
const LOCALE_SHOWN: &str = "locale_shown";
const TIME_ZONE: &str = "time_zone";
const TIME_ZONE_SHOWN: &str = "time_zone_shown";

/// `GET /preferences/{token}`: shows the channels and topics that the customer receives.
pub async fn show_preferences(State(gateway): State<Gateway>, Path(token): Path<String>, reader: Reader) -> Response {
    match open(&gateway, reader, &token, Purpose::Preferences).await {
        Ok(opened) => page(&gateway, &opened.look, &opened.token, false).await,
        Err(refused) => refused,
    }
}

/// `POST /preferences/{token}`: changes them.
pub async fn set_preferences(
    State(gateway): State<Gateway>,
    Path(token): Path<String>,
    peer: Asked,
    reader: Reader,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(&parts.headers, body, &gateway.api().limits).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Opened { token, mut look } = match open(&gateway, reader.of_form(&body), &token, Purpose::Preferences).await {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    let form = Form::read(&body);
    let wording = match &form.choices {
        Choices::Nothing => look.texts().unsubscribe_from_everything.to_owned(),
        Choices::Lines { .. } => texts::plain(look.texts().preferences_question, &[("name", look.name())]),
    };
    let evidence = evidence(&parts.headers, peer, wording);
    let (preferences, profile) = (form.preferences(&look), form.profile);
    match gateway.api().app.set_preferences(&token, &preferences, &profile, &evidence).await {
        Ok(Outcome::Done(_)) => {
            if let Patch::Set(locale) = &profile.locale {
                look.language = Language::of_tag(locale).unwrap_or(look.language);
            }
            page(&gateway, &look, &token, true).await
        }
        Ok(Outcome::Refused(_)) => look.bad_link(),
        Err(error) => failed(&gateway, &look, &error),
    }
}

async fn page(gateway: &Gateway, look: &Look, token: &Token, is_saved: bool) -> Response {
    match gateway.api().app.settings(token).await {
        Ok(Some(settings)) => look.question(look.texts().preferences_title, &content(look, &settings, is_saved)),
        Ok(None) => look.bad_link(),
        Err(error) => failed(gateway, look, &error),
    }
}

/// The forms, as HTML.
fn content(look: &Look, settings: &Settings, is_saved: bool) -> String {
    let texts = look.texts();
    let mut main = String::new();
    if is_saved {
        let _ = write!(main, "<p class=\"saved\" role=\"status\">{}</p>", texts.saved);
    }
    let language = hidden(LANGUAGE, look.language.word());
    let _ = write!(main, "<form method=\"post\">{language}");
    if settings.choices.is_empty() {
        let _ = write!(main, "<p>{}</p>", texts.nothing_to_choose);
    } else {
        let question = texts::html(texts.preferences_question, &[("name", look.name())]);
        let _ = write!(main, "<h2>{question}</h2>");
    }
    for channel in Channel::ALL {
        channel_lines(&mut main, look, *channel, &settings.choices);
    }
    profile_fields(&mut main, look, settings);
    hours::fields(&mut main, look.texts(), settings.preferred_hours.as_deref());
    let _ = write!(main, "<button>{}</button></form>", texts.save);
    if !settings.choices.is_empty() {
        let _ = write!(
            main,
            "<form method=\"post\">{language}<button class=\"quiet\" name=\"{NOTHING}\" value=\"yes\">{}</button></form>",
            texts.unsubscribe_from_everything
        );
    }
    main
}

/// The lines of a channel under its name: topics, and last whether the customer is tracked.
fn channel_lines(main: &mut String, look: &Look, channel: Channel, choices: &[Choice]) {
    let (tracking, topics): (Vec<_>, Vec<_>) =
        choices.iter().filter(|choice| choice.channel == channel).partition(|choice| choice.topic == TRACKING);
    if topics.is_empty() && tracking.is_empty() {
        return;
    }
    let _ = write!(main, "<fieldset><legend>{}</legend>", heading(look, channel));
    for choice in topics.into_iter().chain(tracking) {
        let value = format!("{channel}:{}", choice.topic);
        let checked = if choice.chosen { " checked" } else { "" };
        let label = Label::of(look, channel, &choice.topic);
        let _ = write!(
            main,
            "{}<label class=\"line\"><input type=\"checkbox\" name=\"{WANTED}\" value=\"{}\"{checked}>\
             <span>{}</span></label>",
            hidden(SHOWN, &value),
            escape(&value),
            texts::html(label.text, &label.values)
        );
    }
    main.push_str("</fieldset>");
}

fn heading(look: &Look, channel: Channel) -> String {
    texts::capitalised((look.texts().messages)(channel))
}

/// What a line says.
struct Label<'a> {
    text: &'static str,
    values: [(&'static str, &'a str); 3],
}

impl<'a> Label<'a> {
    fn of(look: &'a Look, channel: Channel, topic: &'a str) -> Self {
        let texts = look.texts();
        let text = match topic {
            ALL_TOPICS => texts.all_messages,
            TRACKING if channel == Channel::Email => texts.tracking_of_emails,
            TRACKING => texts.tracking_of_links,
            _ => "{topic}",
        };
        let messages = (texts.messages)(channel);
        Self { text, values: [("messages", messages), ("topic", look.topic(topic)), ("name", look.name())] }
    }
}

/// The customer's language and time zone.
fn profile_fields(main: &mut String, look: &Look, settings: &Settings) {
    let texts = look.texts();
    let locale = settings.locale.as_deref().unwrap_or_default();
    let zone = settings.time_zone.as_deref().unwrap_or_default();
    let _ = write!(
        main,
        "<fieldset><legend>{}</legend>{}{}<label class=\"field\">{}<select name=\"{LOCALE}\" autocomplete=\"off\">",
        texts.profile,
        hidden(LOCALE_SHOWN, locale),
        hidden(TIME_ZONE_SHOWN, zone),
        texts.language
    );
    zones::option(main, "", texts.not_chosen, locale);
    let own = Language::of_tag(locale);
    for language in Language::ALL {
        // Who reads `de-AT` reads German, and keeps the country.
        let tag = if own == Some(*language) { locale } else { language.word() };
        zones::option(main, tag, language.own_name(), locale);
    }
    if own.is_none() && !locale.is_empty() {
        zones::option(main, locale, locale, locale);
    }
    let _ = write!(
        main,
        "</select></label><label class=\"field\">{}<select name=\"{TIME_ZONE}\" aria-describedby=\"why\" autocomplete=\"off\">",
        texts.time_zone
    );
    zones::option(main, "", texts.not_chosen, zone);
    main.push_str(&zones::options(zone, &texts.regions));
    let _ = write!(main, "</select></label><small id=\"why\">{}</small></fieldset>", texts.time_zone_hint);
}

/// What a form says of channels and topics.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choices {
    Nothing,
    Lines { shown: BTreeSet<(Channel, String)>, wanted: BTreeSet<(Channel, String)> },
}

/// What the form of the page says.
#[derive(Debug, Clone, PartialEq)]
struct Form {
    choices: Choices,
    profile: ProfilePatch,
}

impl Form {
    /// Reads lines as `channel:topic`, and of the profile what was changed on the page; anything else is ignored.
    fn read(body: &Bytes) -> Self {
        let (mut shown, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        let mut is_nothing = false;
        let (mut fields, mut hours) = (BTreeMap::new(), hours::Fields::default());
        for (name, value) in url::form_urlencoded::parse(body) {
            match name.as_ref() {
                NOTHING => is_nothing = true,
                SHOWN => shown.extend(line(&value)),
                WANTED => wanted.extend(line(&value)),
                LOCALE | LOCALE_SHOWN | TIME_ZONE | TIME_ZONE_SHOWN => {
                    fields.insert(name.into_owned(), value.into_owned());
                }
                _ => hours.take(&name, &value),
            }
        }
        if is_nothing {
            return Self { choices: Choices::Nothing, profile: ProfilePatch::default() };
        }
        let changed = |field: &str, shown: &str| {
            let (now, before) = (fields.get(field)?, fields.get(shown)?);
            (now != before).then(|| now.clone())
        };
        let locale = changed(LOCALE, LOCALE_SHOWN).filter(|tag| profile::locale(Some(tag.clone())).is_ok());
        let is_zone = |name: &String| name.is_empty() || place::time_zone(name).is_ok();
        let time_zone = changed(TIME_ZONE, TIME_ZONE_SHOWN).filter(is_zone);
        let profile = ProfilePatch {
            locale: patch(locale),
            time_zone: patch(time_zone),
            preferred_hours: hours.patch(),
            ..ProfilePatch::default()
        };
        Self { choices: Choices::Lines { shown, wanted }, profile }
    }

    /// The choices, each line with the wording that the page has for it.
    fn preferences(&self, look: &Look) -> Preferences {
        match &self.choices {
            Choices::Nothing => Preferences::Nothing,
            Choices::Lines { shown, wanted } => {
                let worded = |line: &(Channel, String)| {
                    let (channel, topic) = line;
                    let label = Label::of(look, *channel, topic);
                    let wording = format!("{}\n{}", heading(look, *channel), texts::plain(label.text, &label.values));
                    (line.clone(), wording)
                };
                Preferences::Lines { shown: shown.iter().map(worded).collect(), wanted: wanted.clone() }
            }
        }
    }
}

fn line(value: &str) -> Option<(Channel, String)> {
    let (channel, topic) = value.split_once(':')?;
    Some((channel.parse().ok()?, topic.to_owned()))
}

/// A field that was emptied is cleared.
fn patch(value: Option<String>) -> Patch<String> {
    match value {
        None => Patch::Keep,
        Some(value) if value.trim().is_empty() => Patch::Clear,
        Some(value) => Patch::Set(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::brand::{Appearance, Brand, TopicName};

    fn read(form: &'static str) -> Form {
        Form::read(&Bytes::from_static(form.as_bytes()))
    }

    fn german() -> Look {
        let topics =
            vec![TopicName { topic: "news".to_owned(), language: Some(Language::German), name: "Neues".to_owned() }];
        let brand = Brand { topics, ..Brand::default() };
        Look::of(Appearance { name: "Weingut".to_owned(), brand }, Language::German)
    }

    #[test]
    fn a_form_is_read_and_nonsense_is_left_out() {
        let line = |topic: &str| (Channel::Email, topic.to_owned());
        let form = read("shown=email%3Anews&shown=email:a%3Ab&wanted=email:news&shown=pigeon:x&shown=oops&x=email:y");
        let expected = Choices::Lines { shown: [line("news"), line("a:b")].into(), wanted: [line("news")].into() };
        assert_eq!(form, Form { choices: expected, profile: ProfilePatch::default() });
        assert_eq!(read("shown=email:news&nothing=yes&locale=de&locale_shown=").choices, Choices::Nothing);
    }

    #[test]
    fn of_the_profile_only_what_the_reader_changed_is_taken() {
        let profile = |form| read(form).profile;
        let kept = ProfilePatch::default();
        for form in [
            "locale=de&locale_shown=de&time_zone=UTC&time_zone_shown=UTC",
            "locale=de&time_zone=UTC",
            "locale=%22%3E&locale_shown=de&time_zone=Mars%2FOlympus&time_zone_shown=UTC",
            "locale_shown=de&time_zone_shown=UTC",
        ] {
            assert_eq!(profile(form), kept, "{form}");
        }
        let set = profile("locale=de-AT&locale_shown=&time_zone=Europe%2FVienna&time_zone_shown=UTC");
        assert_eq!((set.locale, set.time_zone), (Patch::Set("de-AT".into()), Patch::Set("Europe/Vienna".into())));
        let cleared = profile("locale=&locale_shown=de&time_zone=&time_zone_shown=UTC");
        assert_eq!((cleared.locale, cleared.time_zone), (Patch::Clear, Patch::Clear));
    }

    #[test]
    fn the_wording_of_a_line_is_what_the_page_shows() {
        let look = german();
        let form = read("shown=email:news&shown=email:tracking&shown=sms:all&shown=sms:offers");
        let Preferences::Lines { shown, .. } = form.preferences(&look) else { panic!("lines") };
        let wordings: Vec<_> = shown.into_values().collect();
        let tracking = "E-Mails\nWeingut darf aufzeichnen, wann ich E-Mails öffne und Links darin anklicke";
        assert_eq!(wordings, ["E-Mails\nNeues", tracking, "SMS\nAlle SMS", "SMS\noffers"]);
    }

    #[test]
    fn a_language_that_we_do_not_write_is_offered_while_it_is_the_customers() {
        let shown = |locale: Option<&str>| {
            let settings =
                Settings { choices: vec![], locale: locale.map(str::to_owned), time_zone: None, preferred_hours: None };
            content(&german(), &settings, false)
        };
        assert!(shown(Some("fr-CA")).contains("<option value=\"fr-CA\" selected>fr-CA</option>"));
        assert!(shown(Some("de-AT")).contains("<option value=\"de-AT\" selected>Deutsch</option>"));
        assert!(shown(None).contains("<option value=\"\" selected>Keine Angabe</option>"));
        assert!(!shown(None).contains("name=\"nothing\""), "there is nothing to unsubscribe from");
    }
}
