//! Whose a row is: that of the customer whom its id names, or who has its addresses. What could be about two people is
//! refused, with both of them named.

use std::collections::BTreeSet;

use crate::domain::customer::state::Customer;
use crate::domain::refusal::Refusal;
use crate::ids::{CustomerId, ImportId};

/// What a row says about who it is about, beside its addresses.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The id in the file's system.
    pub external_id: Option<&'a str>,
    /// The name.
    pub name: Option<&'a str>,
    /// The import that the row belongs to.
    pub import_id: ImportId,
}

/// A customer whom a row may be about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The customer, not merged into anybody.
    pub id: CustomerId,
    /// The fold of the customer's stream.
    pub state: &'a Customer,
    /// Whether the customer has the row's first address.
    pub has_first: bool,
}

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A known customer's.
    Known(CustomerId),
    /// A known customer's, who has the row's addresses; the row's id is the customer's from now on.
    Assigned(CustomerId),
    /// Of somebody who is not known yet.
    New,
}

/// Decides whose a row is. `own` is the customer whom the row's id stands for, if it stands for one; `claimants` are the
/// customers who have its addresses, each once.
pub fn owner(row: Named<'_>, own: Option<Candidate<'_>>, claimants: &[Candidate<'_>]) -> Result<Owner, Refusal> {
    let possible = |claimant: &Candidate<'_>| !is_somebody_else(row, claimant.state);
    match (row.external_id, own) {
        (Some(_), Some(own)) => {
            let mut all = vec![own];
            all.extend(claimants.iter().copied().filter(|claimant| claimant.id != own.id && possible(claimant)));
            // Who has the row's first address already shares it with the others.
            let shares = claimants.iter().any(|claimant| claimant.id == own.id && claimant.has_first);
            if shares || all.len() == 1 { Ok(Owner::Known(own.id)) } else { Err(ambiguous(&all)) }
        }
        (Some(_), None) => {
            let all: Vec<_> = claimants.iter().copied().filter(possible).collect();
            Ok(one(row, &all)?.map_or(Owner::New, Owner::Assigned))
        }
        (None, _) => {
            let is_it = |claimant: &Candidate<'_>| claimant.has_first || possible(claimant);
            let all: Vec<_> = claimants.iter().copied().filter(is_it).collect();
            Ok(one(row, &all)?.map_or(Owner::New, Owner::Known))
        }
    }
}

/// The only candidate, or the only one of the row's name.
fn one(row: Named<'_>, all: &[Candidate<'_>]) -> Result<Option<CustomerId>, Refusal> {
    if let [] | [_] = all {
        return Ok(all.first().map(|candidate| candidate.id));
    }
    let has_name = |candidate: &&Candidate<'_>| likeness(row.name, name_of(candidate.state)) == Some(Likeness::Same);
    let mut same = all.iter().filter(has_name);
    match (same.next(), same.next()) {
        (Some(only), None) => Ok(Some(only.id)),
        _ => Err(ambiguous(all)),
    }
}

/// Whether a row is about somebody else who shares an address with the customer: the names have nothing in common, or
/// the ids differ and the names too. Two ids in one file are two people.
fn is_somebody_else(row: Named<'_>, customer: &Customer) -> bool {
    let likeness = likeness(row.name, name_of(customer));
    match (row.external_id, customer.personal.external_id.as_deref()) {
        (Some(id), Some(theirs)) if id != theirs => match likeness {
            Some(likeness) => likeness != Likeness::Same,
            None => customer.registered_by == Some(row.import_id),
        },
        _ => likeness == Some(Likeness::None),
    }
}

fn name_of(customer: &Customer) -> Option<&str> {
    customer.personal.name.as_deref()
}

fn ambiguous(all: &[Candidate<'_>]) -> Refusal {
    let label = |candidate: &Candidate<'_>| {
        let personal = &candidate.state.personal;
        match (&personal.name, &personal.external_id) {
            (Some(name), Some(id)) => format!("{name:?} (id {id})"),
            (Some(name), None) => format!("{name:?} ({})", candidate.id),
            (None, Some(id)) => format!("the customer with the id {id}"),
            (None, None) => format!("the customer {}", candidate.id),
        }
    };
    let names: Vec<_> = all.iter().map(label).collect();
    let message = format!(
        "it could be about {}: its id and its addresses belong to different customers; merge them if they are one \
         person, or correct the line",
        names.join(" or about ")
    );
    Refusal::new("AMBIGUOUS_CUSTOMER", message)
}

/// What two names have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// One says nothing that the other does not: "Nora Varga", "Varga, Nora", "N. Varga", "Nora".
    Same,
    /// Some words.
    Some,
    /// Nothing.
    None,
}

