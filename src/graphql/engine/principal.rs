//! Who asks, and what their role lets them do.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::tenant::event::Role;
use crate::ids::{ApiKeyId, TenantId};

/// The holder of a valid API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// Whose data the key opens; everything else does not exist for it.
    pub tenant: TenantId,
    /// The key.
    pub key: ApiKeyId,
    /// The key's role.
    pub role: Role,
    /// Whether the key was issued with sight of personal data.
    pub personal: bool,
    /// Whether the key was issued for sending.
    pub send: bool,
    /// Whether the key was issued for acting for users.
    pub acts_for_users: bool,
    /// The user who signed in and got the key for it.
    pub user: Option<Uuid>,
    /// From when on the key is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Something that only some roles may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read customers, timelines, messages, consents, lists of them, and metrics.
    Read,
    /// Read the log's events as stored.
    ReadEvents,
    /// See names, addresses, texts and free attributes.
    SeePersonal,
    /// Change customers, their notes, consent and conversations; suppress addresses.
    Edit,
    /// Write the tenant's texts and lists of customers: canned replies, templates, lists.
    Author,
    /// Record what happened: customers, activities, inbound messages.
    Record,
    /// Send and cancel messages.
    Send,
    /// Keys, forgetting, lifting suppressions, undoing imports, parked events.
    Administer,
}

impl Permission {
    /// What the permission is for, to be read after "this API key may not".
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Read => "read customers and metrics",
            Self::ReadEvents => "read the log's events",
            Self::SeePersonal => "see personal data",
            Self::Edit => "change customers",
            Self::Author => "write canned replies, templates and lists",
            Self::Record => "record facts",
            Self::Send => "send messages",
            Self::Administer => "administer the tenant",
        }
    }
}

impl Principal {
    /// Whether the role, or a grant on the key, allows it.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Role::{Admin, Agent, Analyst, Auditor, Ingest, Marketer};
        match permission {
            Permission::Read => matches!(self.role, Admin | Marketer | Agent | Analyst | Auditor),
            Permission::ReadEvents => matches!(self.role, Admin | Auditor),
            // What is usual for a role is settled when its key is issued; from then on the key's own word counts.
            Permission::SeePersonal => match self.role {
                Admin => true,
                Marketer | Agent | Analyst | Auditor => self.personal,
                Ingest => false,
            },
            Permission::Edit => matches!(self.role, Admin | Marketer | Agent),
            Permission::Author => matches!(self.role, Admin | Marketer),
            Permission::Record => matches!(self.role, Admin | Marketer | Agent | Ingest),
            Permission::Send => match self.role {
                Admin => true,
                Marketer | Agent => self.send,
                Analyst | Auditor | Ingest => false,
            },
            Permission::Administer => matches!(self.role, Admin),
        }
    }

    /// The name under which the key's holder stands in the log.
    #[must_use]
    pub fn actor(self) -> String {
        let key = format!("key:{}", self.key);
        self.user.map_or_else(|| key.clone(), |user| format!("user:{user}/{key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(role: Role) -> Principal {
        let id = uuid::Uuid::nil();
        Principal {
            tenant: id.into(),
            key: id.into(),
            role,
            personal: false,
            send: false,
            acts_for_users: false,
            user: None,
            expires_at: None,
        }
    }

    #[test]
    fn a_marketer_edits_but_sends_only_with_the_grant() {
        let marketer = key(Role::Marketer);
        assert!(marketer.may(Permission::Edit));
        assert!(!marketer.may(Permission::Send));
        assert!(Principal { send: true, ..marketer }.may(Permission::Send));
    }

    #[test]
    fn an_analyst_sees_no_person_unless_granted() {
        let analyst = key(Role::Analyst);
        assert!(analyst.may(Permission::Read));
        assert!(!analyst.may(Permission::SeePersonal));
        assert!(Principal { personal: true, ..analyst }.may(Permission::SeePersonal));
    }

    #[test]
    fn ingest_writes_and_reads_nothing() {
        let ingest = Principal { personal: true, send: true, ..key(Role::Ingest) };
        assert!(ingest.may(Permission::Record));
        for permission in [Permission::Read, Permission::ReadEvents, Permission::SeePersonal, Permission::Send] {
            assert!(!ingest.may(permission), "{permission:?}");
        }
    }
}
