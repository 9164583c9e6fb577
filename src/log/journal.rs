//! Placeholder until the log lands.
use std::sync::Arc;

use crate::clock::Ambient;
use crate::ids::{Position, SubjectId, TenantId, TenantSecret};
use crate::log::{Append, AppendError, Appended, EventLog, LogError, ReadLimit, RecordedEvent, StreamId};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Log(#[from] LogError),
}

#[derive(Clone)]
pub struct Journal(Arc<dyn EventLog>, Ambient);

impl Journal {
    pub async fn append(&self, _append: Append) -> Result<Appended, JournalError> {
        Err(LogError::Closed.into())
    }
    pub async fn append_all(&self, _appends: Vec<Append>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        Err(LogError::Closed)
    }
    pub async fn read_all(&self, _after: Position, _limit: ReadLimit) -> Result<Vec<RecordedEvent>, LogError> {
        Err(LogError::Closed)
    }
    pub async fn read_stream(
        &self,
        _stream: StreamId,
        _after: u64,
        _limit: ReadLimit,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        Err(LogError::Closed)
    }
    pub async fn load_snapshot(
        &self,
        _stream: StreamId,
        _subject: Option<SubjectId>,
        _fold: &str,
        _fold_version: u32,
    ) -> Result<Option<(u64, Vec<u8>)>, LogError> {
        Err(LogError::Closed)
    }
    pub async fn save_snapshot(
        &self,
        _stream: StreamId,
        _subject: Option<SubjectId>,
        _fold: &str,
        _fold_version: u32,
        _version: u64,
        _state: Vec<u8>,
    ) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
    pub async fn tenant_secret(&self, _tenant: TenantId) -> Result<TenantSecret, LogError> {
        Err(LogError::Closed)
    }
    pub async fn destroy_key(&self, _subject: SubjectId) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
    pub fn backend(&self) -> &Arc<dyn EventLog> {
        &self.0
    }
}
