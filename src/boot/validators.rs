//! Builds the services that check addresses, as the configuration names them.

use super::accounts::{Unusable, take, wrong};
use super::{BootError, Stores};
use crate::accounts::validation::{CheckingService, ValidationService};
use crate::clock::Ambient;
use crate::config::{Config, ValidatorConfig};
use crate::providers::kind::{ValidatorKind, ValidatorSetup};
use crate::providers::kit::client::{ClientOptions, HttpClient};
use crate::providers::kit::settings::Settings;

/// What checks addresses, with the services of the configuration; calls nobody.
pub fn validation_service(stores: &Stores) -> Result<ValidationService, BootError> {
    let services = build(stores.config(), stores.ambient())?;
    Ok(ValidationService::new(stores.app.clone(), services, stores.config().tenant))
}

/// All services of the configuration, in the order in which they are asked.
fn build(config: &Config, ambient: &Ambient) -> Result<Vec<CheckingService>, BootError> {
    if config.validators.is_empty() {
        return Ok(vec![]);
    }
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    let build = |validator: &ValidatorConfig| {
        build_one(validator, &client, ambient).map_err(|Unusable { setting, reason }| BootError::Validator {
            service: validator.service.clone(),
            origin: validator.origin.clone(),
            setting,
            reason,
        })
    };
    config.validators.iter().map(build).collect()
}

fn build_one(validator: &ValidatorConfig, client: &HttpClient, ambient: &Ambient) -> Result<CheckingService, Unusable> {
    let kind = ValidatorKind::of(&validator.service).ok_or_else(|| {
        let names: Vec<_> = ValidatorKind::all().iter().map(|kind| kind.name).collect();
        wrong("service", format!("must be one of {}", names.join(", ")))
    })?;
    let mut values = validator.settings.clone();
    // 0 stands for no limit, as everywhere.
    let daily = take::<u64>(&mut values, "daily")?.filter(|most| *most > 0);
    let cost_micros = take::<u64>(&mut values, "cost_micros")?.unwrap_or(0);
    let settings = Settings::of_validator(kind, values)?;
    let setup = ValidatorSetup { settings, client: client.clone(), ambient: ambient.clone() };
    Ok(CheckingService { validator: (kind.build)(setup)?, title: kind.title, daily, cost_micros })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::boot::account_variables;

    fn built(file: &str, variables: &[(&str, &str)]) -> Result<Vec<CheckingService>, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::from_parts(Some((Path::new("a.toml"), file)), variables, &account_variables());
        let config = config.map_err(|error| error.to_string())?;
        build(&config, &Ambient::system()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_is_built_with_its_limit_and_its_price() {
        let file = "[[validators]]\nservice = 'neverbounce'\napi_key = 'secret_1'\ndaily = 500\ncost_micros = 8000";
        let services = built(file, &[("BRITEVERIFY_API_KEY", "k")]).expect("valid");
        let [neverbounce, briteverify] = &services[..] else { panic!("{}", services.len()) };
        assert_eq!((neverbounce.validator.name(), neverbounce.daily), ("neverbounce", Some(500)));
        assert_eq!(neverbounce.cost_micros, 8_000);
        assert_eq!((briteverify.validator.name(), briteverify.daily), ("briteverify", None));
        let unlimited = built("[[validators]]\nservice = 'briteverify'\napi_key = 'k'\ndaily = 0", &[]).expect("valid");
        assert_eq!(unlimited[0].daily, None);
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_place_and_never_its_value() {
        let sid = format!("AC{}", "0".repeat(32));
        // The file, the variables, and what is said.
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let cases: [Case<'_>; 6] = [
            (
                "[[validators]]\nservice = 'zerobounce'",
                &[],
                "validator zerobounce in a.toml: service must be one of twilio_lookup, neverbounce, briteverify",
            ),
            ("[[validators]]\nservice = 'neverbounce'", &[], "validator neverbounce in a.toml: api_key must be given"),
            (
                "[[validators]]\nservice = 'neverbounce'\napi_key = 'k'\ndaily = -1",
                &[],
                "validator neverbounce in a.toml: daily must be a number",
            ),
            (
                "[[validators]]\nservice = 'neverbounce'\napi_key = 'k'\ndayly = 1",
                &[],
                "validator neverbounce in a.toml: dayly is not a setting of neverbounce",
            ),
            (
                "[[validators]]\nservice = 'neverbounce'\napi_key = 'k'\nbase_url = 'ftp://hush'",
                &[],
                "validator neverbounce in a.toml: base_url must be an HTTP URL",
            ),
            (
                "",
                &[("TWILIO_ACCOUNT_SID", "hush")],
                "validator twilio_lookup in the environment (variable TWILIO_ACCOUNT_SID): ",
            ),
        ];
        for (file, variables, expected) in cases {
            let said = built(file, variables).err().unwrap_or_default();
            assert!(said.starts_with(expected) && !said.contains("hush"), "{said}");
        }
        assert!(built("", &[("TWILIO_ACCOUNT_SID", &sid), ("TWILIO_AUTH_TOKEN", &"a".repeat(32))]).is_ok());
    }
}
