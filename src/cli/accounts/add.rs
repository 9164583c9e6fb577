//! `commlog accounts add`: asks for what a provider's description lists, shows, tries and stores it, and says what is left to
//! do at the provider.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::accounts::AccountService;
use crate::app::Caller;
use crate::boot;
use crate::cli::asking::Asker;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, TenantArg, print};
use crate::domain::account::decide::{ConfigureAccount, TestResult};
use crate::domain::account::event::{AccountName, AccountSpec, Rate};
use crate::domain::refusal::Refusal;
use crate::domain::value::routing::RoutingTerms;
use crate::domain::value::secret::Secret;
use crate::providers::kind::{Kind, Setting};

/// The largest file that a setting is read from, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// Sets up an account at a provider: asks for its settings, tries it, stores it.
#[derive(Debug, Args)]
#[command(
    long_about = "Sets up an account at a provider. At a terminal it asks for the settings that `commlog accounts providers` \
                  lists, those that are needed first; secrets are not shown. What --set or the provider's usual environment \
                  variables give is not asked for, so that it works without a terminal too. It shows what will be stored, asks \
                  the provider whether the account may send, which sends nothing, stores it, and says which URL to register \
                  at the provider, and where. Ctrl-C stores nothing.",
    after_help = "Examples:\n  commlog accounts add twilio\n  commlog accounts add sendgrid --name news --set \
                  from=news@example.com --set api_key=@/run/secrets/sendgrid\n  SMTP_PASSWORD=… commlog accounts add smtp --set \
                  host=smtp.example.com --set username=crm --set from=crm@example.com"
)]
pub struct AddArgs {
    /// The provider.
    #[arg(value_parser = providers())]
    provider: String,
    /// Your name for the account, unique among those of its provider [default: main].
    #[arg(long)]
    name: Option<String>,
    /// A setting or secret; @FILE reads it from a file, @@ begins with an @. Repeatable.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Accounts with a lower number are used first.
    #[arg(long, default_value = "0", allow_hyphen_values = true)]
    priority: i32,
    /// Asks nothing: what --set and the environment give is all.
    #[arg(long)]
    yes: bool,
    /// Stores the account without asking the provider.
    #[arg(long)]
    untested: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    tenant: TenantArg,
}

fn providers() -> PossibleValuesParser {
    PossibleValuesParser::new(Kind::all().iter().map(|kind| kind.name))
}

/// A setting's value, and where it comes from.
struct Given {
    value: Secret,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Flag,
    Variable(&'static str),
    Typed,
}

/// An account that is being set up.
struct Draft<'a> {
    kind: &'static Kind,
    name: AccountName,
    priority: i32,
    values: BTreeMap<&'static str, Given>,
    service: &'a AccountService,
    caller: &'a Caller,
}

/// Runs `commlog accounts add`.
pub async fn run(session: &Session, args: AddArgs) -> Outcome {
    let kind = Kind::of(&args.provider).ok_or_else(|| Failure::usage("there is no such provider"))?;
    let mut values = flags(kind, &args.set)?;
    for setting in kind.settings.iter().filter(|setting| setting.variable.is_some()) {
        let Some(variable) = setting.variable.filter(|_| !values.contains_key(setting.name)) else { continue };
        if let Some(value) = session.config.given_variables.get(variable) {
            values.insert(setting.name, Given { value: Secret::new(value), origin: Origin::Variable(variable) });
        }
    }
    let asker = (!args.yes && Asker::has_terminal()).then(Asker::new);
    if asker.is_none() {
        must_be_complete(kind, &values)?;
    }
    let account = match (&args.name, &asker) {
        (Some(name), _) => name.clone(),
        (None, None) => "main".to_owned(),
        (None, Some(asker)) => {
            let said = asker.line(&format!("Your name for the {} account [main]: ", kind.title)).await?;
            if said.is_empty() { "main".to_owned() } else { said }
        }
    };
    let stores = session.open().await?;
    let caller = session.caller(&args.tenant);
    session.ensure_tenant(&stores, &caller, crate::cli::session::DEFAULT_NAME).await?;
    let reads = session.read_store(&stores).await?;
    let service = boot::account_service(&stores, &reads).await?;
    let name = AccountName { provider: kind.name.to_owned(), account };
    let draft = Draft { kind, name, priority: args.priority, values, service: &service, caller: &caller };
    let ended = draft.finish(session, &args, asker.as_ref()).await;
    stores.close().await;
    ended
}

/// What `--set` gives.
fn flags(kind: &Kind, set: &[String]) -> Outcome<BTreeMap<&'static str, Given>> {
    let mut values = BTreeMap::new();
    for given in set {
        let Some((name, value)) = given.split_once('=') else {
            return Err(Failure::usage("--set needs a name and a value, such as --set from=+442079460018"));
        };
        let Some(setting) = kind.setting(name.trim()) else {
            let names: Vec<_> = kind.settings.iter().map(|setting| setting.name).collect();
            let advice = format!("{} has no setting of this name; it has {}", kind.name, names.join(", "));
            return Err(Failure::usage(advice));
        };
        let value = Secret::new(of_file(value)?);
        if values.insert(setting.name, Given { value, origin: Origin::Flag }).is_some() {
            return Err(Failure::usage(format!("--set gives {} twice", setting.name)));
        }
    }
    Ok(values)
}

