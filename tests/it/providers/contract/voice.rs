//! Calls by Twilio under the contract.

use commlog::domain::value::Channel;

use super::twilio::TwilioSubject;

contract! {
    Calls of commlog::providers::twilio::PROVIDER;
    except "Twilio signs no time: a repetition is recognised by its event id":
        a_stale_webhook_is_refused
}

struct Calls;

impl Calls {
    async fn fresh() -> TwilioSubject {
        TwilioSubject::of(Channel::Voice).await
    }
}
