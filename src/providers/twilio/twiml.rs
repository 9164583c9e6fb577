//! `TwiML`: what Twilio says and does in a call (`docs.twilio.com/voice/twiml`).

use url::form_urlencoded;

use crate::domain::value::script::Step;
use crate::providers::VoiceContent;

/// The longest document that travels in the `Twiml` parameter, in characters; error 32018 beyond it.
const LONGEST_DOCUMENT: usize = 4_000;
/// The longest words of one `<Say>`, in bytes as they stand in a form; error 13521 beyond it.
const LONGEST_WORDS: usize = 4_500;
/// For how many seconds a key may be pressed after the last word.
const WAIT_FOR_KEY: u32 = 5;
/// How every document begins.
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// A document that does nothing: a message is not answered, and a call goes on to its end.
pub(super) const EMPTY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";
/// A document that ends a call.
pub(super) const HANG_UP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Hangup/></Response>";
/// A document that does not take a call, which costs nobody anything.
pub(super) const REJECT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject/></Response>";

/// How words are spoken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speech<'a> {
    /// Such as `de-DE`.
    pub language: &'a str,
    /// The voice's name at Twilio.
    pub voice: Option<&'a str>,
}

/// The document of a call. `action` is where a pressed key is reported, where keys mean something. [`Err`] is the number of the
/// error that Twilio would give.
pub(super) fn script(content: &VoiceContent, speech: Speech<'_>, action: Option<&str>) -> Result<String, &'static str> {
    let mut said = String::new();
    let written: Vec<Step>;
    let steps = if let Some(script) = &content.steps {
        &script.steps
    } else {
        written = content.script.lines().map(|line| Step::Say(line.to_owned())).collect();
        &written
    };
    for step in steps {
        match step {
            Step::Say(words) if words.trim().is_empty() => {}
            Step::Say(words) => said.push_str(&say(words, speech)?),
            Step::Pause(seconds) => said.extend(["<Pause length=\"", &seconds.to_string(), "\"/>"]),
        }
    }
    let body = match action {
        None => said,
        Some(action) => {
            let keys = format!("input=\"dtmf\" numDigits=\"1\" timeout=\"{WAIT_FOR_KEY}\"");
            format!("<Gather {keys} method=\"POST\" action=\"{}\">{said}</Gather>", escape(action))
        }
    };
    let document = format!("{HEAD}<Response>{body}</Response>");
    if document.chars().count() > LONGEST_DOCUMENT { Err("32018") } else { Ok(document) }
}

/// The document that answers a pressed key, and ends the call.
pub(super) fn goodbye(words: &str, speech: Speech<'_>) -> String {
    match say(words, speech) {
        Ok(said) if !words.trim().is_empty() => format!("{HEAD}<Response>{said}<Hangup/></Response>"),
        _ => HANG_UP.to_owned(),
    }
}

fn say(words: &str, Speech { language, voice }: Speech<'_>) -> Result<String, &'static str> {
    if form_urlencoded::byte_serialize(words.as_bytes()).map(str::len).sum::<usize>() > LONGEST_WORDS {
        return Err("13521");
    }
    let voice = voice.map(|voice| format!(" voice=\"{}\"", escape(voice))).unwrap_or_default();
    Ok(format!("<Say language=\"{}\"{voice}>{}</Say>", escape(language), escape(words)))
}

/// A text as it stands in XML; characters that XML has no way to write are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(letter),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::script::VoiceScript;

    const GERMAN: Speech<'static> = Speech { language: "de-DE", voice: Some("Polly.Vicki") };

    fn steps(steps: Vec<Step>) -> VoiceContent {
        let script = VoiceScript { language: "de-DE".to_owned(), voice: None, steps, machine: None, keys: vec![] };
        VoiceContent { script: String::new(), steps: Some(script) }
    }

    #[test]
    fn a_script_is_said_in_its_steps_and_waits_for_a_key() {
        let content = steps(vec![Step::Say("Guten Tag, Müller’s & \"Söhne\" <\u{7}>".to_owned()), Step::Pause(2)]);
        let said = "<Say language=\"de-DE\" voice=\"Polly.Vicki\">\
            Guten Tag, Müller’s &amp; &quot;Söhne&quot; &lt;&gt;</Say>\
            <Pause length=\"2\"/>";
        assert_eq!(script(&content, GERMAN, None), Ok(format!("{HEAD}<Response>{said}</Response>")));
        let gather = "<Gather input=\"dtmf\" numDigits=\"1\" timeout=\"5\" \
            method=\"POST\" action=\"https://a.example/?x=1&amp;y=2\">";
        let expected = format!("{HEAD}<Response>{gather}{said}</Gather></Response>");
        assert_eq!(script(&content, GERMAN, Some("https://a.example/?x=1&y=2")), Ok(expected));
    }

    #[test]
    fn words_without_steps_are_said_line_by_line() {
        let content = VoiceContent { script: "One\n\nTwo".to_owned(), steps: None };
        let plain = Speech { language: "en-US", voice: None };
        let expected = "<Response><Say language=\"en-US\">One</Say><Say language=\"en-US\">Two</Say></Response>";
        assert_eq!(script(&content, plain, None), Ok(format!("{HEAD}{expected}")));
    }

    #[test]
    fn what_is_too_long_for_twilio_is_named_by_its_error() {
        let long = |letter: &str, count| script(&steps(vec![Step::Say(letter.repeat(count))]), GERMAN, None);
        assert_eq!(long("a", 4_000), Err("32018"));
        assert_eq!(long("ж", 751), Err("13521"));
        assert!(long("ж", 750).is_ok());
    }

    #[test]
    fn who_pressed_a_key_hears_words_or_nothing() {
        assert_eq!(goodbye(" ", GERMAN), HANG_UP);
        assert!(goodbye("Auf Wiederhören", GERMAN).ends_with("Auf Wiederhören</Say><Hangup/></Response>"));
    }
}
