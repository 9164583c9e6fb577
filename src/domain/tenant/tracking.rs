//! How a tenant tracks opens and clicks: data only, judged in `domain/message/tracking`. Off by default.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Channel;

/// How many entries a list of these settings has at most.
const MAX_ENTRIES: usize = 50;
/// How many parameters a link gets at most.
const MAX_PARAMETERS: usize = 20;

/// A tenant's settings of its own tracking.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Tracking {
    /// Mails get a picture that says when it was loaded.
    pub opens: bool,
    /// Links in the HTML of mails lead over this installation.
    pub clicks: bool,
    /// So do the links in the plain text of mails. Parameters are added to them, too.
    pub text_links: bool,
    /// Links in SMS and WhatsApp messages become short links.
    pub short_links: bool,
    /// Transactional messages are treated as marketing is; otherwise they are left as they are.
    pub transactional: bool,
    /// Only who has opted in to the topic `tracking` is tracked; otherwise everybody who has not opted out of it.
    pub require_opt_in: bool,
    /// Messages about these topics are left as they are.
    pub untracked_topics: Vec<String>,
    /// Where tracked links lead, if not to the installation's public URL: another host name of the installation.
    pub url: Option<String>,
    /// What links get in their query, such as `utm_source`.
    pub parameters: Vec<LinkParameter>,
    /// Only links to these hosts and their subdomains get parameters; none: all links do.
    pub parameter_hosts: Vec<String>,
}

/// A parameter of links. What a link's author wrote wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkParameter {
    /// Such as `utm_campaign`.
    pub name: String,
    /// What it says.
    pub value: ParameterValue,
}

/// Where the value of a parameter comes from. A message that has none gets no such parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", content = "text", rename_all = "snake_case")]
pub enum ParameterValue {
    /// The same in each message.
    Text(String),
    /// The id of the message's campaign.
    Campaign,
    /// The variant of the campaign.
    Variant,
    /// The message's topic.
    Topic,
    /// The channel, such as `email`.
    Channel,
    /// The message's id.
    Message,
}

impl Tracking {
    /// Whether messages on a channel are tracked, so that customers have a choice to make.
    #[must_use]
    pub const fn is_on_for(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.opens || self.clicks,
            Channel::Sms | Channel::Whatsapp => self.short_links,
            Channel::Voice | Channel::Push | Channel::InApp => false,
        }
    }

    /// Checks what was entered. Blank entries of lists are dropped.
    pub(super) fn clean(self) -> Result<Self, Refusal> {
        let parameters = clean_parameters(self.parameters)?;
        let untracked_topics = list("tracking.untracked_topics", &self.untracked_topics, text::word)?;
        let parameter_hosts =
            list("tracking.parameter_hosts", &self.parameter_hosts, |field, host| match url::Host::parse(host) {
                Ok(url::Host::Domain(domain)) => Ok(domain),
                Ok(_) | Err(_) => Err(Refusal::invalid(field, "must be a host name such as shop.example")),
            })?;
        let url = match text::optional("tracking.url", self.url, text::SHORT)? {
            Some(url) => Some(clean_url(&url)?),
            None => None,
        };
        Ok(Self { untracked_topics, url, parameters, parameter_hosts, ..self })
    }
}

fn list(
    field: &str,
    entries: &[String],
    clean: impl Fn(&str, &str) -> Result<String, Refusal>,
) -> Result<Vec<String>, Refusal> {
    let mut cleaned = vec![];
    for (index, entry) in entries.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if let Some(entry) = text::optional(&field, Some(entry.clone()), text::SHORT)? {
            cleaned.push(clean(&field, &entry)?);
        }
    }
    cleaned.sort_unstable();
    cleaned.dedup();
    at_most(field, cleaned.len(), MAX_ENTRIES)?;
    Ok(cleaned)
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("has {count} entries; at most {most} are allowed")))
}

