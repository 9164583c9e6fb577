//! Commands that callers may repeat. A name is part of the fingerprint by which a repetition is known: it is never changed
//! and never given to another command.

use serde::Serialize;

use crate::ids::CustomerId;

/// What a caller asks for, with the name that its idempotency key is bound to.
pub trait Command: Serialize + Clone + Send + Sync {
    /// Unique among all commands; stored as part of a fingerprint.
    const NAME: &'static str;
    /// The fold that it is decided on.
    type State;
}

/// A command about a person: it acts on the survivor of the customer that it names.
pub trait AboutPerson: Command<State = crate::domain::customer::state::Customer> {
    /// The customer that it names.
    fn customer_id(&mut self) -> &mut CustomerId;
}

macro_rules! commands {
    ($($state:path { $($command:path = $name:literal,)* })*) => {
        $($(
            impl Command for $command {
                const NAME: &'static str = $name;
                type State = $state;
            }
        )*)*

        /// The names of all commands.
        pub const NAMES: &[&str] = &[$($($name,)*)*];
    };
}

commands! {
    super::account::state::ProviderAccounts {
        super::account::decide::ConfigurationInput = "configure_account",
        super::account::decide::RemoveAccount = "remove_account",
        super::account::decide::SetAccountRate = "set_account_rate",
        super::account::decide::PauseAccount = "pause_account",
        super::account::decide::ResumeAccount = "resume_account",
        super::account::decide::TestAccount = "test_account",
    }
    super::canned::state::CannedReply {
        super::canned::decide::SaveCannedReply = "save_canned_reply",
        super::canned::decide::RemoveCannedReply = "remove_canned_reply",
    }
    super::template::state::Template {
        super::template::decide::SaveTemplate = "save_template",
        super::template::decide::PublishTemplate = "publish_template",
        super::template::decide::ArchiveTemplate = "archive_template",
    }
    super::address::state::Address {
        super::address::decide::SuppressAddress = "suppress_address",
        super::address::decide::LiftSuppression = "lift_suppression",
        super::address::validation::ValidateAddress = "validate_address",
    }
    super::customer::state::Customer {
        super::activity::decide::RecordActivity = "record_activity",
        super::consent::choice::RequestOptIn = "request_opt_in",
        super::consent::decide::SetConsent = "set_consent",
        super::conversation::decide::UpdateConversation = "update_conversation",
        super::customer::decide::RegisterCustomer = "register_customer",
        super::customer::decide::ChangeProfile = "change_profile",
        super::customer::decide::AddAddress = "add_address",
        super::customer::decide::RemoveAddress = "remove_address",
        super::customer::decide::AddNote = "add_note",
        super::customer::decide::PinNote = "pin_note",
        super::customer::decide::ForgetCustomer = "forget_customer",
        super::customer::decide::CompleteErasure = "complete_erasure",
        super::customer::merge::MergeCustomers = "merge_customers",
        super::message::decide::SendRequest = "send_message",
        super::message::decide::ReceiveMessage = "receive_message",
        super::message::decide::CancelMessage = "cancel_message",
        super::message::dispatch::ResolveInDoubt = "resolve_in_doubt",
    }
    super::import::state::Import {
        super::import::decide::CompleteImport = "complete_import",
        super::import::decide::UndoImport = "undo_import",
    }
    super::list::state::List {
        super::list::decide::CreateList = "create_list",
        super::list::decide::UpdateList = "update_list",
        super::list::decide::DeleteList = "delete_list",
        super::list::decide::ChangeMembers = "change_members",
    }
    super::campaign::state::Campaign {
        super::campaign::decide::CreateCampaign = "create_campaign",
        super::campaign::decide::ChangeCampaign = "change_campaign",
        super::campaign::decide::StartCampaign = "start_campaign",
        super::campaign::decide::UnscheduleCampaign = "unschedule_campaign",
        super::campaign::decide::ApproveCampaign = "approve_campaign",
        super::campaign::decide::ChooseWinner = "choose_winner",
        super::campaign::decide::PauseCampaign = "pause_campaign",
        super::campaign::decide::ResumeCampaign = "resume_campaign",
        super::campaign::decide::SetCampaignRate = "set_campaign_rate",
        super::campaign::decide::SetCampaignBudget = "set_campaign_budget",
        super::campaign::decide::CancelCampaign = "cancel_campaign",
    }
    super::tenant::state::Tenant {
        super::tenant::decide::CreateTenant = "create_tenant",
        super::tenant::change_policy::UpdatePolicy = "update_policy",
        super::tenant::change_brand::UpdateBrand = "update_brand",
        super::tenant::decide::IssueApiKey = "issue_api_key",
        super::tenant::decide::NameUser = "name_user",
        super::tenant::decide::ForgetUser = "forget_user",
        super::tenant::decide::RevokeApiKey = "revoke_api_key",
        super::tenant::decide::SkipParked = "skip_parked",
        super::tenant::decide::RecordPersonalRead = "record_personal_read",
    }
}

macro_rules! about_person {
    ($($command:path,)*) => {$(
        impl AboutPerson for $command {
            fn customer_id(&mut self) -> &mut CustomerId {
                &mut self.customer_id
            }
        }
    )*};
}

about_person! {
    super::consent::choice::RequestOptIn,
    super::consent::decide::SetConsent,
    super::customer::decide::ChangeProfile,
    super::customer::decide::AddAddress,
    super::customer::decide::RemoveAddress,
    super::customer::decide::AddNote,
}
