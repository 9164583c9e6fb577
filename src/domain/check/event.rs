//! Events of one day's checks at one service. Which addresses were checked does not stand here.

use chrono::NaiveDate;

use crate::domain::event::{event, stream_events};

event! {
    /// A service is about to be asked about an address, and will be paid for it.
    CheckReserved 1 {
        /// The name of the service.
        validator: String,
        /// The day, in UTC.
        day: NaiveDate,
    }
}

event! {
    /// The service definitely refused: a check that was reserved is not paid.
    CheckReleased 1 {
        validator: String,
        day: NaiveDate,
    }
}

stream_events! {
    /// Everything that can happen to a day's checks.
    CheckEvent {
        CheckReserved,
        CheckReleased,
    }
}
