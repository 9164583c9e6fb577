//! German, with the formal address.

use super::Texts;
use crate::domain::value::Channel;

pub const TEXTS: Texts = Texts {
    messages,
    unsubscribe_title: "Abmelden",
    unsubscribe_from_all,
    unsubscribe_from_topic: "Möchten Sie keine {messages} zum Thema „{topic}“ von {name} mehr erhalten?",
    unsubscribe: "Abmelden",
    unsubscribed_title: "Sie sind abgemeldet",
    unsubscribed: "Sie erhalten diese Nachrichten nicht mehr.",
    confirm_title: "Bitte bestätigen",
    confirm_all: "Möchten Sie {messages} von {name} erhalten?",
    confirm_topic: "Möchten Sie {messages} zum Thema „{topic}“ von {name} erhalten?",
    confirm: "Bestätigen",
    confirmed_title: "Vielen Dank",
    confirmed: "Ihre Anmeldung ist bestätigt.",
    preferences_title: "Ihre Einstellungen",
    preferences_question: "Welche Nachrichten möchten Sie von {name} erhalten?",
    all_messages: "Alle {messages}",
    tracking_of_emails: "{name} darf aufzeichnen, wann ich E-Mails öffne und Links darin anklicke",
    tracking_of_links: "{name} darf aufzeichnen, wann ich Links anklicke ({messages})",
    nothing_to_choose: "Im Moment gibt es keine Nachrichten, die Sie wählen können.",
    profile: "Über Sie",
    language: "Sprache unserer Nachrichten",
    time_zone: "Zeitzone",
    time_zone_hint: "Damit wir Ihnen zu passenden Zeiten schreiben.",
    hours: "Wann Sie gern von uns hören",
    hours_from: "Von",
    hours_until: "Bis",
    hours_hint: "Neues und Angebote warten auf diese Zeiten. Was Sie bestellen oder fragen, kommt sofort.",
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    not_chosen: "Keine Angabe",
    regions: [
        "Afrika",
        "Amerika",
        "Antarktis",
        "Arktis",
        "Asien",
        "Atlantik",
        "Australien",
        "Europa",
        "Indischer Ozean",
        "Pazifik",
    ],
    save: "Speichern",
    saved: "Ihre Auswahl ist gespeichert.",
    unsubscribe_from_everything: "Von allem abmelden",
    bad_link_title: "Dieser Link funktioniert nicht",
    bad_link: "Der Link ist unvollständig oder ungültig. Bitte verwenden Sie den Link aus unserer letzten Nachricht, oder \
               antworten Sie darauf.",
    expired_title: "Dieser Link ist abgelaufen",
    expired: "Bitte fordern Sie einen neuen an, oder verwenden Sie den Link aus unserer letzten Nachricht. Es wurde nichts \
              geändert.",
    gone_title: "Dieser Link funktioniert nicht mehr",
    gone: "Wohin dieser Link führte, wurde gelöscht.",
    failed_title: "Bitte versuchen Sie es noch einmal",
    failed_to_record: "Bei uns ist etwas schiefgegangen, und es wurde nichts geändert. Bitte versuchen Sie es noch einmal. \
                       (Kennung: {id})",
    failed: "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal. (Kennung: {id})",
    privacy: "Datenschutz",
};

const fn messages(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "E-Mails",
        Channel::Sms => "SMS",
        Channel::Whatsapp => "WhatsApp-Nachrichten",
        Channel::Voice => "Anrufe",
        Channel::Push => "Push-Nachrichten",
        Channel::InApp => "Nachrichten in der App",
    }
}

const fn unsubscribe_from_all(_channel: Channel) -> &'static str {
    "Möchten Sie keine {messages} von {name} mehr erhalten?"
}
