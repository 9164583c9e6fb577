//! Requests, compared with what the provider's own description (OpenAPI) of its API says. The descriptions stand beside this
//! file, taken out of an npm package by `trim.mjs`: `make descriptions` writes them again.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response};
use axum::middleware::{Next, from_fn};
use axum::{Router, body};
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

/// What providers publish about the operations that commlog calls.
#[derive(Clone, Copy)]
pub(crate) enum Description {
    Twilio,
    TwilioLookup,
    Sendgrid,
    Ses,
    Fcm,
    Vonage,
}

#[derive(Deserialize)]
struct Document {
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    method: String,
    path: String,
    parameters: Vec<Parameter>,
    media: Option<String>,
    body: Option<Value>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "in")]
    place: String,
    required: bool,
    schema: Value,
}

/// A description that requests are compared with.
pub(crate) struct Described {
    operations: Vec<(Operation, Option<Validator>)>,
}

impl Described {
    pub(crate) fn new(description: Description) -> Self {
        let text = match description {
            Description::Twilio => include_str!("twilio.json"),
            Description::TwilioLookup => include_str!("twilio_lookup.json"),
            Description::Sendgrid => include_str!("sendgrid.json"),
            Description::Ses => include_str!("ses.json"),
            Description::Fcm => include_str!("fcm.json"),
            Description::Vonage => include_str!("vonage.json"),
        };
        let document: Document = serde_json::from_str(text).expect("a description");
        let with_validator = |operation: Operation| {
            let validator = operation.body.as_ref().map(validator);
            (operation, validator)
        };
        Self { operations: document.operations.into_iter().map(with_validator).collect() }
    }

    /// What a request does that its operation does not describe. Operations that are not described are not judged.
    pub(crate) fn complaints(&self, head: &Parts, body: &[u8]) -> Vec<String> {
        let path = head.uri.path();
        let found = self.operations.iter().find_map(|(operation, validator)| {
            let places = (operation.method == head.method.as_str()).then(|| places(&operation.path, path))??;
            Some((operation, validator, places))
        });
        let Some((operation, validator, places)) = found else { return vec![] };
        let query = fields(head.uri.query().unwrap_or_default().as_bytes());
        let mut complaints = vec![];
        let undescribed =
            |name: &&String| !operation.parameters.iter().any(|own| own.place == "query" && own.name == **name);
        complaints.extend(query.keys().filter(undescribed).map(|name| format!("the parameter {name} is unknown")));
        for parameter in &operation.parameters {
            let given = match parameter.place.as_str() {
                "path" => places.get(&parameter.name).cloned(),
                "query" => query.get(&parameter.name).and_then(|values| values.first()).cloned(),
                "header" => head.headers.get(&parameter.name).and_then(|value| value.to_str().ok()).map(str::to_owned),
                _ => None,
            };
            match given {
                Some(given) => complaints.extend(
                    failures(&self::validator(&parameter.schema), &typed(&parameter.schema, &[given]))
                        .map(|complaint| format!("{}: {complaint}", parameter.name)),
                ),
                None if parameter.required => complaints.push(format!("{} is missing", parameter.name)),
                None => {}
            }
        }
        if let (Some(media), Some(schema), Some(validator)) = (&operation.media, &operation.body, validator) {
            match content(media, schema, &head.headers, body) {
                Ok(content) => complaints.extend(failures(validator, &content)),
                Err(complaint) => complaints.push(complaint),
            }
        }
        complaints
    }
}

/// Refuses what the description does not describe, so that the test behind it fails and shows why.
pub(crate) fn described(router: Router, description: Description) -> Router {
    let described = std::sync::Arc::new(Described::new(description));
    router.layer(from_fn(move |request: Request<Body>, next: Next| {
        let described = std::sync::Arc::clone(&described);
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body::to_bytes(body, usize::MAX).await else {
                return refused("the request breaks off", &[]);
            };
            let complaints = described.complaints(&head, &body);
            if complaints.is_empty() {
                return next.run(Request::from_parts(head, Body::from(body))).await;
            }
            eprintln!("{} {} is not as described: {}", head.method, head.uri, complaints.join("; "));
            refused("the request is not as the provider describes it", &complaints)
        }
    }))
}

