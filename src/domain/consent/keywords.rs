//! STOP, START and HELP in text messages: only where the whole message is the keyword. "Please stop texting me" is for a
//! person to read.
//!
//! The words are those that carriers and regulators name (47 CFR 64.1200(a)(10); CTIA's principles), and the usual ones
//! of other languages. `YES` is not among them: it is ordinary speech. A provider that knows it as the answer to its own
//! prompt says so, and counts.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::value::{Channel, Keyword};

/// Words one space apart; case and accents do not count.
const STOP: &[&str] = &[
    // English: CTIA, 47 CFR 64.1200(a)(10), and the defaults of Twilio, Sinch and Vonage.
    "stop",
    "stopall",
    "stop all",
    "stop messages",
    "stop texts",
    "unsubscribe",
    "unsub",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "remove",
    "arret", // French
    "arreter",
    "desabonner",
    "desabonnement",
    "desinscrire",
    "baja", // Spanish
    "cancelar",
    "parar",
    "detener",
    "darse de baja",
    "stopp", // German and Scandinavian
    "abmelden",
    "abbestellen",
    "austragen",
    "sluta",
    "avsluta",
    "avregistrera",
    "avmeld",
    "avmelding",
    "afmeld",
    "lopeta", // Finnish
    "peruuta",
    "pare", // Portuguese
    "sair",
    "descadastrar",
    "remover",
    "ferma", // Italian
    "fermare",
    "annulla",
    "disiscrivi",
    "cancellami",
    "afmelden", // Dutch
    "stoppen",
    "uitschrijven",
    "koniec", // Polish
    "rezygnuje",
    "wypisz",
    "zatrzymaj",
    "konec", // Czech and Slovak
    "zastavit",
    "odhlasit",
    "leiratkozas", // Hungarian
    "leiratkozom",
    "dezabonare", // Romanian
    "opreste",
    "dur", // Turkish
    "durdur",
    "iptal",
    "ret",
    "berhenti", // Indonesian and Malay
    "batal",
    "huy",  // Vietnamese
    "стоп", // Russian, Ukrainian, Bulgarian
    "отписаться",
    "отписка",
    "отмена",
    "відписатися",
    "відписка",
    "спри",
    "отказ",
    "στοπ", // Greek
    "διακοπη",
    "διαγραφη",
    "توقف", // Arabic, also as the normal form writes it
    "ايقاف",
    "الغاء",
    "قف",
    "הסר", // Hebrew
    "הסרה",
    "עצור",
    "停止", // Chinese
    "退订",
    "退訂",
    "取消",
    "取消订阅",
    "取消訂閱",
    "수신거부", // Korean
    "해지",
    "거부",
    "alto", // Spanish of the Americas
    "중지",
    "정지",
    "취소",
    "停止する", // Japanese
    "ストッフ",
    "配信停止",
    "解除",
    "हटाओ", // Hindi
    "बद",
    "หยุด",
    "ยกเลิก",
];
const START: &[&str] = &[
    "start",
    "unstop",
    "optin",
    "opt in",
    "subscribe",
    "resubscribe",
    "reprendre", // French
    "demarrer",
    "alta", // Spanish
    "iniciar",
    "empezar",
    "anmelden", // German
    "iniziare", // Italian
    "inizia",
    "comecar", // Portuguese
    "voltar",
    "starta",    // Swedish
    "aanmelden", // Dutch
    "wznow",     // Polish
    "basla",     // Turkish
    "baslat",
    "старт", // Russian, Ukrainian, Bulgarian
    "подписаться",
    "підписатися",
    "εναρξη", // Greek
    "ابدا",   // Arabic
    "اشتراك",
    "התחל", // Hebrew
    "开始", // Chinese
    "開始",
    "订阅",
    "訂閱",
    "시작",     // Korean
    "スタート", // Japanese
    "再開",
];
const HELP: &[&str] = &[
    "help",
    "info",
    "aide",   // French
    "ayuda",  // Spanish
    "hilfe",  // German
    "ajuda",  // Portuguese
    "aiuto",  // Italian
    "hjalp",  // Swedish
    "hjelp",  // Norwegian
    "hulp",   // Dutch
    "pomoc",  // Polish, Czech
    "yardim", // Turkish
    "помощь", // Russian
    "допомога",
    "помощ",
    "βοηθεια", // Greek
    "مساعده",  // Arabic
    "מענה",    // Hebrew
    "עזרה",
    "帮助", // Chinese
    "幫助",
    "도움말", // Korean
    "ヘルフ", // Japanese
];

