//! Values of templates' variables, as the command line gives them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::manifest::to_json;
use super::reader::decode;
use crate::cli::failure::{Exit, Failure, Outcome};

/// Values of variables.
#[derive(Debug, Args)]
pub struct ValuesArgs {
    /// The value of a variable: text or JSON; `order.number=A-7` sets a part of one. Repeatable.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Reads values of variables from a TOML or JSON file.
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
}

impl ValuesArgs {
    /// A file's values, then those that were given one by one.
    pub fn read(&self) -> Outcome<BTreeMap<String, Value>> {
        let mut values = Map::new();
        if let Some(file) = &self.values {
            let bytes = std::fs::read(file)
                .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot read {}", file.display()), error))?;
            let wrong = |reason: &str| Failure::new(Exit::Refused, format!("{}: {reason}", file.display()));
            let text = decode(&bytes).map_err(|(_, message)| wrong(message))?;
            let read = if text.trim_start().starts_with('{') {
                serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?
            } else {
                let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim()))?;
                to_json(&toml::Value::Table(table)).map_err(|message| wrong(&message))?
            };
            if let Value::Object(read) = read {
                values = read;
            }
        }
        for given in &self.variables {
            let (name, value) = given
                .split_once('=')
                .filter(|(name, _)| !name.trim().is_empty())
                .ok_or_else(|| Failure::usage(format!("--var takes name=value, not {given:?}")))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            set(&mut values, name.trim(), value);
        }
        Ok(values.into_iter().collect())
    }
}

fn set(values: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        values.insert(name.to_owned(), value);
        return;
    };
    let inner = values.entry(first).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Value::Object(inner) = inner {
        set(inner, rest, value);
    }
}
