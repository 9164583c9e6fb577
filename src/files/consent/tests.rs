use super::*;

fn says(header: &str, cell: &str) -> Vec<(Channel, ConsentState)> {
    let Known::Consent(meaning) = of_header(header) else { panic!("{header} is not known") };
    meaning.rows(cell, None).expect(cell).into_iter().map(|row| (row.channel, row.state)).collect()
}

#[test]
fn opt_outs_of_the_usual_systems_are_opt_outs() {
    let out = [(Channel::Email, ConsentState::OptedOut)];
    for (header, cell) in [
        ("Accepts Email Marketing", "no"),
        ("Accepts Marketing", "FALSE"),
        ("Email Opt Out", "1"),
        ("HasOptedOutOfEmail", "true"),
        ("Unsubscribed from all email", "Yes"),
        ("EMAIL_BLACKLISTED", "1"),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED"),
        ("Email Marketing Consent", "UNSUBSCRIBED"),
        ("Do Not Email", "Yes"),
        ("Do not allow Emails", "Do Not Allow"),
        ("UNSUB_TIME", "2024-02-03 10:00:00"),
        ("CLEAN_TIME", "2024-02-03 10:00:00"),
        ("Email permission status", "Unsubscribed"),
        ("Email Suppressions", "[\"UNSUBSCRIBE\"]"),
    ] {
        assert_eq!(says(header, cell), out, "{header}: {cell}");
    }
    assert_eq!(says("Accepts SMS Marketing", "no"), [(Channel::Sms, ConsentState::OptedOut)]);
    assert_eq!(says("opt_out", "1").len(), 4);
}

#[test]
fn a_no_in_an_opt_out_column_is_not_an_opt_in() {
    for (header, cell) in
        [("Email Opt Out", "0"), ("HasOptedOutOfEmail", "false"), ("DOUBLE_OPT-IN", "No"), ("Email Suppressions", "[]")]
    {
        assert_eq!(says(header, cell), [], "{header}: {cell}");
    }
    assert_eq!(says("Accepts Email Marketing", "yes"), [(Channel::Email, ConsentState::OptedIn)]);
}

#[test]
fn unknown_words_are_refused() {
    for header in ["Email Opt Out", "consent_email", "subscription"] {
        let Known::Consent(meaning) = of_header(header) else { panic!("{header}") };
        assert!(meaning.read("perhaps").is_err(), "{header}");
    }
}

#[test]
fn headers_that_seem_to_be_about_consent_are_noticed() {
    for header in
        ["GDPR ok?", "Marketing contact status", "Newsletter 2023", "Subscription preferences", "Einwilligung"]
    {
        assert_eq!(of_header(header), Known::Unclear, "{header}");
    }
    for header in ["Status", "Email status"] {
        assert_eq!(of_header(header), Known::PerhapsStatus, "{header}");
    }
    for header in ["Spend", "OPTIN_IP", "UNSUB_REASON", "Description", "Notes", "Email Marketing Consent Timestamp"] {
        assert_eq!(of_header(header), Known::No, "{header}");
    }
}

#[test]
fn the_stricter_word_counts_whichever_column_stands_first() {
    let row = |state| ConsentRow { channel: Channel::Email, topic: ALL.to_owned(), state, said_at: None };
    let both = strictest(vec![row(ConsentState::OptedIn), row(ConsentState::OptedOut), row(ConsentState::OptedIn)]);
    assert_eq!(both, [row(ConsentState::OptedOut)]);
}
