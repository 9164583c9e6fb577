//! What a command appends: its events, and what the streams of addresses record because of them.

use crate::app::App;
use crate::app::addresses::address_stream;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::{AtAddress, CommandRun};
use crate::app::engine::traced;
use crate::domain::address::state::Address;
use crate::log::journal::JournalError;
use crate::log::{Append, AppendError, Appended, Expected, LogError, Precondition};
use crate::traces;

impl App {
    /// Appends a command's events together with what addresses record because of them: a crash leaves all or nothing. The traces
    /// of messages that are queued begin.
    pub(super) async fn append_with_addresses(
        &self,
        run: &CommandRun<'_>,
        append: Append,
        at_addresses: Vec<AtAddress>,
    ) -> Result<Appended, JournalError> {
        let queued = traced::queued(&append);
        let appended = self.append_together(run, append, at_addresses).await?;
        if !appended.already {
            queued.into_iter().for_each(traces::queued);
        }
        Ok(appended)
    }

    async fn append_together(
        &self,
        run: &CommandRun<'_>,
        append: Append,
        at_addresses: Vec<AtAddress>,
    ) -> Result<Appended, JournalError> {
        if at_addresses.is_empty() {
            return self.shared.journal.append(append).await;
        }
        let before = match append.expected {
            Expected::Exact(version) => version,
            Expected::Any => return self.shared.journal.append(append).await,
        };
        // If the command's own events are not appended now, its stream stands at another version.
        let with_events = Precondition { stream: append.stream, version: before + append.events.len() as u64 };
        let causation = append.events.first().map(|event| event.id);
        let mut appends = vec![append];
        appends.extend(at_addresses.iter().map(|(address_id, event)| {
            let stream = address_stream(run.caller.tenant, *address_id);
            Append {
                stream,
                expected: Expected::Any,
                preconditions: vec![with_events],
                cause: CommandRun { causation, ..CommandRun::new(run.caller, stream, None) }.cause(),
                events: vec![Address::seal_ready(&stream, event)],
            }
        }));
        let mut results = self.shared.journal.append_all(appends).await?.into_iter();
        let own = results.next().ok_or(LogError::Closed)??;
        for ((address_id, event), result) in at_addresses.iter().zip(results) {
            let stream = address_stream(run.caller.tenant, *address_id);
            match result {
                Ok(appended) if appended.already => {}
                Ok(appended) => {
                    self.apply_facts::<Address>(stream, appended.first_version, std::slice::from_ref(event)).await;
                }
                // The same in another moment: it was recorded before. A conflict: so was the command.
                Err(AppendError::EventIdTaken { .. } | AppendError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(own)
    }
}
