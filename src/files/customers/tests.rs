use super::*;
use crate::domain::consent::event::ConsentState;
use crate::domain::import::event::ImportKind;
use crate::domain::value::Channel;
use crate::files::columns::Seen;
use crate::files::numbers::{DecimalMark, Numbers};
use crate::files::presets;
use crate::files::records::{Dialect, Encoding, Records};
use crate::files::times::TimeReader;

fn settings(number_rows: Option<&str>) -> Settings {
    Settings {
        times: TimeReader::try_new(chrono_tz::UTC, None).unwrap(),
        numbers: Numbers::all(DecimalMark::Point),
        currency: None,
        channel: None,
        anonymous: false,
        number_rows: number_rows.map(str::to_owned),
        region: Some("GB".to_owned()),
        consents: vec![],
    }
}

fn read_with(text: &str, settings: Settings) -> Result<Vec<Parsed<CustomerRow>>, String> {
    let mut records = Records::new(text.as_bytes(), Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
    let header = records.read().unwrap().unwrap();
    let preset = presets::detect(ImportKind::Customers, &header.fields);
    let mut columns =
        Columns::map(ImportKind::Customers, &header.fields, preset, &[]).map_err(|error| error.to_string())?;
    let records: Vec<Record> = std::iter::from_fn(|| records.read().unwrap()).collect();
    let (mut seen, mut identities) = (Seen::default(), Identities::default());
    for record in &records {
        seen.note(&columns, &record.fields);
        identities.note(&columns, record);
    }
    columns.settle(&seen).map_err(|error| error.to_string())?;
    let mut reader = CustomerReader::try_new(columns, settings, identities).map_err(|error| error.to_string())?;
    Ok(records.into_iter().filter_map(|record| reader.push(record).unwrap()).collect())
}

fn read(text: &str, number_rows: Option<&str>) -> Result<Vec<Parsed<CustomerRow>>, String> {
    read_with(text, settings(number_rows))
}

fn rows(parsed: &[Parsed<CustomerRow>]) -> Vec<&CustomerRow> {
    parsed.iter().filter_map(|p| if let Parsed::Row { row, .. } = p { Some(row) } else { None }).collect()
}

fn reason(parsed: &Parsed<CustomerRow>) -> &str {
    match parsed {
        Parsed::Row { row, .. } => panic!("not refused: {row:?}"),
        Parsed::Refused(lines) => &lines[0].reason,
    }
}

#[test]
fn a_line_becomes_profile_addresses_and_consent() {
    let text = "id_ignored,Customer ID,First name,Last name,E-mail,Mobile,Tags,Lead score,consent_sms\n\
                x,7.0,Ada,Lovelace,ada@example.org,+44 20 7946 0958,\"vip; wine,\",12,no\n";
    let parsed = read(text, None).unwrap();
    let row = rows(&parsed)[0];
    assert_eq!(row.profile.external_id.as_deref(), Some("7"));
    assert_eq!(row.profile.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(row.profile.tags, ["vip", "wine"]);
    assert_eq!(row.profile.lead_score, Some(12));
    assert_eq!(row.profile.attributes["id_ignored"], "x");
    assert_eq!(row.addresses.len(), 2);
    assert_eq!(row.consents[0].state, ConsentState::OptedOut);
}

#[test]
fn lines_that_repeat_a_customer_are_handed_on_once() {
    let parsed = read("customer,country\n1,UK\n1,UK\n1,France\n,UK\n", None).unwrap();
    assert_eq!(rows(&parsed).len(), 2);
    assert_eq!(reason(&parsed[2]), "the line has neither a customer id nor an address");
}

#[test]
fn bad_values_are_refused_with_their_field() {
    let parsed = read("customer,lead_score,consent_email\n1,high,\n2,,maybe\n", None).unwrap();
    assert!(reason(&parsed[0]).starts_with("lead_score is not a decimal"));
    assert!(reason(&parsed[1]).starts_with("consent_email must be"));
}

#[test]
fn a_file_without_any_id_can_be_numbered() {
    assert!(read("recency,history\n10,142.44\n", None).unwrap_err().contains("--number-rows"));
    let parsed = read("recency,history\n10,142.44\n10,142.44\n", Some("h")).unwrap();
    let ids: Vec<_> = rows(&parsed).iter().map(|row| row.profile.external_id.clone().unwrap()).collect();
    assert_eq!(ids, ["h-2", "h-3"]);
}

fn names(text: &str) -> Vec<String> {
    rows(&read(text, None).unwrap()).iter().map(|row| row.profile.name.clone().unwrap_or_default()).collect()
}

/// The channels that a row opts out of.
fn outs(row: &CustomerRow) -> Vec<Channel> {
    row.consents.iter().filter(|row| row.state == ConsentState::OptedOut).map(|row| row.channel).collect()
}

#[test]
fn a_company_is_the_name_only_of_who_has_no_other() {
    let text = "First Name,Last Name,Email,Company\nNora,Varga,nora@x.example,Brickworks\n,,info@y.example,Quay Ltd\n";
    assert_eq!(names(text), ["Nora Varga", "Quay Ltd"]);
    assert_eq!(rows(&read(text, None).unwrap())[0].profile.attributes["company"], "Brickworks");
    assert_eq!(names("E-mail Address,Company,Name\na@x.example,Quay,Ada\n"), ["Ada"]);
}

#[test]
fn the_people_of_an_account_stay_several() {
    let salesforce = "Id,AccountId,LastName,FirstName,Email,HasOptedOutOfEmail\n\
                      003A,001X,Varga,Nora,nora@x.example,false\n\
                      003B,001X,Petrov,Ilya,ilya@x.example,true\n";
    let parsed = read(salesforce, None).unwrap();
    let rows = rows(&parsed);
    assert_eq!(rows.iter().filter_map(|row| row.profile.external_id.as_deref()).collect::<Vec<_>>(), ["003A", "003B"]);
    assert_eq!(rows.iter().map(|row| outs(row)).collect::<Vec<_>>(), [vec![], vec![Channel::Email]]);
}

#[test]
fn lines_that_would_join_two_people_are_refused_with_both_their_numbers() {
    let text = "Customer,Contact name,Email\nBrickworks,Nora,nora@x.example\nQuay,Maja,maja@x.example\n\
                Brickworks,Ilya,ilya@x.example\nQuay,Maja Lind,maja@x.example\n";
    let parsed = read(text, None).unwrap();
    assert!(reason(&parsed[0]).starts_with("Customer is the same in lines 2 and 4"), "{}", reason(&parsed[0]));
    assert!(reason(&parsed[2]).contains("--map \"Customer\"=-"));
    assert_eq!(rows(&parsed).len(), 2, "one mailbox, two spellings of a name: one person");
}

#[test]
fn destroyed_ids_are_refused_and_words_for_nothing_are_blank() {
    let parsed = read("customer,Email,Name\n5.15123E+10,a@x.example,A\nNULL,b@x.example,B\n#N/A,c@x.example,C\n", None);
    let parsed = parsed.unwrap();
    assert!(reason(&parsed[0]).starts_with("customer was rounded by a spreadsheet"), "{}", reason(&parsed[0]));
    assert!(rows(&parsed).iter().all(|row| row.profile.external_id.is_none()));
    assert_eq!(rows(&parsed).len(), 2);
}

#[test]
fn a_bad_phone_is_left_out_of_a_row_whose_mailbox_is_good() {
    let parsed = read("Email,Phone,Country\na@x.example,call me,\n,12,\nb@x.example,030 901820,Germany\nc@x.example,n/a,\nd@x.example,0,\n", None).unwrap();
    let Parsed::Row { row, left_out, .. } = &parsed[0] else { panic!("{parsed:?}") };
    assert_eq!((row.addresses.len(), left_out.len(), left_out[0].line), (1, 1, 2));
    assert!(reason(&parsed[1]).starts_with("phone "), "{}", reason(&parsed[1]));
    assert_eq!(rows(&parsed)[1].addresses[1].address, "+4930901820", "the row's own country");
    assert!(parsed[3..].iter().all(|parsed| matches!(parsed, Parsed::Row { left_out, .. } if left_out.is_empty())));
}

#[test]
fn opt_outs_of_other_systems_are_understood() {
    for (header, cell) in [
        ("Accepts Email Marketing", "no"),
        ("Email Opt Out", "1"),
        ("Unsubscribed from all email", "true"),
        ("EMAIL_BLACKLISTED", "1"),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED"),
        ("Email permission status", "Unsubscribed"),
        ("UNSUB_TIME", "2024-02-03 10:00:00"),
        ("Status", "unsubscribed"),
    ] {
        let parsed = read(&format!("Email,Spend,{header}\na@x.example,1,{cell}\nb@x.example,2,\n"), None).unwrap();
        assert_eq!(outs(rows(&parsed)[0]), [Channel::Email], "{header}");
        assert_eq!(outs(rows(&parsed)[1]), [], "{header}");
    }
    let unclear = read("Email,GDPR\na@x.example,no\n", None).unwrap_err();
    assert!(unclear.contains("--map \"GDPR\"=opt_out_email"), "{unclear}");
    let unknown = read("Email,Email Opt Out\na@x.example,perhaps\n", None).unwrap();
    assert_eq!(reason(&unknown[0]), "Email Opt Out must be yes (opted out) or no");
}

#[test]
fn a_whole_file_can_be_of_people_who_opted_out() {
    let out = crate::domain::import::decide::ConsentRow {
        channel: Channel::Email,
        topic: "all".to_owned(),
        state: ConsentState::OptedOut,
        said_at: None,
    };
    let settings = Settings { consents: vec![out], ..settings(None) };
    let parsed = read_with("Email,Accepts Marketing\na@x.example,yes\nb@x.example,\n", settings).unwrap();
    assert!(rows(&parsed).iter().all(|row| outs(row) == [Channel::Email] && row.consents.len() == 1));
}

#[test]
fn an_unsubscribed_file_of_mailchimp_opts_out_at_its_times() {
    let text = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,TAGS,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON\n\
                nora@x.example,Nora,Varga,2,,2023-03-14 09:14:00,101,a1,\"\"\"VIP\"\",\"\"Trade, wholesale\"\"\",2024-02-03 10:00:00,Spring,NORMAL\n";
    let parsed = read(text, None).unwrap();
    let row = rows(&parsed)[0];
    assert_eq!(row.profile.tags, ["VIP", "Trade, wholesale"]);
    assert_eq!(outs(row), [Channel::Email]);
    assert_eq!(row.consents[0].said_at.unwrap().to_rfc3339(), "2024-02-03T10:00:00+00:00");
}

#[test]
fn a_column_of_json_becomes_attributes() {
    let text = "uuid,email,name,attributes,status\nu1,a@x.example,A,\"{\"\"age\"\": 29, \"\"city\"\": \"\"Bangalore\"\"}\",enabled\nu2,b@x.example,B,{},blocklisted\n";
    let parsed = read(text, None).unwrap();
    let all = rows(&parsed);
    assert_eq!(all[0].profile.attributes["age"], 29);
    assert_eq!(all[0].profile.attributes["city"], "Bangalore");
    assert_eq!((outs(all[0]), outs(all[1])), (vec![], vec![Channel::Email]));
}

#[test]
fn several_addresses_of_a_kind_are_all_kept() {
    let google = "First Name,Last Name,Organization Name,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Value,Labels\n\
                  Nora,Varga,Brickworks,nora@x.example ::: n@y.example,nora@z.example,020 7946 0101,* myContacts ::: Friends\n";
    let parsed = read(google, None).unwrap();
    let row = rows(&parsed)[0];
    assert_eq!(row.addresses.len(), 4);
    assert_eq!(row.addresses[3].address, "+442079460101");
    assert_eq!(row.profile.tags, ["* myContacts", "Friends"]);
}