fn refused(message: &str, complaints: &[String]) -> Response<Body> {
    super::json(400, &json!({ "message": message, "complaints": complaints }))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

fn failures<'v>(validator: &'v Validator, value: &'v Value) -> impl Iterator<Item = String> + 'v {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()))
}

/// The values at the places of a path that its template names, if it fits.
fn places(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut places = BTreeMap::new();
    let (mut left, mut steps) = (path, template.split('{'));
    left = left.strip_prefix(steps.next()?)?;
    for step in steps {
        let (name, literal) = step.split_once('}')?;
        // A place ends where what follows it begins. `parent` of Google is a path of its own.
        let end = if literal.is_empty() { left.len() } else { left.find(literal)? };
        let (value, rest) = left.split_at(end);
        let is_one_step = name == "parent" || !value.contains('/');
        if value.is_empty() || !is_one_step {
            return None;
        }
        let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
        places.insert(name.to_owned(), value.into_owned());
        left = &rest[literal.len()..];
    }
    left.is_empty().then_some(places)
}

/// The fields of a form or a query, in order.
fn fields(encoded: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in url::form_urlencoded::parse(encoded) {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    fields
}

/// The value that texts stand for: the schema says of which type it is.
fn typed(schema: &Value, texts: &[String]) -> Value {
    let one = |kind: &str, text: &str| match kind {
        // A form's boolean is written as a number, too.
        "boolean" if text == "1" || text == "0" => (text == "1").into(),
        "integer" | "number" | "boolean" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => Value::from(text),
    };
    match (schema["type"].as_str().unwrap_or_default(), texts) {
        ("array", texts) => {
            let kind = schema["items"]["type"].as_str().unwrap_or_default();
            texts.iter().map(|text| one(kind, text)).collect()
        }
        (kind, [text]) => one(kind, text),
        // Twice what is to be there once: no type fits.
        (_, texts) => Value::from(texts),
    }
}

/// A body as the schema can judge it.
fn content(media: &str, schema: &Value, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
    let said = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if said.split(';').next().map(str::trim) != Some(media) {
        return Err(format!("the content type is {said:?} instead of {media}"));
    }
    if media == "application/json" {
        return serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"));
    }
    let typed = fields(body).into_iter().map(|(name, texts)| {
        let value = typed(&schema["properties"][&name], &texts);
        (name, value)
    });
    Ok(Value::Object(typed.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(description: Description, head: (&str, &str), content_type: &str, body: &str) -> Vec<String> {
        let request = Request::builder().method(head.0).uri(head.1).header("content-type", content_type);
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        Described::new(description).complaints(&parts, body.as_bytes())
    }

    #[test]
    fn what_is_described_passes_and_what_is_not_is_named() {
        let form = "application/x-www-form-urlencoded";
        let messages = ("POST", "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json");
        let twilio = |body| complaints(Description::Twilio, messages, form, body);
        assert_eq!(twilio("To=%2B14155550100&From=%2B14155550101&Body=Hi&MediaUrl=https://a.example/1"), [""; 0]);
        for (body, complaint) in [
            ("From=%2B14155550101&Body=Hi", "\"To\" is a required property"),
            ("To=%2B14155550100&Text=Hi", "'Text' was unexpected"),
            ("To=%2B14155550100&ValidityPeriod=soon", "/ValidityPeriod: \"soon\" is not of type \"integer\""),
            ("To=%2B14155550100&To=%2B14155550101", "is not of type \"string\""),
        ] {
            assert!(twilio(body).join("; ").contains(complaint), "{body}: {:?}", twilio(body));
        }
        let said = complaints(Description::Twilio, messages, "application/json", "{}");
        assert!(said[0].contains("instead of application/x-www-form-urlencoded"), "{said:?}");
        let lookup = ("GET", "/v2/PhoneNumbers/%2B14155550100?Fields=line_type_intelligence&Filds=1");
        let said = complaints(Description::TwilioLookup, lookup, form, "");
        assert_eq!(said, ["the parameter Filds is unknown"]);
        let push = ("POST", "/v1/projects/shop/messages:send");
        let said = complaints(Description::Fcm, push, "application/json", r#"{"message":{"tokn":"t"}}"#);
        assert!(said[0].contains("'tokn' was unexpected"), "{said:?}");
    }
}
