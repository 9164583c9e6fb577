//! English.

use super::Texts;
use crate::domain::value::Channel;

pub const TEXTS: Texts = Texts {
    messages,
    unsubscribe_title: "Unsubscribe",
    unsubscribe_from_all,
    unsubscribe_from_topic: "Unsubscribe from {messages} about “{topic}” from {name}?",
    unsubscribe: "Unsubscribe",
    unsubscribed_title: "You are unsubscribed",
    unsubscribed: "You won't receive these messages any more.",
    confirm_title: "Please confirm",
    confirm_all: "Would you like to receive {messages} from {name}?",
    confirm_topic: "Would you like to receive {messages} about “{topic}” from {name}?",
    confirm: "Confirm",
    confirmed_title: "Thank you",
    confirmed: "Your subscription is confirmed.",
    preferences_title: "Your preferences",
    preferences_question: "Which messages would you like to receive from {name}?",
    all_messages: "All {messages}",
    tracking_of_emails: "{name} may record when I open emails and follow links in them",
    tracking_of_links: "{name} may record when I follow links in {messages}",
    nothing_to_choose: "There are no messages to choose from at the moment.",
    profile: "About you",
    language: "Language of our messages",
    time_zone: "Time zone",
    time_zone_hint: "So that we write to you at good hours.",
    hours: "When you like to hear from us",
    hours_from: "From",
    hours_until: "Until",
    hours_hint: "News and offers wait for these hours. What you order or ask for comes at once.",
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    not_chosen: "Not chosen",
    regions: [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian Ocean",
        "Pacific",
    ],
    save: "Save",
    saved: "Your choices are saved.",
    unsubscribe_from_everything: "Unsubscribe from everything",
    bad_link_title: "This link does not work",
    bad_link: "This link is incomplete or invalid. Please use the link in our most recent message to you, or reply to that \
               message.",
    expired_title: "This link has expired",
    expired: "Please ask for a new one, or use the link in our most recent message to you. Nothing was changed.",
    gone_title: "This link does not work any more",
    gone: "What this link led to was deleted.",
    failed_title: "Please try again",
    failed_to_record: "Something went wrong on our side and nothing was changed. Please try again. (Reference: {id})",
    failed: "Something went wrong on our side. Please try again. (Reference: {id})",
    privacy: "Privacy",
};

const fn messages(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "emails",
        Channel::Sms => "text messages",
        Channel::Whatsapp => "WhatsApp messages",
        Channel::Voice => "phone calls",
        Channel::Push => "push notifications",
        Channel::InApp => "in-app messages",
    }
}

const fn unsubscribe_from_all(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Unsubscribe from all {messages} from {name}?",
        Channel::Push | Channel::InApp => "Turn off all {messages} from {name}?",
        Channel::Sms | Channel::Whatsapp | Channel::Voice => "Stop all {messages} from {name}?",
    }
}
