//! The fields of a page that ask when a customer likes to be written to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{NaiveTime, TimeDelta, Weekday};

use super::html::hidden;
use super::texts::Texts;
use super::zones::option;
use crate::domain::customer::decide::Patch;
use crate::domain::value::preferred_hours::PreferredHours;

/// What the page showed, beside the fields.
const SHOWN: &str = "hours_shown";
const FROM: &str = "hours_from";
const UNTIL: &str = "hours_until";
const DAY: &str = "hours_day";

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The fields, with the customer's hours in them.
pub fn fields(main: &mut String, texts: &Texts, hours: Option<&str>) {
    let known: Option<PreferredHours> = hours.and_then(|hours| hours.parse().ok());
    let (from, until) = (known.map(|known| clock(known.from(), false)), known.map(|known| clock(known.to(), true)));
    let _ = write!(
        main,
        "<fieldset aria-describedby=\"hours\"><legend>{}</legend>{}<div class=\"pair\">",
        texts.hours,
        hidden(SHOWN, hours.unwrap_or_default())
    );
    for (name, label, chosen, is_end) in
        [(FROM, texts.hours_from, from, false), (UNTIL, texts.hours_until, until, true)]
    {
        let chosen = chosen.unwrap_or_default();
        let _ = write!(main, "<label class=\"field\">{label}<select name=\"{name}\" autocomplete=\"off\">");
        option(main, "", texts.not_chosen, &chosen);
        // A time that is none of those is offered while it is the chosen one.
        let half_hours = (0..48).map(|half| clock(NaiveTime::MIN + TimeDelta::minutes(half * 30), is_end));
        let offered: BTreeSet<String> = half_hours.chain([chosen.clone()]).filter(|time| !time.is_empty()).collect();
        for time in &offered {
            option(main, time, time, &chosen);
        }
        main.push_str("</select></label>");
    }
    main.push_str("</div><div class=\"days\">");
    for (day, name) in WEEK.iter().zip(texts.weekdays) {
        let checked = if known.is_none_or(|known| known.is_on(*day)) { " checked" } else { "" };
        let number = day.number_from_monday();
        let _ = write!(
            main,
            "<label class=\"line\"><input type=\"checkbox\" name=\"{DAY}\" value=\"{number}\"{checked}><span>{name}</span></label>"
        );
    }
    let _ = write!(main, "</div><small id=\"hours\">{}</small></fieldset>", texts.hours_hint);
}

/// As forms have it; the end of a day is 24:00.
fn clock(time: NaiveTime, is_end: bool) -> String {
    if is_end && time == NaiveTime::MIN { "24:00".to_owned() } else { time.format("%H:%M").to_string() }
}

/// What a form says of it.
#[derive(Debug, Default)]
pub struct Fields {
    shown: Option<String>,
    from: String,
    until: String,
    days: BTreeSet<u32>,
}

impl Fields {
    /// Takes a field, if it is one of these.
    pub fn take(&mut self, name: &str, value: &str) {
        match name {
            SHOWN => self.shown = Some(value.to_owned()),
            FROM => value.clone_into(&mut self.from),
            UNTIL => value.clone_into(&mut self.until),
            DAY => self.days.extend(value.parse::<u32>()),
            _ => {}
        }
    }

    /// What the reader changed: without a beginning or an end, there are no hours. Nonsense changes nothing.
    pub fn patch(&self) -> Patch<String> {
        let Some(shown) = &self.shown else { return Patch::Keep };
        if self.from.is_empty() || self.until.is_empty() {
            return if shown.is_empty() { Patch::Keep } else { Patch::Clear };
        }
        let days = WEEK.into_iter().filter(|day| self.days.contains(&day.number_from_monday()));
        let window = format!("{}-{}", self.from, self.until).parse::<PreferredHours>();
        // All of a day is a wish on some days only.
        let whole_day = (self.from == "00:00" && self.until == "24:00").then_some((NaiveTime::MIN, NaiveTime::MIN));
        let times = window.map(|window| (window.from(), window.to())).ok().or(whole_day);
        match times.map(|(from, to)| PreferredHours::new(days, from, to)) {
            Some(Ok(hours)) if hours.to_string() != *shown => Patch::Set(hours.to_string()),
            Some(Ok(_)) | None => Patch::Keep,
            // All hours of all days, or none.
            Some(Err(_)) if shown.is_empty() => Patch::Keep,
            Some(Err(_)) => Patch::Clear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::brand::Language;
    use crate::http::pages::texts;

    fn patch(form: &str) -> Patch<String> {
        let mut fields = Fields::default();
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            fields.take(&name, &value);
        }
        fields.patch()
    }

    #[test]
    fn a_form_sets_changes_and_clears_the_hours_and_nonsense_changes_nothing() {
        let set = |hours: &str| Patch::Set(hours.to_owned());
        let table = [
            ("hours_shown=&hours_from=18:00&hours_until=21:00", set("18:00-21:00")),
            ("hours_shown=&hours_from=18:00&hours_until=21:00&hours_day=6&hours_day=7", set("sat,sun 18:00-21:00")),
            ("hours_shown=18:00-21:00&hours_from=18:00&hours_until=24:00", set("18:00-24:00")),
            ("hours_shown=&hours_from=00:00&hours_until=24:00&hours_day=6", set("sat 00:00-24:00")),
            ("hours_shown=18:00-21:00&hours_from=00:00&hours_until=24:00", Patch::Clear),
            ("hours_shown=18:00-21:00&hours_from=&hours_until=", Patch::Clear),
            ("hours_shown=18:00-21:00&hours_from=18:00&hours_until=21:00&hours_day=x&hours_day=9", Patch::Keep),
            ("hours_shown=&hours_from=&hours_until=21:00&hours_day=1", Patch::Keep),
            ("hours_shown=&hours_from=25:00&hours_until=%22%3E", Patch::Keep),
            ("hours_from=18:00&hours_until=21:00", Patch::Keep),
        ];
        for (form, expected) in table {
            assert_eq!(patch(form), expected, "{form}");
        }
    }

    #[test]
    fn the_fields_show_the_hours_and_offer_a_time_that_is_unusual_while_it_is_chosen() {
        let shown = |hours: Option<&str>| {
            let mut html = String::new();
            fields(&mut html, texts::texts(Language::German), hours);
            html
        };
        let html = shown(Some("sat 09:15-24:00"));
        assert!(html.contains("<option value=\"09:15\" selected>09:15</option>"), "{html}");
        assert!(html.contains("<option value=\"24:00\" selected>24:00</option>"), "{html}");
        assert_eq!(html.matches(" checked>").count(), 1, "{html}");
        let none = shown(None);
        assert_eq!((none.matches(" checked>").count(), none.matches("09:15").count()), (7, 0));
    }
}
