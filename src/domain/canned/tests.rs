use super::decide::{SaveCannedReply, UseCannedReply, fill, remove, save};
use super::event::CannedReplyEvent;
use super::state::CannedReply;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision, Meta, Policy};
use crate::domain::refusal::Refusal;
use crate::domain::scenario::{given, noon, registered, with_context};
use crate::domain::value::Channel;
use crate::ids::EventId;

fn command(bodies: &[(&str, &str)]) -> SaveCannedReply {
    SaveCannedReply {
        code: "Hours".to_owned(),
        title: "Opening Hours".to_owned(),
        default_locale: Some("en".to_owned()),
        bodies: bodies.iter().map(|(locale, body)| ((*locale).to_owned(), (*body).to_owned())).collect(),
        revision: None,
    }
}

fn happen(
    state: &mut CannedReply,
    decide: impl FnOnce(&CannedReply, &Context<'_>) -> Decision<CannedReplyEvent>,
) -> Result<usize, Refusal> {
    let events = with_context(&Policy::default(), |context| decide(state, context))?;
    for decided in &events {
        state.apply(&decided.event, Meta { id: EventId(uuid::Uuid::nil()), version: 1, occurred_at: noon() });
    }
    Ok(events.len())
}

fn saved(bodies: &[(&str, &str)]) -> CannedReply {
    let mut state = CannedReply::default();
    let command = command(bodies);
    assert_eq!(happen(&mut state, |state, context| save(state, command, context)), Ok(1));
    state
}

fn refused(state: &CannedReply, command: SaveCannedReply) -> Refusal {
    with_context(&Policy::default(), |context| save(state, command, context)).expect_err("is refused")
}

fn ada(locale: Option<&str>) -> Customer {
    let mut registered = registered();
    if let CustomerEvent::Profile(ProfileEvent::CustomerRegistered(event)) = &mut registered {
        event.profile.locale = locale.map(str::to_owned);
    }
    given([registered]).state
}

fn filled(reply: &CannedReply, customer: &Customer, agent: Option<&str>) -> Result<(String, String), Refusal> {
    let wanted = UseCannedReply { code: "hours".to_owned(), agent: agent.map(str::to_owned) };
    fill(reply, &wanted, "", customer, Channel::Sms).map(|(body, used)| (body, used.locale))
}

#[test]
fn nobody_overwrites_what_somebody_else_has_just_changed() {
    let mut state = saved(&[("en", "From nine.")]);
    assert_eq!(state.current.as_ref().map(|texts| texts.code.as_str()), Some("hours"));
    assert_eq!(refused(&state, command(&[("en", "From ten.")])).code, "CANNED_REPLY_EXISTS");
    let edit = |revision, body| SaveCannedReply { revision: Some(revision), ..command(&[("en", body)]) };
    assert_eq!(happen(&mut state, |state, context| save(state, edit(1, "From ten."), context)), Ok(1));
    assert_eq!(happen(&mut state, |state, context| save(state, edit(2, "From ten."), context)), Ok(0));
    assert_eq!(refused(&state, edit(1, "From eleven.")).code, "CANNED_REPLY_CHANGED");
    assert_eq!(happen(&mut state, remove), Ok(1));
    assert_eq!(refused(&state, edit(3, "From ten.")).code, "CANNED_REPLY_UNKNOWN");
    // A code that is used again goes on counting, so that a pinned revision stays one text.
    assert_eq!(happen(&mut state, |state, context| save(state, command(&[("en", "Always.")]), context)), Ok(1));
    assert_eq!(state.revision, 4);
}

#[test]
fn a_text_is_picked_by_locale_then_language_then_default() {
    let state = saved(&[("en", "English"), ("de", "Deutsch"), ("de-AT", "Österreichisch")]);
    for (locale, expected) in
        [(Some("de-AT"), "de-AT"), (Some("de-CH"), "de"), (Some("fr-FR"), "en"), (None, "en"), (Some("en-GB"), "en")]
    {
        assert_eq!(filled(&state, &ada(locale), None).map(|(_, locale)| locale).as_deref(), Ok(expected), "{locale:?}");
    }
}

#[test]
fn variables_are_filled_once_and_missing_ones_are_named() {
    let state =
        saved(&[("en", "Dear {{ customer.name }} of {{customer.attributes.town|your town}}, yours, {{agent.name}}")]);
    let mut customer = ada(None);
    let body = |customer: &Customer, agent| filled(&state, customer, agent).map(|(body, _)| body);
    assert_eq!(body(&customer, Some("Bea")).as_deref(), Ok("Dear Ada Lovelace of your town, yours, Bea"));
    let missing = body(&customer, None).expect_err("nobody signs");
    assert_eq!(missing.code, "CANNED_REPLY_VALUE_MISSING");
    assert!(missing.message.contains("agent.name"), "{missing}");
    // What a customer is called is no text of ours.
    customer.personal.name = Some("{{agent.name}} <b>x</b>".to_owned());
    customer.personal.attributes.insert("town".to_owned(), serde_json::json!(7));
    let filled = body(&customer, Some("Bea"));
    assert_eq!(filled.as_deref(), Ok("Dear {{agent.name}} <b>x</b> of 7, yours, Bea"));
}

#[test]
fn what_an_agent_wrote_counts_and_the_canned_reply_is_pinned_all_the_same() {
    let state = saved(&[("en", "From nine.")]);
    let wanted = UseCannedReply { code: "hours".to_owned(), agent: None };
    let (body, used) = fill(&state, &wanted, "From nine, dear.", &ada(None), Channel::Sms).expect("is filled");
    assert_eq!((body.as_str(), used.edited, used.revision), ("From nine, dear.", true, 1));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let empty = CannedReply::default();
    let unknown = refused(&empty, command(&[("en", "Dear {{customer.nmae}}")]));
    assert_eq!(unknown.code, "CANNED_REPLY_VARIABLE_UNKNOWN");
    assert!(unknown.message.contains("{{customer.nmae}}"), "{unknown}");
    assert_eq!(refused(&empty, command(&[("en", "Dear {{customer.name")])).code, "CANNED_REPLY_VARIABLE_UNKNOWN");
    let field = |command| refused(&empty, command).field;
    assert_eq!(field(command(&[])).as_deref(), Some("bodies"));
    assert_eq!(field(command(&[("en", " ")])).as_deref(), Some("bodies"));
    assert_eq!(field(command(&[("english", "x")])).as_deref(), Some("locale"));
    assert_eq!(field(command(&[("de", "x")])).as_deref(), Some("default_locale"));
    assert_eq!(field(SaveCannedReply { code: "a b".to_owned(), ..command(&[("en", "x")]) }).as_deref(), Some("code"));
}
