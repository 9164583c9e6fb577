//! The names of streams in KurrentDB, and back. They are readable, lossless, and begin with the name of the log, so that several
//! logs and other programs share a cluster.
//!
//! - `<log>_<category>-<tenant>_<key>`: a stream of ours. KurrentDB takes `<log>_<category>` for its category.
//! - `<log>-command-<tenant>_<id>`: what a command made, or was about to make.
//! - `<log>-log`: the log's id and epochs.

use uuid::Uuid;

use crate::ids::{CommandId, TenantId};
use crate::log::{Category, StreamId};

/// The name of a log whose address does not give one.
pub(super) const DEFAULT_LOG: &str = "commlog";

/// Names streams of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    log: String,
}

/// What a stream is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// A stream of ours.
    Stream(StreamId),
    /// A command's.
    Command(TenantId, CommandId),
    /// The log's own.
    Log,
}

impl Names {
    /// [`None`] unless the name of the log consists of 1 to 40 letters a to z and digits: its end is always recognised.
    pub(super) fn new(log: &str) -> Option<Self> {
        let fits =
            (1..=40).contains(&log.len()) && log.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        fits.then(|| Self { log: log.to_owned() })
    }

    /// A stream of ours.
    pub(super) fn stream(&self, stream: &StreamId) -> String {
        format!("{}{}-{}_{}", self.events(), stream.category.name(), stream.tenant.0, stream.key)
    }

    /// A command's stream.
    pub(super) fn command(&self, tenant: TenantId, id: CommandId) -> String {
        format!("{}command-{}_{}", self.own(), tenant.0, id.0)
    }

    /// The log's own stream.
    pub(super) fn log(&self) -> String {
        format!("{}log", self.own())
    }

    /// What the names of all streams with events begin with, and of no other.
    pub(super) fn events(&self) -> String {
        format!("{}_", self.log)
    }

    /// What the names of the other streams of this log begin with.
    pub(super) fn own(&self) -> String {
        format!("{}-", self.log)
    }

    /// What a stream is; [`None`] for one of somebody else.
    pub(super) fn read(&self, name: &str) -> Option<Named> {
        let rest = name.strip_prefix(&self.log)?;
        if let Some(stream) = rest.strip_prefix('_') {
            let (category, ids) = stream.split_once('-')?;
            let (tenant, key) = ids_of(ids)?;
            return Some(Named::Stream(StreamId::new(TenantId(tenant), category.parse::<Category>().ok()?, key)));
        }
        match rest.strip_prefix('-')? {
            "log" => Some(Named::Log),
            own => {
                let (tenant, id) = ids_of(own.strip_prefix("command-")?)?;
                Some(Named::Command(TenantId(tenant), CommandId(id)))
            }
        }
    }
}

/// Two ids as we write them, in no other spelling: a name stands for one stream only.
fn ids_of(text: &str) -> Option<(Uuid, Uuid)> {
    let (one, other) = text.split_once('_')?;
    let id = |text: &str| Uuid::try_parse(text).ok().filter(|id| id.to_string() == text);
    Some((id(one)?, id(other)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
    const OTHER: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ff);

    #[test]
    fn names_are_read_back() {
        let names = Names::new("crm2").unwrap();
        for category in Category::ALL {
            let stream = StreamId::new(TenantId(ONE), category, OTHER);
            let name = names.stream(&stream);
            assert!(name.starts_with(&format!("crm2_{}-", category.name())));
            assert_eq!(names.read(&name), Some(Named::Stream(stream)));
        }
        let command = names.command(TenantId(ONE), CommandId(OTHER));
        assert_eq!(names.read(&command), Some(Named::Command(TenantId(ONE), CommandId(OTHER))));
        assert_eq!(names.read(&names.log()), Some(Named::Log));
    }

    #[test]
    fn names_of_others_are_nobodys() {
        let names = Names::new("crm").unwrap();
        let other = Names::new("crm2").unwrap();
        let stream = StreamId::new(TenantId(ONE), Category::Customer, OTHER);
        let name = names.stream(&stream);
        for foreign in
            [other.stream(&stream), name.to_uppercase(), format!("{name}0"), format!("$${name}"), "crm_".into()]
        {
            assert_eq!(names.read(&foreign), None, "{foreign}");
        }
        for log in ["", "CRM", "crm_1", "crm-1", "$crm"] {
            assert_eq!(Names::new(log), None, "{log}");
        }
    }
}