/// Compares two names; [`None`] if one is not known.
fn likeness(one: Option<&str>, other: Option<&str>) -> Option<Likeness> {
    let words = |name: &str| -> BTreeSet<String> {
        let parts = name.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(str::to_lowercase).collect()
    };
    let (one, other) = (words(one?), words(other?));
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let (few, many) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let is_initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    let meets = |word: &String| {
        many.contains(word) || many.iter().any(|theirs| is_initial(word, theirs) || is_initial(theirs, word))
    };
    let common = few.iter().filter(|word| meets(word)).count();
    Some(if common == few.len() {
        Likeness::Same
    } else if common > 0 {
        Likeness::Some
    } else {
        Likeness::None
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::customer::state::Existence;

    const FILE: ImportId = ImportId(Uuid::from_u128(1));

    fn customer(name: Option<&str>, external_id: Option<&str>) -> Customer {
        let mut customer = Customer { existence: Existence::Registered, ..Customer::default() };
        customer.personal.name = name.map(str::to_owned);
        customer.personal.external_id = external_id.map(str::to_owned);
        customer
    }

    fn candidate(number: u128, state: &Customer) -> Candidate<'_> {
        Candidate { id: CustomerId(Uuid::from_u128(number)), state, has_first: true }
    }

    fn named<'a>(external_id: Option<&'a str>, name: Option<&'a str>) -> Named<'a> {
        Named { external_id, name, import_id: FILE }
    }

    #[test]
    fn names_are_compared_by_their_words() {
        let like = |one, other| likeness(Some(one), Some(other));
        for same in ["Varga, Nora", "NORA VARGA", "N. Varga", "Nora", "Nora M. Varga"] {
            assert_eq!(like("Nora Varga", same), Some(Likeness::Same), "{same}");
        }
        assert_eq!(like("Nora Varga", "Ilya Varga"), Some(Likeness::Some));
        assert_eq!(like("Nora Varga", "Ilya Petrov"), Some(Likeness::None));
        assert_eq!(likeness(None, Some("Nora")), None);
        assert_eq!(like("Nora", "--"), None);
    }

    #[test]
    fn a_row_is_that_of_the_customer_who_has_its_address() {
        let nora = customer(Some("Nora Varga"), None);
        let claimants = [candidate(7, &nora)];
        assert_eq!(owner(named(None, Some("Nora")), None, &claimants), Ok(Owner::Known(claimants[0].id)));
        assert_eq!(owner(named(Some("77"), None), None, &claimants), Ok(Owner::Assigned(claimants[0].id)));
        assert_eq!(
            owner(named(Some("77"), Some("Varga, Nora")), None, &claimants),
            Ok(Owner::Assigned(claimants[0].id))
        );
        assert_eq!(owner(named(Some("77"), Some("Ilya Petrov")), None, &claimants), Ok(Owner::New), "they share it");
        assert_eq!(owner(named(Some("77"), None), None, &[]), Ok(Owner::New));
    }

    #[test]
    fn other_ids_of_one_name_are_one_person_and_of_two_names_two() {
        let nora = customer(Some("Nora Varga"), Some("501"));
        let claimants = [candidate(7, &nora)];
        let known = claimants[0].id;
        assert_eq!(owner(named(Some("6001"), Some("Nora Varga")), None, &claimants), Ok(Owner::Assigned(known)));
        assert_eq!(owner(named(Some("6001"), Some("Tom Varga")), None, &claimants), Ok(Owner::New));
        assert_eq!(owner(named(Some("6001"), None), None, &claimants), Ok(Owner::Assigned(known)));
        let same_file = Customer { registered_by: Some(FILE), ..nora.clone() };
        assert_eq!(owner(named(Some("6001"), None), None, &[candidate(7, &same_file)]), Ok(Owner::New));
    }

    #[test]
    fn what_could_be_about_two_is_refused_with_both_names() {
        let (nora, ilya) = (customer(Some("Nora Varga"), None), customer(Some("Ilya Petrov"), Some("8")));
        let both = [candidate(7, &nora), candidate(8, &ilya)];
        let refusal = owner(named(None, None), None, &both).unwrap_err();
        assert!(refusal.message.contains("\"Nora Varga\"") && refusal.message.contains("\"Ilya Petrov\" (id 8)"));
        assert_eq!(owner(named(None, Some("Petrov, Ilya")), None, &both), Ok(Owner::Known(both[1].id)));
        // The id is Ilya's, the address Nora's.
        let refusal = owner(named(Some("8"), None), Some(both[1]), &both[..1]).unwrap_err();
        assert_eq!(refusal.code, "AMBIGUOUS_CUSTOMER");
        assert_eq!(owner(named(Some("8"), Some("Ilya")), Some(both[1]), &both[..1]), Ok(Owner::Known(both[1].id)));
        assert_eq!(owner(named(Some("8"), None), Some(both[1]), &both), Ok(Owner::Known(both[1].id)), "he shares it");
    }
}
