//! Who made an open or a click: a person, or a proxy, scanner or prefetcher.
//!
//! A pure function of what is stored with each event (user agent, address, the provider's flag), named by a version: a
//! better rule can be run over history, and what was classed by which rule stays known.
//! A fetch by an image proxy counts as a machine's, Gmail's too, though it often follows a person: an open is a hint.

use crate::domain::value::message::EngagementClass;

/// A rule: its name with its version, and what it says. It is pure, so that every version says the same of the same signs
/// for ever.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Such as `engagement/1`.
    pub name: &'static str,
    /// Classes an open or a click.
    pub class: fn(Signs<'_>) -> EngagementClass,
}

/// The rule that holds now. A changed rule gets a new name: `commlog reclass` then runs it over what earlier ones
/// classed.
pub const CURRENT: Rule = Rule { name: "engagement/1", class };

/// What of a message is tracked, by us or by a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tracks {
    /// That it was opened.
    pub opens: bool,
    /// That its links were followed.
    pub clicks: bool,
}

/// What is known of an open or a click.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    /// With what it was made.
    pub user_agent: Option<&'a str>,
    /// Where from. This version of the rule does not look at it: lists of proxies' networks age within weeks.
    pub ip: Option<&'a str>,
    /// The provider says that it was a machine (SendGrid's `sg_machine_open`).
    pub is_flagged: bool,
}

/// What a callback's own text says of the provider's flag, for events of before the flag was a field of theirs.
#[must_use]
pub fn flag_in(raw: &str) -> Option<bool> {
    let told: serde_json::Value = serde_json::from_str(raw).ok()?;
    told.get("sg_machine_open").map(|flag| flag == true || flag == "true")
}

/// Parts of user agents that no person's mail program or browser has, in lower case.
const MACHINES: &[&str] = &[
    // Proxies that fetch pictures in the place of readers.
    "googleimageproxy",
    "ggpht.com",
    "yahoomailproxy",
    "yahoocachesystem",
    // Security scanners that follow every link of a mail.
    "barracuda",
    "mimecast",
    "proofpoint",
    "urldefense",
    "safelinks",
    "forcepoint",
    "fireeye",
    "trendmicro",
    "sophos",
    "symantec",
    "cloudmark",
    "google-safety",
    "ms-office; msoffice existence discovery",
    "microsoft office existence discovery",
    // Previews of links in messengers.
    "facebookexternalhit",
    "slackbot",
    "telegrambot",
    "twitterbot",
    "linkedinbot",
    "skypeuripreview",
    "whatsapp/",
    "bingpreview",
    // Programs.
    "headlesschrome",
    "phantomjs",
    "python-requests",
    "python-urllib",
    "aiohttp/",
    "go-http-client",
    "curl/",
    "wget/",
    "libwww-perl",
    "apache-httpclient",
    "java/",
    "okhttp",
    "node-fetch",
    "axios/",
    "crawler",
    "spider",
];

/// Classes an open or a click. Without any sign, it was a person. Signs that need other events (a click within seconds of
/// delivery, every link of a mail at once) belong to a later rule over history.
#[must_use]
fn class(signs: Signs<'_>) -> EngagementClass {
    let user_agent = signs.user_agent.unwrap_or_default().trim().to_ascii_lowercase();
    // Apple's Mail Privacy Protection shows nothing but this.
    let is_apple_proxy = user_agent == "mozilla/5.0";
    // Cubot makes telephones.
    let is_bot =
        user_agent.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.ends_with("bot") && word != "cubot");
    let is_machine =
        signs.is_flagged || is_apple_proxy || is_bot || MACHINES.iter().any(|machine| user_agent.contains(machine));
    if is_machine { EngagementClass::Machine } else { EngagementClass::Human }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_machines_are_told_apart_by_what_is_stored() {
        let cases = [
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", false),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", false),
            ("Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)", false),
            ("Mozilla/5.0 (Linux; Android 14; CUBOT X70) AppleWebKit/537.36 Chrome/120 Mobile", false),
            ("", false),
            ("Mozilla/5.0", true),
            ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", true),
            ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", true),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true),
            ("BarracudaSentinel (EE)", true),
            ("python-requests/2.31.0", true),
        ];
        for (user_agent, is_machine) in cases {
            let expected = if is_machine { EngagementClass::Machine } else { EngagementClass::Human };
            assert_eq!(class(Signs { user_agent: Some(user_agent), ..Signs::default() }), expected, "{user_agent}");
        }
    }

    #[test]
    fn a_providers_flag_counts_whatever_the_user_agent_says() {
        let signs = Signs { user_agent: Some("Mozilla/5.0 (iPhone) AppleWebKit/605"), is_flagged: true, ip: None };
        assert_eq!(class(signs), EngagementClass::Machine);
        assert_eq!(class(Signs::default()), EngagementClass::Human);
    }

    #[test]
    fn the_flag_is_found_in_a_callbacks_own_text() {
        assert_eq!(flag_in(r#"{"event":"open","sg_machine_open":true}"#), Some(true));
        assert_eq!(flag_in(r#"{"event":"open","sg_machine_open":false}"#), Some(false));
        for raw in [r#"{"event":"open"}"#, "MessageStatus=read", "[]", ""] {
            assert_eq!(flag_in(raw), None, "{raw}");
        }
    }
}
