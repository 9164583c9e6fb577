//! STOP, START and HELP in text messages: only where the whole message is the keyword. "Please stop texting me" is for a
//! person to read.
//!
//! The words are those that carriers and regulators name (47 CFR 64.1200(a)(10); CTIA's principles), and the usual ones
//! of other languages. `YES` is not among them: it is ordinary speech. A provider that knows it as the answer to its own
//! prompt says so, and counts.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::value::{Channel, words};

words! {
    /// What a whole message can ask for in one word.
    Keyword, "keyword" {
        /// Nothing more to this number.
        Stop = "stop",
        /// Messages again.
        Start = "start",
        /// Who this is, and how to end it.
        Help = "help",
    }
}

const STOP: &[&str] = &[
    // English
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "opt-out",
    "remove", //
    // French; Spanish; German and Scandinavian; Portuguese; Italian; Dutch
    "arret",
    "baja",
    "cancelar",
    "stopp",
    "abmelden",
    "abbestellen",
    "pare",
    "parar",
    "sair",
    "disiscrivi",
    "afmelden",
    "stoppen",
];
const START: &[&str] = &["start", "unstop"];
const HELP: &[&str] = &["help", "info", "aide", "ayuda", "hilfe", "ajuda", "aiuto"];

/// The keyword that a message is, whatever its case, accents, surrounding white space and punctuation at its end.
#[must_use]
pub fn read(body: &str) -> Option<Keyword> {
    // No keyword is longer, however it is decorated; a novel need not be normalised to know.
    if body.len() > 200 {
        return None;
    }
    let plain: String = body
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter) && !is_invisible(*letter))
        .flat_map(char::to_lowercase)
        .collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let word = words.trim_end_matches(|letter: char| letter.is_whitespace() || is_punctuation(letter));
    let is_in = |list: &[&str]| list.contains(&word);
    if is_in(STOP) {
        Some(Keyword::Stop)
    } else if is_in(START) {
        Some(Keyword::Start)
    } else if is_in(HELP) {
        Some(Keyword::Help)
    } else {
        None
    }
}

/// The keyword of a message that came over a channel: what the provider says before what we read ourselves. Only text
/// messages have keywords; an email that says "stop" is for a person to read.
#[must_use]
pub fn of_message(channel: Channel, body: &str, hint: Option<Keyword>) -> Option<Keyword> {
    match channel {
        Channel::Sms | Channel::Whatsapp => hint.or_else(|| read(body)),
        Channel::Email | Channel::Voice | Channel::Push | Channel::InApp => None,
    }
}

fn is_punctuation(letter: char) -> bool {
    matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | ')' | '*' | '…' | '”' | '’' | '»' | '。' | '、')
}

/// Marks of direction, joiners and the like, which phones put around words.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_keyword_is_known_in_any_dress() {
        let table = [
            "STOP",
            "stop",
            " Stop ",
            "StOp.",
            "STOP!!!",
            "stop…",
            "ＳＴＯＰ",
            "\u{FEFF}stop\u{200B}",
            "stop\r\n",
            "Opt out",
            "OPT   OUT",
            "opt-out",
            "STOPALL",
            "Unsubscribe",
            "cancel",
            "END",
            "quit",
            "revoke",
            "OptOut",
            "ARRET",
            "Arrêt",
            "ARRE\u{302}T.",
            "baja",
            "BAJA!",
            "STOPP",
            "Pare",
            "SAIR",
            "abmelden",
            "afmelden",
        ];
        for body in table {
            assert_eq!(read(body), Some(Keyword::Stop), "{body:?}");
        }
        for body in ["START", "unstop", "Start!"] {
            assert_eq!(read(body), Some(Keyword::Start), "{body:?}");
        }
        for body in ["HELP", "info", "Help?", "aide"] {
            assert_eq!(read(body), Some(Keyword::Help), "{body:?}");
        }
    }

    #[test]
    fn what_is_more_than_a_keyword_is_none() {
        let table = [
            "",
            " ",
            "!",
            "please stop",
            "stop texting me",
            "don't stop",
            "stop\nmusic",
            "stopped",
            "the end",
            "yes",
            "cancel my order",
            "1 stop",
            "end of the week?",
            "s t o p",
            "information",
        ];
        for body in table {
            assert_eq!(read(body), None, "{body:?}");
        }
        assert_eq!(read(&format!("stop{}", " ".repeat(300))), None);
    }

    #[test]
    fn a_provider_knows_better_and_email_has_no_keywords() {
        let of = |channel, body, hint| of_message(channel, body, hint);
        assert_eq!(of(Channel::Sms, "yes", Some(Keyword::Start)), Some(Keyword::Start));
        assert_eq!(of(Channel::Sms, "stop", Some(Keyword::Help)), Some(Keyword::Help));
        assert_eq!(of(Channel::Whatsapp, "stop", None), Some(Keyword::Stop));
        assert_eq!(of(Channel::Email, "stop", None), None);
        assert_eq!(of(Channel::Email, "stop", Some(Keyword::Stop)), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(body in "\\PC{0,80}") {
            let _ = read(&body);
        }

        #[test]
        fn words_around_a_keyword_make_it_none(before in "[a-z]{1,8}", keyword in prop::sample::select(STOP)) {
            let body = format!("{before} {keyword}");
            prop_assume!(!STOP.contains(&body.as_str()));
            prop_assert_eq!(read(&body), None);
        }
    }
}