/// The keyword that a message is, whatever its case and accents, and whatever is around it that is neither a letter nor a
/// digit: quotes, brackets, emphasis, exclamation marks at both ends, emoji.
#[must_use]
pub fn read(body: &str) -> Option<Keyword> {
    // No keyword is longer, however it is decorated; a novel need not be normalised to know.
    if body.len() > 200 {
        return None;
    }
    let said = plain(unsigned(body));
    KEYWORDS.get(&said).or_else(|| KEYWORDS.get(uncivil(&said)?)).copied()
}

/// A message without the line that a phone or mail program puts under it.
fn unsigned(body: &str) -> &str {
    let body = body.trim();
    let Some((text, last)) = body.rsplit_once('\n') else { return body };
    let last = last.trim().to_lowercase();
    if SIGNATURES.iter().any(|words| last.starts_with(words)) { text } else { body }
}

/// How phones and programs sign.
const SIGNATURES: &[&str] = &[
    "sent from",
    "get outlook",
    "von meinem",
    "gesendet von",
    "envoyé de",
    "enviado desde",
    "enviado do",
    "inviato da",
    "verzonden v",
    "skickat fr",
    "sendt fra",
    "wysłane z",
    "отправлено с",
];

/// What is left of a keyword to which somebody added a word of courtesy; [`None`] where there is none. Only words that
/// can mean nothing else than messages: "cancel, please" may be about an order.
fn uncivil(said: &str) -> Option<&str> {
    let behind = COURTESY.iter().find_map(|word| said.strip_suffix(word));
    let bare = behind.or_else(|| COURTESY.iter().find_map(|word| said.strip_prefix(word)))?;
    let bare = bare.trim_matches([' ', '|']);
    ["stop", "unsub", "opt out", "optout", "baja", "arret"].iter().any(|word| bare.starts_with(word)).then_some(bare)
}

/// As [`plain`] writes them; a comma is a mark.
const COURTESY: &[&str] =
    &["please", "pls", "plz", "thank you", "thanks", "thx", "bitte", "danke", "por favor", "gracias", "merci", "svp"];

/// The keywords as [`plain`] writes them.
static KEYWORDS: LazyLock<HashMap<String, Keyword>> = LazyLock::new(|| {
    let lists = [(STOP, Keyword::Stop), (START, Keyword::Start), (HELP, Keyword::Help)];
    lists.iter().flat_map(|(list, keyword)| list.iter().map(|word| (plain(word), *keyword))).collect()
});

/// The letters and digits of a text, without case and accents. What separates words within it stays a space if it is white
/// space, a hyphen or an underscore; anything else between words leaves a mark, so that "stop. music" is no keyword.
fn plain(body: &str) -> String {
    let is_word = |letter: &char| letter.is_alphanumeric();
    let letters: Vec<char> = body
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter) && !is_invisible(*letter) && !is_pictorial(*letter))
        .flat_map(char::to_lowercase)
        .map(unaccented)
        .collect();
    let (Some(first), Some(last)) = (letters.iter().position(is_word), letters.iter().rposition(is_word)) else {
        return String::new();
    };
    // Lines of their own are a sentence of several, not one word.
    let core = letters.get(first..=last).unwrap_or_default();
    let text: String = core
        .iter()
        .map(|&letter| match letter {
            '\n' | '\r' => '|',
            letter if letter.is_whitespace() || is_joiner(letter) => ' ',
            letter if letter.is_alphanumeric() => letter,
            _ => '|',
        })
        .collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Letters that have no decomposition, as people write them without their stroke or dot.
const fn unaccented(letter: char) -> char {
    match letter {
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ς' => 'σ',
        'أ' | 'إ' | 'آ' => 'ا',
        'ة' => 'ه',
        'ى' => 'ي',
        _ => letter,
    }
}

/// What joins two words into one keyword: hyphens of every kind, and the underscore.
fn is_joiner(letter: char) -> bool {
    matches!(letter, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}')
}

