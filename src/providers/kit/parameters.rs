//! The parameters of a webhook, however they travel: in the query, as a form, or as a flat JSON object. Providers let their
//! customers choose, so each of them is understood.

use serde_json::Value;
use url::form_urlencoded;

use super::{texts, values};
use crate::providers::WebhookRequest;

/// How many parameters of a request are looked at.
const MOST: usize = 500;

/// Parameters in the order in which they came.
pub(in crate::providers) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of a request: of its body, or of its query if it has none.
    pub(in crate::providers) fn of(request: &WebhookRequest) -> Self {
        let body = &request.body[..];
        if request.method.eq_ignore_ascii_case("GET") || body.is_empty() {
            return Self::decoded(request.query().as_bytes());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => {
                // A list is a repeated name.
                let members = fields.iter().flat_map(|(name, value)| match value {
                    Value::Array(values) => values.iter().map(|value| (name, value)).collect(),
                    value => vec![(name, value)],
                });
                let texts = members.filter_map(|(name, value)| Some((name.clone(), values::of(value)?)));
                Self(texts.take(MOST).collect())
            }
            _ => Self::decoded(body),
        }
    }

    fn decoded(written: &[u8]) -> Self {
        Self(form_urlencoded::parse(written).into_owned().take(MOST).collect())
    }

    /// All of them.
    pub(in crate::providers) fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first of a name, whatever its case; a repeated one counts once.
    pub(in crate::providers) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All values of a name, whatever its case.
    pub(in crate::providers) fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first of several names that is given and not blank, as a short text.
    pub(in crate::providers) fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| texts::short(self.get(name)?))
    }
}

/// What a request says in its parameters, as it was written.
pub(in crate::providers) fn written(request: &WebhookRequest) -> &[u8] {
    let is_in_query = request.method.eq_ignore_ascii_case("GET") || request.body.is_empty();
    if is_in_query { request.query().as_bytes() } else { &request.body }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(method: &str, query: &str, body: &'static str) -> WebhookRequest {
        let url = format!("https://crm.example.com/hooks?{query}");
        WebhookRequest { method: method.to_owned(), url, headers: vec![], body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn the_same_is_read_from_query_form_and_json() {
        let requests = [
            request("GET", "msisdn=4477&concat=true&part=2&x=", ""),
            request("POST", "msisdn=4477&concat=true&part=2&x=", ""),
            request("POST", "token=1", "msisdn=4477&concat=true&part=2&x="),
            request("POST", "", r#"{"msisdn":4477,"concat":true,"part":"2","x":null,"y":[1],"z":{}}"#),
        ];
        for request in requests {
            let parameters = Parameters::of(&request);
            assert_eq!(
                ["msisdn", "CONCAT", "part"].map(|name| parameters.get(name)),
                [Some("4477"), Some("true"), Some("2")]
            );
            assert_eq!(parameters.any(&["x", "missing"]), None);
        }
    }

    #[test]
    fn the_first_of_a_repeated_name_counts() {
        let parameters = Parameters::of(&request("POST", "", "id=1&ID=2&id=3"));
        assert_eq!((parameters.get("id"), parameters.all().len()), (Some("1"), 3));
        let list = Parameters::of(&request("POST", "", r#"{"id":[1,"2",null]}"#));
        assert_eq!(list.each("ID").collect::<Vec<_>>(), ["1", "2"]);
    }
}
