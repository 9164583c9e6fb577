//! Upcasters: old payloads are brought to the newest schema when they are read. What is stored never changes.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Brings a payload from one schema version to the next: a pure function of `data` and `personal` (absent if the event
/// has none, or its key was destroyed).
pub type Upcast = fn(data: &mut Map<String, Value>, personal: Option<&mut Map<String, Value>>);

/// Why a stored payload could not be upcast.
#[derive(Debug, thiserror::Error)]
#[error("the stored payload of a {event_type} is not a JSON object")]
pub struct UpcastError {
    event_type: String,
    #[source]
    source: serde_json::Error,
}

/// The steps from old schema versions to new ones, by type.
#[derive(Debug, Clone, Default)]
pub struct Upcasters(HashMap<&'static str, Vec<(u16, Upcast)>>);

impl Upcasters {
    /// Nothing was ever changed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// From steps of (type, version that it starts from, function).
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (&'static str, u16, Upcast)>) -> Self {
        let mut by_type: HashMap<_, Vec<_>> = HashMap::new();
        for (event_type, from, upcast) in steps {
            by_type.entry(event_type).or_default().push((from, upcast));
        }
        for steps in by_type.values_mut() {
            steps.sort_by_key(|&(from, _)| from);
        }
        Self(by_type)
    }

    /// Brings a payload to the newest version; bytes of the newest version pass untouched.
    pub(super) fn apply(
        &self,
        event_type: &str,
        version: u16,
        data: &mut Vec<u8>,
        personal: Option<&mut Vec<u8>>,
    ) -> Result<(), UpcastError> {
        let Some(steps) = self.0.get(event_type) else { return Ok(()) };
        if steps.last().is_none_or(|&(from, _)| from < version) {
            return Ok(());
        }
        let parse = |bytes: &[u8]| {
            serde_json::from_slice::<Map<String, Value>>(bytes)
                .map_err(|source| UpcastError { event_type: event_type.to_owned(), source })
        };
        let mut new_data = parse(data)?;
        let mut new_personal = personal.as_ref().map(|bytes| parse(bytes)).transpose()?;
        for (_, upcast) in steps.iter().filter(|&&(from, _)| from >= version) {
            upcast(&mut new_data, new_personal.as_mut());
        }
        *data = Value::Object(new_data).to_string().into_bytes();
        if let (Some(bytes), Some(new)) = (personal, new_personal) {
            *bytes = Value::Object(new).to_string().into_bytes();
        }
        Ok(())
    }
}

impl From<Vec<(&'static str, u16, Upcast)>> for Upcasters {
    fn from(steps: Vec<(&'static str, u16, Upcast)>) -> Self {
        Self::new(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upcasters() -> Upcasters {
        Upcasters::new([
            ("Renamed", 2, (|data, _| drop(data.insert("third".into(), true.into()))) as Upcast),
            ("Renamed", 1, |data, personal| {
                let name = data.remove("name").unwrap_or_default();
                if let Some(personal) = personal {
                    personal.insert("name".into(), name);
                }
            }),
        ])
    }

    #[test]
    fn every_step_from_the_stored_version_on_is_applied_in_order() {
        let (mut data, mut personal) = (br#"{"name":"Ada"}"#.to_vec(), b"{}".to_vec());
        upcasters().apply("Renamed", 1, &mut data, Some(&mut personal)).expect("upcasts");
        assert_eq!(data, br#"{"third":true}"#);
        assert_eq!(personal, br#"{"name":"Ada"}"#);
    }

    #[test]
    fn the_newest_version_and_other_types_pass_untouched() {
        for (event_type, version) in [("Renamed", 3), ("Other", 1)] {
            let mut data = b"not even JSON".to_vec();
            upcasters().apply(event_type, version, &mut data, None).expect("passes");
            assert_eq!(data, b"not even JSON");
        }
    }

    #[test]
    fn a_damaged_old_payload_is_told() {
        let mut data = b"{".to_vec();
        let error = upcasters().apply("Renamed", 1, &mut data, None).expect_err("is refused");
        assert_eq!(error.to_string(), "the stored payload of a Renamed is not a JSON object");
    }
}
