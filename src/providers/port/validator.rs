//! The port for services that say whether messages can arrive at an address.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::domain::value::message::RetryClass;
use crate::domain::value::validation::Verdict;
use crate::providers::SendError;

/// A service that checks addresses. Nothing is sent to them by it; most checks cost money.
#[async_trait]
pub trait Validator: Send + Sync {
    /// Its name in settings and events.
    fn name(&self) -> &'static str;

    /// What it can check.
    fn checks(&self) -> &[AddressKind];

    /// Asks once; never again by itself. An address of another kind is refused before any call.
    async fn validate(&self, address: &Address) -> Result<Verdict, ValidatorError>;
}

/// A service has said nothing of the address. Asking again does no harm, but may cost again. Holds nothing of the address, and
/// no words of the service, which repeat it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorError {
    /// It definitely refused; `class` says what to do about it.
    #[error("the service refused to check the address: {class}")]
    Refused {
        /// What to do about it.
        class: RetryClass,
        /// Its code or word, or `http_` and the status.
        code: Option<String>,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer came, or none of the service's own. The check may have been paid for.
    #[error("the service gave no answer: {cause}")]
    NoAnswer {
        /// As in [`SendError::Ambiguous`].
        cause: &'static str,
    },
}

impl ValidatorError {
    /// A refusal that says nothing about when to come back.
    pub fn refused(class: RetryClass, code: impl Into<String>) -> Self {
        Self::Refused { class, code: Some(code.into()), retry_after: None }
    }

    /// The service does not check addresses of this kind.
    #[must_use]
    pub fn not_checked() -> Self {
        Self::refused(RetryClass::Configuration, "kind_not_checked")
    }

    /// Whether the same question may be put again later; otherwise somebody has to change something first.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Refused { class, .. } => matches!(class, RetryClass::Transient | RetryClass::RateLimited),
            Self::NoAnswer { .. } => true,
        }
    }
}

impl From<SendError> for ValidatorError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused { class, code, retry_after, .. } => Self::Refused { class, code, retry_after },
            SendError::Ambiguous { cause } => Self::NoAnswer { cause },
        }
    }
}
