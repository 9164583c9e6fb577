//! Imports: chunks of rows become bulk appends of facts, which can be undone as a batch.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::import::decide::{
    CompleteImport, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions, MessageRow, OrderOptions,
    OrderRow, StartImport, UndoImport, UndoneImport,
};
use crate::ids::ImportId;

impl App {
    /// Begins the import of a file, or goes on with it: the same file is the same import until it is undone.
    pub async fn start_import(&self, caller: &Caller, command: StartImport) -> Result<Outcome<ImportRun>, AppError> {
        pending(self, caller, command).await
    }

    /// Takes in orders, a chunk at a time. Customers that are not known are registered by their external id.
    pub async fn import_orders(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &OrderOptions,
        rows: Vec<OrderRow>,
    ) -> Result<ImportedChunk, AppError> {
        pending(self, caller, (run, options, rows)).await
    }

    /// Takes in customers, a chunk at a time.
    pub async fn import_customers(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &CustomerOptions,
        rows: Vec<CustomerRow>,
    ) -> Result<ImportedChunk, AppError> {
        pending(self, caller, (run, options, rows)).await
    }

    /// Takes in inbound messages, a chunk at a time.
    pub async fn import_messages(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &MessageOptions,
        rows: Vec<MessageRow>,
    ) -> Result<ImportedChunk, AppError> {
        pending(self, caller, (run, options, rows)).await
    }

    /// Records that a file was read to its end.
    pub async fn complete_import(
        &self,
        caller: &Caller,
        command: CompleteImport,
    ) -> Result<Outcome<ImportId>, AppError> {
        pending(self, caller, command).await
    }

    /// Takes back what an import brought, except opt-outs. Importing the file again then brings it back.
    pub async fn undo_import(&self, caller: &Caller, command: UndoImport) -> Result<Outcome<UndoneImport>, AppError> {
        pending(self, caller, command).await
    }
}
