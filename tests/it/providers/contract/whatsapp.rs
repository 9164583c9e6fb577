//! WhatsApp by Twilio under the contract.

use commlog::domain::value::Channel;

use super::twilio::TwilioSubject;

contract! {
    Whatsapp of commlog::providers::twilio::PROVIDER;
    except "Twilio signs no time: a repetition is recognised by its event id":
        a_stale_webhook_is_refused
}

struct Whatsapp;

impl Whatsapp {
    async fn fresh() -> TwilioSubject {
        TwilioSubject::of(Channel::Whatsapp).await
    }
}
