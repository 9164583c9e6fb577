//! Lists in the cells of commlog's own export of customers.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::customer::decide::AddressInput;
use crate::domain::import::decide::ConsentRow;
use crate::domain::value::address::Address;

#[derive(Deserialize)]
struct ExportedAddress {
    kind: String,
    address: String,
    label: Option<String>,
    #[serde(default)]
    primary: bool,
}

#[derive(Deserialize)]
struct ExportedConsent {
    channel: String,
    topic: String,
    state: String,
    at: Option<DateTime<Utc>>,
}

/// The addresses of a cell, and why others are left out: of senders that are no addresses, such as short codes.
pub fn addresses(cell: &str) -> Result<(Vec<AddressInput>, Vec<String>), String> {
    let (mut good, mut left_out) = (vec![], vec![]);
    for own in read::<ExportedAddress>("addresses", cell)? {
        let kind = own.kind.parse().map_err(|error| format!("addresses: {error}"))?;
        match Address::parse(kind, &own.address, None) {
            Ok(_) => {
                let ExportedAddress { address, label, primary, .. } = own;
                good.push(AddressInput { kind, address, region: None, label, primary });
            }
            Err(error) => left_out.push(format!("{} {}", own.kind, error.reason)),
        }
    }
    Ok((good, left_out))
}

/// The consents of a cell.
pub fn consents(cell: &str) -> Result<Vec<ConsentRow>, String> {
    let list: Vec<ExportedConsent> = read("consents", cell)?;
    let read = |own: ExportedConsent| {
        let channel = own.channel.parse().map_err(|error| format!("consents: {error}"))?;
        let state = own.state.parse().map_err(|error| format!("consents: {error}"))?;
        Ok(ConsentRow { channel, topic: own.topic, state, said_at: own.at })
    };
    list.into_iter().map(read).collect()
}

fn read<T: for<'de> Deserialize<'de>>(field: &str, cell: &str) -> Result<Vec<T>, String> {
    serde_json::from_str(cell).map_err(|_| format!("{field} must be a JSON list as commlog exports it"))
}
