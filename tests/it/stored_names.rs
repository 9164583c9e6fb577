//! Names that are stored, hashed or sealed: `docs/stored-names.md` lists them, and none of them may change.

use std::fmt::Write as _;

use commlog::backup::FORMAT as BACKUPS;
use commlog::domain::account::event::AccountEvent;
use commlog::domain::address::event::AddressEvent;
use commlog::domain::callback::event::CallbackEvent;
use commlog::domain::campaign::event::{CampaignEvent, CampaignRunEvent};
use commlog::domain::canned::event::CannedReplyEvent;
use commlog::domain::check::event::CheckEvent;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::import::event::ImportEvent;
use commlog::domain::list::event::{ListEvent, MembersEvent};
use commlog::domain::template::event::TemplateEvent;
use commlog::domain::tenant::event::TenantEvent;
use commlog::ids::Label;
use commlog::log::Category;
use commlog::log::format::FORMAT;
use commlog::log::seal::{Place, Purpose};

const LISTED: &str = include_str!("../../docs/stored-names.md");

/// The types of the streams of a category; nothing has streams of some yet.
fn types(category: Category) -> Vec<(&'static str, u16)> {
    match category {
        Category::Customer => CustomerEvent::TYPES.to_vec(),
        Category::Address => AddressEvent::TYPES.to_vec(),
        Category::Import => ImportEvent::TYPES.to_vec(),
        Category::Tenant => TenantEvent::TYPES.to_vec(),
        Category::Account => AccountEvent::TYPES.to_vec(),
        Category::Callback => CallbackEvent::TYPES.to_vec(),
        Category::CannedReply => CannedReplyEvent::TYPES.to_vec(),
        Category::Check => CheckEvent::TYPES.to_vec(),
        Category::List => ListEvent::TYPES.to_vec(),
        Category::ListMembers => MembersEvent::TYPES.to_vec(),
        Category::Template => TemplateEvent::TYPES.to_vec(),
        Category::Campaign => CampaignEvent::TYPES.to_vec(),
        Category::CampaignRun => CampaignRunEvent::TYPES.to_vec(),
        Category::Journey => vec![],
    }
}

fn names() -> String {
    let mut text = format!(
        "# Names that never change\n\n\
         The log hashes them, ids derive from them, or sealed data is bound to them. A changed name makes stores of \
         released versions unreadable, or counts a fact twice; a new one is added at its place. \
         `tests/it/stored_names.rs` compares this list with the code.\n\nFormat of log, key store and blob store: {FORMAT}. Of backups: {BACKUPS}.\n"
    );
    text.push_str("\n## Stream categories and event types\n\nThe number is the newest schema version.\n");
    for category in Category::ALL {
        let types: Vec<_> = types(category).iter().map(|(name, version)| format!("`{name}` {version}")).collect();
        let types = if types.is_empty() { "none yet".to_owned() } else { types.join(", ") };
        let _ = write!(text, "\n- `{}`: {types}", category.name());
    }
    text.push_str("\n\n## Labels of derived ids and proofs\n\n| label | what is derived |\n|---|---|\n");
    for label in Label::ALL {
        let _ = writeln!(text, "| `{}` | {} |", label.text(), label.about().trim());
    }
    text.push_str("\n## Purposes of keys that derive from the master key\n\n");
    for purpose in Purpose::ALL {
        let _ = writeln!(text, "- `{}`", purpose.text());
    }
    text.push_str("\n## First byte of the associated data of what is sealed\n\n");
    for place in Place::ALL {
        let _ = writeln!(text, "- `{}`: {place:?}", char::from(place.byte()));
    }
    text
}

#[test]
fn the_listed_names_are_those_of_the_code() {
    let names = names();
    let first = LISTED.lines().zip(names.lines()).find(|(listed, found)| listed != found);
    assert!(LISTED == names, "docs/stored-names.md differs, first at {first:?}; the code's list is:\n{names}");
}

#[test]
fn no_two_labels_are_the_same() {
    let mut texts: Vec<_> = Label::ALL.iter().map(|label| label.text()).collect();
    texts.sort_unstable();
    assert!(texts.windows(2).all(|two| two[0] != two[1]));
}