/// Variation selectors and skin tones, which belong to the emoji before them.
fn is_pictorial(letter: char) -> bool {
    matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{20E3}')
}

/// The keyword of a message that came over a channel: what the provider says before what we read ourselves. Only text
/// messages have keywords; an email that says "stop" is for a person to read, unless a mail program wrote it to unsubscribe.
#[must_use]
pub fn of_message(channel: Channel, body: &str, hint: Option<Keyword>) -> Option<Keyword> {
    match channel {
        Channel::Sms | Channel::Whatsapp => hint.or_else(|| read(body)),
        Channel::Email => hint,
        Channel::Voice | Channel::Push | Channel::InApp => None,
    }
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
            "\"STOP\"",
            "“Stop”",
            "«STOP»",
            "(stop)",
            "*STOP*",
            "_stop_",
            "-stop",
            "STOP 🛑",
            "🛑 STOP",
            "Stop 🙏🏽",
            "¡BAJA!",
            "¡ BAJA !",
            "Opt\u{2011}out",
            "stop-all",
            "stop_all",
            "¿stop?",
            "[STOP]",
            "'stop'",
            "stop \"",
            "STOP.\n",
            "~stop~",
            "СТОП",
            "Стоп!",
            "отписаться",
            "ΣΤΟΠ",
            "στοπ",
            "توقف",
            "إلغاء",
            "إيقاف",
            "הסר",
            "停止",
            "退订",
            "取消",
            "수신거부",
            "ストップ",
            "配信停止",
            "DUR",
            "İPTAL",
            "iptal",
            "KONIEC",
            "wypisz",
            "SLUTA",
            "ARRÊTER",
            "ARRETER",
            "PARAR",
            "STOPP",
            "Odhlásit",
            "Leiratkozás",
            "หยุด",
        ];
        for body in table {
            assert_eq!(read(body), Some(Keyword::Stop), "{body:?}");
        }
        for body in ["START", "unstop", "Start!", "*start*", "¡ALTA!", "Старт", "开始", "スタート", "Başlat"]
        {
            assert_eq!(read(body), Some(Keyword::Start), "{body:?}");
        }
        for body in ["HELP", "info", "Help?", "aide", "\"help\"", "Hjälp", "помощь", "帮助", "ヘルプ", "YARDIM"]
        {
            assert_eq!(read(body), Some(Keyword::Help), "{body:?}");
        }
    }

    #[test]
    fn a_signature_or_a_word_of_courtesy_does_not_undo_a_stop() {
        let table = [
            "please stop",
            "Stop, please",
            "Stop, thank you",
            "STOP PLS!!",
            "unsubscribe please",
            "stop bitte",
            "STOP\n\nSent from my iPhone",
            "Stop\r\nVon meinem iPhone gesendet",
        ];
        for body in table {
            assert_eq!(read(body), Some(Keyword::Stop), "{body:?}");
        }
    }

    #[test]
    fn what_is_more_than_a_keyword_is_none() {
        let table = [
            "",
            " ",
            "!",
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
            "stop. music",
            "can you stop?",
            "stop it",
            "non-stop",
            "bus stop",
            "cancel, please",
            "please cancel my order",
            "thank you",
            "the red one",
            "取消订单",
            "не стоп",
            "🛑",
            "***",
            "stop\nstart",
            "start stop",
        ];
        for body in table {
            assert_eq!(read(body), None, "{body:?}");
        }
        assert_eq!(read(&format!("stop{}", " ".repeat(300))), None);
    }

    #[test]
    fn a_provider_knows_better_and_the_text_of_an_email_is_no_keyword() {
        let of = |channel, body, hint| of_message(channel, body, hint);
        assert_eq!(of(Channel::Sms, "yes", Some(Keyword::Start)), Some(Keyword::Start));
        assert_eq!(of(Channel::Sms, "stop", Some(Keyword::Help)), Some(Keyword::Help));
        assert_eq!(of(Channel::Whatsapp, "stop", None), Some(Keyword::Stop));
        assert_eq!(of(Channel::Email, "stop", None), None);
        assert_eq!(of(Channel::Email, "", Some(Keyword::Stop)), Some(Keyword::Stop));
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
