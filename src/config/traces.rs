//! Where traces are sent: by our own keys, or by the variables that every program with OpenTelemetry reads
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::collections::BTreeMap;

use url::Url;

use super::{ConfigError, Values, parse};

/// The collector's endpoint for traces, as it stands.
const ENDPOINT_OF_TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The collector's base URL, as in our own key.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where below its base URL a collector takes traces.
const PATH: &str = "v1/traces";

/// Where traces are sent, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct TracesConfig {
    /// The collector's endpoint for traces.
    pub endpoint: Url,
    /// Which share of them, from 0 to 1.
    pub share: f64,
}

/// Takes over the variables that are not ours.
pub(super) fn add_variables(values: &mut Values, others: &BTreeMap<String, String>) {
    for name in [ENDPOINT_OF_TRACES, ENDPOINT] {
        if let Some(value) = others.get(name).filter(|value| !value.is_empty()) {
            values.insert(name.to_owned(), (value.clone(), "the environment".to_owned()));
        }
    }
}

/// What is configured; our own key comes first.
pub(super) fn read(values: &Values) -> Result<Option<TracesConfig>, ConfigError> {
    let share = parse(values, "traces_share", share)?.unwrap_or(1.0);
    for (key, path) in [("traces_url", PATH), (ENDPOINT_OF_TRACES, ""), (ENDPOINT, PATH)] {
        if let Some(endpoint) = parse(values, key, |text| endpoint(text, path))? {
            return Ok(Some(TracesConfig { endpoint, share }));
        }
    }
    Ok(None)
}

fn endpoint(text: &str, path: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    let mut url = url.ok_or_else(|| {
        "must be the URL of a collector that takes OTLP over HTTP, such as http://localhost:4318".to_owned()
    })?;
    if !path.is_empty() {
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    }
    Ok(url)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1, such as 0.1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(pairs: &[(&str, &str)]) -> Result<Option<TracesConfig>, String> {
        let (ours, others): (Vec<_>, Vec<_>) = pairs.iter().partition(|(key, _)| key.starts_with("traces_"));
        let mut values = Values::new();
        values
            .extend(ours.into_iter().map(|(key, value)| ((*key).to_owned(), ((*value).to_owned(), "here".to_owned()))));
        let others = others.into_iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        add_variables(&mut values, &others);
        read(&values).map_err(|error| error.to_string())
    }

    fn endpoint_of(pairs: &[(&str, &str)]) -> String {
        configured(pairs).expect("is valid").expect("is configured").endpoint.to_string()
    }

    #[test]
    fn our_own_key_comes_before_the_variables_of_opentelemetry() {
        assert_eq!(configured(&[]), Ok(None));
        assert_eq!(configured(&[(ENDPOINT, ""), ("traces_share", "0.5")]), Ok(None));
        let all = [
            (ENDPOINT, "http://a:4318/base/"),
            (ENDPOINT_OF_TRACES, "http://b:4318/anywhere"),
            ("traces_url", "https://c:4318"),
        ];
        assert_eq!(endpoint_of(&all[..1]), "http://a:4318/base/v1/traces");
        assert_eq!(endpoint_of(&all[..2]), "http://b:4318/anywhere");
        assert_eq!(endpoint_of(&all), "https://c:4318/v1/traces");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, value) in [(ENDPOINT, "localhost:4318"), ("traces_url", "http://me:word@c"), ("traces_share", "1.5")]
        {
            let error = configured(&[(key, value)]).expect_err("is refused");
            assert!(error.starts_with(key) && !error.contains("word"), "{error}");
        }
    }
}