/// A value as it is given, or the file that it names, without what shows nothing: what is copied from pages, and files that
/// some editors save, begin or end with it.
fn of_file(value: &str) -> Outcome<String> {
    let is_nothing =
        |letter: char| letter.is_whitespace() || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}');
    read(value.trim_matches(is_nothing)).map(|value| value.trim_matches(is_nothing).to_owned())
}

fn read(value: &str) -> Outcome<String> {
    let Some(path) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    if path.starts_with('@') {
        return Ok(path.to_owned());
    }
    let unreadable = |error| Failure::doing(Exit::Unavailable, format!("cannot read {path}"), error);
    let size = std::fs::metadata(Path::new(path)).map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(Failure::usage(format!("{path} is larger than {LARGEST_FILE} bytes: it holds no setting")));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Names everything that is missing where nobody can be asked.
fn must_be_complete(kind: &Kind, values: &BTreeMap<&'static str, Given>) -> Outcome {
    let missing = kind.settings.iter().filter(|setting| setting.is_required && !is_given(values, setting));
    let missing = missing.map(|setting| match setting.variable {
        Some(variable) => format!("{} (--set {}=… or {variable})", setting.name, setting.name),
        None => format!("{} (--set {}=…)", setting.name, setting.name),
    });
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!("an account of {} needs {}", kind.title, missing.join(", "))))
}

fn is_given(values: &BTreeMap<&'static str, Given>, setting: &Setting) -> bool {
    values.get(setting.name).is_some_and(|given| !given.value.is_empty())
}

