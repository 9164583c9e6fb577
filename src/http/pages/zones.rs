//! The time zones that a page offers.

use std::fmt::Write as _;

use chrono_tz::TZ_VARIANTS;

use super::html::escape;

/// The parts of the world, as the names of time zones begin.
pub const REGIONS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// The options of a choice of time zones, in groups with these names. A zone that is none of them, such as `UTC`, is offered
/// while it is the chosen one.
pub fn options(chosen: &str, groups: &[&str; 10]) -> String {
    let mut html = String::with_capacity(40 * 1024);
    let is_offered = |name: &str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    let is_unusual = !TZ_VARIANTS.iter().any(|zone| zone.name() == chosen && is_offered(chosen));
    if is_unusual && !chosen.is_empty() {
        option(&mut html, chosen, chosen, chosen);
    }
    for (region, group) in REGIONS.iter().zip(groups) {
        let _ = write!(html, "<optgroup label=\"{}\">", escape(group));
        for name in TZ_VARIANTS.iter().map(|zone| zone.name()) {
            let Some(place) = name.strip_prefix(region).and_then(|rest| rest.strip_prefix('/')) else { continue };
            option(&mut html, name, &place.replace('_', " "), chosen);
        }
        html.push_str("</optgroup>");
    }
    html
}

/// An option of a choice.
pub fn option(html: &mut String, value: &str, label: &str, chosen: &str) {
    let selected = if value == chosen { " selected" } else { "" };
    let _ = write!(html, "<option value=\"{}\"{selected}>{}</option>", escape(value), escape(label));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_zone_of_a_place_is_offered_once_and_the_chosen_one_in_any_case() {
        let count = |html: &str, text: &str| html.matches(text).count();
        let html = options("Europe/Vienna", &REGIONS);
        assert_eq!(count(&html, " selected"), 1);
        assert_eq!(count(&html, "<option value=\"Europe/Vienna\" selected>Vienna</option>"), 1);
        assert!(html.contains("<option value=\"America/Argentina/Buenos_Aires\">Argentina/Buenos Aires</option>"));
        assert_eq!(count(&html, "Etc/"), 0);
        for unusual in ["UTC", "Etc/GMT+5", "US/Eastern", "Europe/Nowhere"] {
            assert_eq!(count(&options(unusual, &REGIONS), &format!("<option value=\"{unusual}\" selected>")), 1);
        }
        assert_eq!(count(&options("", &REGIONS), " selected"), 0);
        assert_eq!(count(&options("\"><script>", &REGIONS), "<script"), 0);
    }
}
