//! What commands answer.

use crate::domain::event::DecodeError;
use crate::domain::refusal::Refusal;
use crate::ids::{EventId, Position};
use crate::log::blobs::BlobError;
use crate::log::{AppendError, LogError, StreamId};

/// The answer to a command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Carried out, now or earlier.
    Done(Done<T>),
    /// Not carried out, for a reason that the caller can act on.
    Refused(Refusal),
}

/// The answer to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// The command's own answer.
    pub value: T,
    /// Where its last event stands: a query that waits for this position sees what the command did.
    pub position: Position,
    /// True if the command had been carried out before, and this is its first answer again.
    pub repeated: bool,
}

impl<T> Outcome<T> {
    /// Changes the value of an answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(done) => {
                Outcome::Done(Done { value: change(done.value), position: done.position, repeated: done.repeated })
            }
            Self::Refused(refusal) => Outcome::Refused(refusal),
        }
    }

    /// The answer, with a refusal as the error.
    pub fn into_result(self) -> Result<Done<T>, Refusal> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(refusal) => Err(refusal),
        }
    }
}

/// Why a use case ends before it is done, so that `?` ends it for either reason.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The domain said no.
    Refused(Refusal),
    /// No answer could be found.
    Failed(AppError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        Self::Failed(error.into())
    }
}

impl Stop {
    /// The border between this module and its callers, for which a refusal is data.
    pub fn outcome<T>(result: Result<Done<T>, Self>) -> Result<Outcome<T>, AppError> {
        Ok(match Self::refusal(result)? {
            Ok(done) => Outcome::Done(done),
            Err(refusal) => Outcome::Refused(refusal),
        })
    }

    /// Separates a refusal from a failure, for steps that go on after a refusal.
    pub fn refusal<T>(result: Result<T, Self>) -> Result<Result<T, Refusal>, AppError> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Refused(refusal)) => Ok(Err(refusal)),
            Err(Self::Failed(error)) => Err(error),
        }
    }
}

/// Why a command could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The log did not answer. The command may or may not have been carried out; repeat it with its idempotency key.
    #[error("the log did not respond")]
    Log(#[from] LogError),
    /// A stored event cannot be read by this binary.
    #[error("event {event_id} of stream {stream} cannot be read")]
    Decode {
        /// The event's stream.
        stream: StreamId,
        /// The event's id.
        event_id: EventId,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// Others kept changing the same stream.
    #[error("stream {stream} changed {attempts} times while a command on it was decided; try again")]
    Contended {
        /// The stream.
        stream: StreamId,
        /// How often it was tried.
        attempts: u32,
    },
    /// The idempotency key was used for another command, or for the same one with other input.
    #[error("the idempotency key was used for another command")]
    KeyReused,
    /// The events that the log holds of a repeated command do not hold its answer.
    #[error("the events of the command on stream {stream} do not contain its result")]
    Unanswerable {
        /// The stream.
        stream: StreamId,
    },
    /// The blob store did not answer.
    #[error("the blob store did not respond")]
    Blobs(#[from] BlobError),
    /// This process was put together without a blob store.
    #[error("there is no blob store")]
    NoBlobs,
    /// The log refused an append that this module should not have made.
    #[error("the log refused an append")]
    Append(#[source] AppendError),
}
