//! The keys that may be pressed in a call, as they travel in the URL where Twilio reports the one that was.
//!
//! Nothing is stored for a call under way: what each key means, what is said to who presses it, and in which voice, stands in the
//! query, which Twilio signs with the rest of the URL.

use url::Url;

use super::api::TOKEN;
use super::twiml::Speech;
use crate::domain::value::script::KeyMeaning;
use crate::domain::value::script::VoiceScript;
use crate::providers::WebhookRequest;

const KEY: &str = "key";
const LANGUAGE: &str = "language";
const VOICE: &str = "voice";

/// Where a pressed key is reported; [`None`] if no key means anything.
pub(super) fn action(url: &Url, token: Option<&str>, script: &VoiceScript, speech: Speech<'_>) -> Option<String> {
    if script.keys.is_empty() {
        return None;
    }
    let mut url = url.clone();
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(token.map(|token| (TOKEN, token)));
        query.append_pair(LANGUAGE, speech.language);
        query.extend_pairs(speech.voice.map(|voice| (VOICE, voice)));
        for key in &script.keys {
            query.append_pair(KEY, &format!("{}:{}:{}", key.digit, key.meaning, key.say));
        }
    }
    Some(url.into())
}

/// A key that was pressed, as the URL of the request says what it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pressed {
    /// What it means.
    pub meaning: KeyMeaning,
    /// What is said to who pressed it.
    pub say: String,
    /// In which language.
    pub language: String,
    /// In which voice.
    pub voice: Option<String>,
}

/// What a pressed key means; [`None`] for one that means nothing.
pub(super) fn pressed(request: &WebhookRequest, digits: &str) -> Option<Pressed> {
    let keys = url::form_urlencoded::parse(request.query().as_bytes()).filter(|(name, _)| name == KEY);
    let found = keys.into_iter().find_map(|(_, value)| {
        let (digit, rest) = value.split_once(':')?;
        let (meaning, say) = rest.split_once(':')?;
        let meaning: KeyMeaning = meaning.parse().ok()?;
        (digit == digits).then(|| (meaning, say.to_owned()))
    });
    let (meaning, say) = found?;
    let parameter = |name| request.query_parameter(name).map(std::borrow::Cow::into_owned);
    Some(Pressed { meaning, say, language: parameter(LANGUAGE)?, voice: parameter(VOICE) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::script::{Key, Step};

    #[test]
    fn what_a_key_means_comes_back_in_the_url() {
        let key = |digit, meaning, say: &str| Key { digit, meaning, say: say.to_owned() };
        let script = VoiceScript {
            language: "de-DE".to_owned(),
            voice: None,
            steps: vec![Step::Pause(1)],
            machine: None,
            keys: vec![
                key(9, KeyMeaning::OptOut, "Gut: keine Anrufe mehr & Schluß."),
                key(1, KeyMeaning::Answer, "Danke"),
            ],
        };
        let speech = Speech { language: "de-DE", voice: Some("Polly.Vicki") };
        let url = Url::parse("https://crm.example.com/hooks?tenant=1").expect("a URL");
        let url = action(&url, Some("t-o_k"), &script, speech).expect("keys mean something");
        let request = WebhookRequest { url, ..WebhookRequest::default() };
        assert_eq!(request.query_parameter(TOKEN).as_deref(), Some("t-o_k"));
        assert_eq!(request.query_parameter("tenant").as_deref(), Some("1"));
        let nine = pressed(&request, "9").expect("it means something");
        assert_eq!((nine.meaning, nine.say.as_str()), (KeyMeaning::OptOut, "Gut: keine Anrufe mehr & Schluß."));
        assert_eq!((nine.language.as_str(), nine.voice.as_deref()), ("de-DE", Some("Polly.Vicki")));
        assert_eq!(pressed(&request, "1").map(|one| one.meaning), Some(KeyMeaning::Answer));
        for digits in ["5", "", "99", "9:opt_out", "#"] {
            assert_eq!(pressed(&request, digits), None, "{digits}");
        }
    }
}