impl Draft<'_> {
    async fn finish(mut self, session: &Session, args: &AddArgs, asker: Option<&Asker>) -> Outcome {
        let list = self.service.list(self.caller.tenant).await.map_err(Failure::unavailable)?;
        if list.iter().any(|account| account.name == self.name) {
            let advice = "choose another --name, or change it with the mutation configureAccount";
            return Err(Failure::new(Exit::Refused, format!("there is an account {} already: {advice}", self.name)));
        }
        if let Some(asker) = asker {
            self.ask(asker).await?;
        }
        self.check().map_err(|refusal| Failure::new(Exit::Refused, refusal.message))?;
        if args.format == ReportFormat::Text {
            self.show()?;
        }
        let tested = if args.untested { None } else { Some(self.try_out(asker).await?) };
        if let Some(asker) = asker
            && asker.line("Type yes to store it: ").await? != "yes"
        {
            return Err(Failure::new(Exit::Refused, "nothing was stored"));
        }
        self.service.add(self.caller, self.command(), tested.clone()).await?.into_result()?;
        self.report(session, args, tested.as_ref()).await
    }

    /// Asks for what is not given, what is needed first; again where it cannot work.
    async fn ask(&mut self, asker: &Asker) -> Outcome {
        let open = |draft: &Self, is_required: bool| -> Vec<&'static Setting> {
            let open = draft.kind.settings.iter().copied().filter(|setting| setting.is_required == is_required);
            open.filter(|setting| !is_given(&draft.values, setting)).collect()
        };
        print::note(format_args!("What an account of {} needs:", self.kind.title));
        for setting in open(self, true) {
            self.ask_for(asker, setting).await?;
        }
        let open = open(self, false);
        if !open.is_empty() {
            print::note("What else it can have; Enter leaves it out:");
        }
        for setting in open {
            self.ask_for(asker, setting).await?;
        }
        // What only shows once everything is there.
        while let Some((setting, reason)) = self.wrong() {
            print::note(format_args!("{} {reason}", setting.name));
            self.values.remove(setting.name);
            self.ask_for(asker, setting).await?;
        }
        Ok(())
    }

    /// Asks for one setting until it is one that can work, as far as can be seen.
    async fn ask_for(&mut self, asker: &Asker, setting: &'static Setting) -> Outcome {
        print::note(format_args!("\n{}", setting.help));
        let default = setting.default.map(|default| format!(" [{default}]")).unwrap_or_default();
        let prompt = format!("{}{default}: ", setting.name);
        loop {
            let typed = if setting.is_secret { asker.hidden(&prompt).await? } else { asker.line(&prompt).await? };
            let value = match of_file(&typed) {
                Ok(value) => Secret::new(value),
                Err(failure) => {
                    print::note(failure.text());
                    continue;
                }
            };
            if value.is_empty() {
                self.values.remove(setting.name);
                if setting.is_required {
                    print::note(format_args!(
                        "{} must be given; Ctrl-C ends this without storing anything",
                        setting.name
                    ));
                    continue;
                }
                return Ok(());
            }
            self.values.insert(setting.name, Given { value, origin: Origin::Typed });
            match self.wrong() {
                // Another one may still be missing.
                Some((wrong, reason)) if wrong.name == setting.name => {
                    print::note(format_args!("{} {reason}", setting.name));
                    self.values.remove(setting.name);
                }
                _ => return Ok(()),
            }
        }
    }

    /// The setting that the account cannot be used with, and why. What is still to be asked for has something in its place, so
    /// that it does not hide what is wrong with the rest.
    fn wrong(&self) -> Option<(&'static Setting, String)> {
        let mut command = self.command();
        for setting in
            self.kind.settings.iter().filter(|setting| setting.is_required && !is_given(&self.values, setting))
        {
            let name = setting.name.to_owned();
            if setting.is_secret {
                command.secrets.insert(name, Some(Secret::new("x")));
            } else {
                command.spec.settings.insert(name, "x".to_owned());
            }
        }
        let refusal = self.service.check(self.caller, &command).err()?;
        let (name, reason) = refusal.message.split_once(": ")?;
        Some((self.kind.setting(name)?, reason.to_owned()))
    }

    fn check(&self) -> Result<(), Refusal> {
        self.service.check(self.caller, &self.command())
    }

    fn command(&self) -> ConfigureAccount {
        let of = |is_secret: bool| {
            let is_of = move |name: &str| self.kind.setting(name).is_some_and(|setting| setting.is_secret) == is_secret;
            let of = self.values.iter().filter(move |(name, given)| is_of(name) && !given.value.is_empty());
            of.map(|(name, given)| ((*name).to_owned(), given.value.clone()))
        };
        ConfigureAccount {
            name: self.name.clone(),
            spec: AccountSpec {
                settings: of(false).map(|(name, value)| (name, value.expose().to_owned())).collect(),
                priority: self.priority,
                cost_micros: 0,
                rate: Rate::UNLIMITED,
                routing: RoutingTerms::default(),
            },
            secrets: of(true).map(|(name, value)| (name, Some(value))).collect(),
        }
    }

    /// Shows what will be stored.
    fn show(&self) -> Outcome {
        let channels: Vec<_> = self.kind.channels.iter().map(|channel| channel.word()).collect();
        print::line(format_args!("{} ({}):", self.name, channels.join(", ")))?;
        for setting in self.kind.settings {
            let given = self.values.get(setting.name).filter(|given| !given.value.is_empty());
            let origin = match given.map(|given| given.origin) {
                Some(Origin::Variable(variable)) => format!(" (from {variable})"),
                Some(Origin::Flag | Origin::Typed) | None => String::new(),
            };
            match (given, setting.default) {
                (Some(_), _) if setting.is_secret => {
                    print::line(format_args!("  {}: sealed in the key store{origin}", setting.name))?;
                }
                (Some(given), _) => print::line(format_args!("  {}: {}{origin}", setting.name, plain(&given.value)))?,
                (None, Some(default)) => print::line(format_args!("  {}: {default} (default)", setting.name))?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    async fn try_out(&self, asker: Option<&Asker>) -> Outcome<TestResult> {
        let command = self.command();
        let trial = self.service.try_out(self.caller, &command);
        let result = match asker {
            Some(asker) => asker.or_interrupted(trial).await??,
            None => trial.await?,
        };
        if result.passed {
            return Ok(result);
        }
        let class = result.class.map_or("no answer", |class| class.word());
        let code = result.code.as_deref().unwrap_or("no code");
        let said = format!("{} does not let this account send: {class} ({code})", self.kind.title);
        match asker {
            Some(_) => {
                print::note(said);
                Ok(result)
            }
            None => {
                Err(Failure::new(Exit::Found, format!("{said}; nothing was stored. --untested stores it all the same")))
            }
        }
    }

    /// Says what was stored, and what is left to do at the provider.
    async fn report(&self, session: &Session, args: &AddArgs, tested: Option<&TestResult>) -> Outcome {
        let list = self.service.list(self.caller.tenant).await.map_err(Failure::unavailable)?;
        let url = list.into_iter().find(|account| account.name == self.name).and_then(|account| account.webhook_url);
        let url = url.unwrap_or_default();
        let steps: Vec<String> = self.kind.callbacks_to(&url).collect();
        let passed = tested.map(|tested| tested.passed);
        if args.format == ReportFormat::Json {
            let object =
                json!({ "account": self.name.to_string(), "passed": passed, "webhook_url": url, "steps": steps });
            return print::line(object);
        }
        print::line(format_args!(
            "\n{} is stored{}. Running servers use it within a second.",
            self.name,
            if passed == Some(true) { ", and may send" } else { "" }
        ))?;
        if !session.config.public_url_is_set {
            print::note("public_url is not set: a provider cannot reach this URL before it is (COMMLOG_PUBLIC_URL)");
        }
        print::line(format_args!("At {}:", self.kind.title))?;
        steps.iter().try_for_each(|step| print::line(format_args!("- {step}")))
    }
}

/// A value as one line that steers no terminal.
fn plain(value: &Secret) -> String {
    value.expose().replace(char::is_control, "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_no_part_of_a_value() {
        assert_eq!(of_file(" \u{FEFF}SG.abc\u{200B}\u{A0}\r\n").expect("a value"), "SG.abc");
        assert_eq!(of_file("@@name").expect("a value"), "@name");
        assert_eq!(of_file("a b").expect("a value"), "a b");
        assert!(of_file("@/none/of/these").is_err());
    }
}
