//! When a provider account is used, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::value::InvalidValue;
use crate::domain::value::address::is_region;

/// The largest share.
const LARGEST_SHARE: u32 = 1_000_000;
/// How many countries, domains or prices an account has at most.
const MOST: usize = 300;
/// The longest name of a domain, in bytes (RFC 1035).
const LONGEST_DOMAIN: usize = 253;

/// When an account is used, and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutingTerms {
    /// Its part of the messages, relative to those of the same priority; 0: none, as long as another one has a share.
    #[serde(skip_serializing_if = "is_none")]
    pub share: u32,
    /// Only receivers in these countries, as two letters of ISO 3166; none: everywhere. Known of phone numbers only.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<String>,
    /// Only mailboxes of these domains and of those below them; none: all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub domains: BTreeSet<String>,
    /// What a message, or segment of SMS, costs by country, in micros; elsewhere the account's usual price.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(in crate::domain) const fn is_none(share: &u32) -> bool {
    *share == 0
}

impl RoutingTerms {
    /// Whether they say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the account takes every message, whoever gets it.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.countries.is_empty() && self.domains.is_empty()
    }

    /// Whether the receiver's address has to be known.
    #[must_use]
    pub fn asks_for_receiver(&self) -> bool {
        !self.is_everywhere() || !self.prices.is_empty()
    }

    /// The same as it is kept: countries in capitals, domains in small letters, each checked.
    pub fn clean(self) -> Result<Self, InvalidValue> {
        if self.share > LARGEST_SHARE {
            return Err(InvalidValue::new("share", format!("must be {LARGEST_SHARE} or less")));
        }
        let countries = self.countries.into_iter().map(|code| country("countries", &code)).collect::<Result<_, _>>()?;
        let domains = self.domains.into_iter().map(|name| domain(&name)).collect::<Result<_, _>>()?;
        let mut prices = BTreeMap::new();
        for (code, micros) in self.prices {
            let code = country("prices", &code)?;
            if micros < 0 || prices.insert(code.clone(), micros).is_some() {
                return Err(InvalidValue::new("prices", format!("{code}: must be given once, and be 0 or more")));
            }
        }
        let terms = Self { share: self.share, countries, domains, prices };
        let longest = terms.countries.len().max(terms.domains.len()).max(terms.prices.len());
        if longest > MOST {
            return Err(InvalidValue::new(
                "routing",
                format!("at most {MOST} countries, domains and prices are allowed"),
            ));
        }
        Ok(terms)
    }
}

fn country(field: &'static str, code: &str) -> Result<String, InvalidValue> {
    let code = code.trim().to_ascii_uppercase();
    if is_region(&code) {
        return Ok(code);
    }
    Err(InvalidValue::new(field, format!("{code:?} is not a country: give its two letters, such as GB")))
}

fn domain(name: &str) -> Result<String, InvalidValue> {
    let name = name.trim().trim_start_matches('@').to_lowercase();
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if name.len() <= LONGEST_DOMAIN && name.contains('.') && name.split('.').all(is_label) {
        return Ok(name);
    }
    Err(InvalidValue::new("domains", format!("{name:?} is not a domain, such as example.com")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_domains_are_kept_in_one_spelling_and_what_is_none_is_refused() {
        let terms = RoutingTerms {
            share: 3,
            countries: ["gb".to_owned()].into(),
            domains: ["@Example.ORG".to_owned()].into(),
            prices: [("us".to_owned(), 7_500)].into(),
        };
        let kept = terms.clean().expect("is valid");
        assert!(kept.countries.contains("GB") && kept.domains.contains("example.org"));
        assert_eq!(kept.prices["US"], 7_500);
        let none = RoutingTerms::default;
        let wrong = [
            RoutingTerms { countries: ["UK".to_owned()].into(), ..none() },
            RoutingTerms { domains: ["localhost".to_owned()].into(), ..none() },
            RoutingTerms { domains: ["a..b".to_owned()].into(), ..none() },
            RoutingTerms { prices: [("GB".to_owned(), -1)].into(), ..none() },
            RoutingTerms { prices: [("GB".to_owned(), 1), ("gb".to_owned(), 2)].into(), ..none() },
            RoutingTerms { share: LARGEST_SHARE + 1, ..none() },
        ];
        for terms in wrong {
            assert!(terms.clone().clean().is_err(), "{terms:?}");
        }
    }
}