fn clean_parameters(parameters: Vec<LinkParameter>) -> Result<Vec<LinkParameter>, Refusal> {
    let mut cleaned: Vec<LinkParameter> = vec![];
    for (index, LinkParameter { name, value }) in parameters.into_iter().enumerate() {
        let field = |part: &str| format!("tracking.parameters[{index}].{part}");
        let Some(name) = text::optional(&field("name"), Some(name), 50)? else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
            let message = "must consist of letters, digits, '_', '-' and '.', such as utm_source";
            return Err(Refusal::invalid(field("name"), message));
        }
        if cleaned.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
            return Err(Refusal::invalid(field("name"), "must not be the name of another parameter"));
        }
        let value = match value {
            ParameterValue::Text(text) => match text::optional(&field("text"), Some(text), text::SHORT)? {
                Some(text) => ParameterValue::Text(text),
                None => continue,
            },
            value => value,
        };
        cleaned.push(LinkParameter { name, value });
    }
    at_most("tracking.parameters", cleaned.len(), MAX_PARAMETERS)?;
    Ok(cleaned)
}

/// The scheme and host that tracked links begin with.
fn clean_url(given: &str) -> Result<String, Refusal> {
    let is_origin = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match Url::parse(given) {
        Ok(url) if is_origin(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        Ok(_) | Err(_) => {
            let message = "must be a scheme and host that lead to this installation, such as https://go.example.com";
            Err(Refusal::invalid("tracking.url", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> LinkParameter {
        LinkParameter { name: name.to_owned(), value: ParameterValue::Text(text.to_owned()) }
    }

    fn refused_for(tracking: Tracking) -> Option<String> {
        tracking.clean().err().and_then(|refusal| refusal.field)
    }

    #[test]
    fn what_is_blank_is_off() {
        let blank = Tracking {
            url: Some(" ".to_owned()),
            untracked_topics: vec![String::new(), " Health ".to_owned(), "health".to_owned()],
            parameters: vec![text(" ", "x"), text("utm_source", " ")],
            parameter_hosts: vec![" ".to_owned()],
            ..Tracking::default()
        };
        let cleaned = blank.clean().expect("is accepted");
        assert_eq!(cleaned, Tracking { untracked_topics: vec!["health".to_owned()], ..Tracking::default() });
        assert!(!cleaned.is_on_for(Channel::Email) && !cleaned.is_on_for(Channel::Sms));
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_place() {
        let url = |url: &str| Tracking { url: Some(url.to_owned()), ..Tracking::default() };
        for wrong in ["go.example", "ftp://go.example", "https://go.example/x", "https://go.example?x", "https://a@b.c"]
        {
            assert_eq!(refused_for(url(wrong)).as_deref(), Some("tracking.url"), "{wrong}");
        }
        assert_eq!(url("HTTPS://Go.Example/").clean().expect("works").url.as_deref(), Some("https://go.example"));
        let parameters = |parameters| Tracking { parameters, ..Tracking::default() };
        let wrong = parameters(vec![text("utm_source", "a"), text("utm source", "b")]);
        assert_eq!(refused_for(wrong).as_deref(), Some("tracking.parameters[1].name"));
        let twice = parameters(vec![text("utm_source", "a"), text("UTM_source", "b")]);
        assert_eq!(refused_for(twice).as_deref(), Some("tracking.parameters[1].name"));
        let hosts = |host: &str| Tracking { parameter_hosts: vec![host.to_owned()], ..Tracking::default() };
        assert_eq!(refused_for(hosts("https://shop.example")).as_deref(), Some("tracking.parameter_hosts[0]"));
        assert_eq!(refused_for(hosts("127.0.0.1")).as_deref(), Some("tracking.parameter_hosts[0]"));
        let topics = Tracking { untracked_topics: vec!["two words".to_owned()], ..Tracking::default() };
        assert_eq!(refused_for(topics).as_deref(), Some("tracking.untracked_topics[0]"));
    }
}
