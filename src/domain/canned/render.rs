//! Variables in canned replies: `{{customer.name}}`, or `{{customer.name|there}}` with a default for customers without
//! one.
//!
//! Everything is plain text. A value is put in as it is and not looked at again, so no customer's name can bring a
//! variable or markup of its own.

use crate::domain::customer::state::Customer;
use crate::domain::refusal::Refusal;

/// The variables beside the customer's attributes.
pub const VARIABLES: [&str; 5] =
    ["customer.name", "customer.external_id", "customer.territory", "customer.owner", "agent.name"];
/// Followed by the name of a free attribute.
const ATTRIBUTE: &str = "customer.attributes.";

/// Where values come from.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// Who is answered.
    pub customer: &'a Customer,
    /// Who answers.
    pub agent: Option<&'a str>,
}

enum Part<'t> {
    Text(&'t str),
    Variable { name: &'t str, fallback: Option<&'t str> },
}

/// Makes sure that a text names no variables but those that there are.
pub fn check(text: &str) -> Result<(), Refusal> {
    parts(text).map(drop)
}

/// Puts values into a text.
pub fn render(text: &str, values: Values<'_>) -> Result<String, Refusal> {
    let mut rendered = String::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Text(text) => rendered.push_str(text),
            Part::Variable { name, fallback } => match (values.get(name), fallback) {
                (Some(value), _) => rendered.push_str(&value),
                (None, Some(fallback)) => rendered.push_str(fallback),
                (None, None) => {
                    let message = format!(
                        "the canned reply needs {name}, which is not known: give a body, or write {{{{{name}|…}}}} in the reply"
                    );
                    return Err(refused("CANNED_REPLY_VALUE_MISSING", message));
                }
            },
        }
    }
    Ok(rendered)
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, Refusal> {
    let (mut parts, mut rest) = (vec![], text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else {
            return Err(refused("CANNED_REPLY_VARIABLE_UNKNOWN", "a {{ has no }} that ends it".to_owned()));
        };
        let (name, fallback) = match inside.split_once('|') {
            Some((name, fallback)) => (name.trim(), Some(fallback.trim())),
            None => (inside.trim(), None),
        };
        let attribute = name.strip_prefix(ATTRIBUTE).is_some_and(|attribute| !attribute.is_empty());
        if !attribute && !VARIABLES.contains(&name) {
            let shown: String = name.chars().take(60).collect();
            let known = VARIABLES.join(", ");
            let message = format!("{{{{{shown}}}}} is not a variable; the variables are {known} and {ATTRIBUTE}<name>");
            return Err(refused("CANNED_REPLY_VARIABLE_UNKNOWN", message));
        }
        parts.push(Part::Text(before));
        parts.push(Part::Variable { name, fallback });
        rest = behind;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn refused(code: &'static str, message: String) -> Refusal {
    Refusal { field: Some("bodies".to_owned()), ..Refusal::new(code, message) }
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let (profile, personal) = (&self.customer.profile, &self.customer.personal);
        let value = match name {
            "customer.name" => personal.name.clone(),
            "customer.external_id" => personal.external_id.clone(),
            "customer.territory" => profile.territory.clone(),
            "customer.owner" => profile.owner.clone(),
            "agent.name" => self.agent.map(str::to_owned),
            _ => match personal.attributes.get(name.strip_prefix(ATTRIBUTE)?)? {
                serde_json::Value::String(text) => Some(text.clone()),
                value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => Some(value.to_string()),
                _ => None,
            },
        };
        value.filter(|value| !value.trim().is_empty())
    }
}
