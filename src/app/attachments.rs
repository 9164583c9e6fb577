//! Files of messages: into the blob store before the event that names them, out of it for those who may have them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::app::customers::customer_stream;
use crate::app::engine::error::Stop;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::event::Event as _;
use crate::domain::message::attachment::MessageAttached;
use crate::domain::message::attachment::{
    self, AttachmentFetched, AttachmentMissed, LARGEST, LARGEST_RECEIVED, MOST_RECEIVED, NO_ACCOUNT, ReceivedFile,
    StoredFile,
};
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::MessageKey;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::media::{self, MediaLink};
use crate::domain::value::message::AttachmentState;
use crate::ids::{AttachmentId, CustomerId, Label, MessageId, TenantId, TenantSecret};
use crate::log::blobs::{BlobRef, Blobs, Opening, Sealing, Written};
use crate::log::{AppendError, ReadLimit};

/// How long a provider may fetch a picture: Twilio queues a message for ten hours at most.
const LINK_VALID: TimeDelta = TimeDelta::hours(24);
/// What an upload's answer is sealed for.
const UPLOAD: &str = "upload";
/// How long what nobody refers to stays: time enough to send what was uploaded.
pub const UNUSED_FOR: TimeDelta = TimeDelta::hours(24);

/// A file that is being uploaded, to be sent.
pub struct Upload {
    sealing: Sealing,
    blobs: Blobs,
    secret: TenantSecret,
    blob: BlobRef,
    name: Option<String>,
    content_type: Option<String>,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// What names it in the command that sends it. Sealed: nobody else's command can use it.
    pub token: String,
    /// What is known of it.
    pub file: StoredFile,
}

/// A file that came with an inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivedFile {
    /// As its sender named it.
    pub name: Option<String>,
    /// What its sender says that it is.
    pub content_type: Option<String>,
    /// Its content, or where that is.
    pub content: FileContent,
}

/// Where the content of a file is that came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Here.
    Here(Bytes),
    /// Here: the request that the message came in, which is kept whatever its size.
    Original(Bytes),
    /// At the provider.
    Remote {
        /// Where; not to be trusted.
        url: String,
        /// The provider.
        provider: String,
        /// Its account.
        account: String,
    },
    /// It was not read.
    NotRead,
}

/// A file that lies at a provider, to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The message that it belongs to.
    pub key: MessageKey,
    /// The file's id.
    pub attachment_id: AttachmentId,
    /// Where it is; not to be trusted.
    pub url: String,
}

/// What an upload's token holds.
#[derive(Serialize, Deserialize)]
struct Note {
    file: StoredFile,
}

impl Upload {
    /// Takes the next bytes; false if the file becomes too large. Then it is given up by being dropped.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<bool, AppError> {
        if self.sealing.size() + bytes.len() as u64 > LARGEST {
            return Ok(false);
        }
        self.sealing.push(bytes).await?;
        Ok(true)
    }

    /// Ends the file: it is on the disk, for a day or until it is sent. [`None`] if the customer was forgotten.
    pub async fn finish(self) -> Result<Option<Uploaded>, AppError> {
        let Self { sealing, blobs, secret, blob, name, content_type } = self;
        let file = stored(sealing.finish().await?, blob.id.into(), name, content_type, &secret);
        let Ok(note) = serde_json::to_vec(&Note { file: file.clone() }) else { return Ok(None) };
        let sealed = blobs.seal_note(blob.tenant, blob.subject, UPLOAD, &note).await?;
        Ok(sealed.map(|sealed| Uploaded { token: URL_SAFE_NO_PAD.encode(sealed), file }))
    }
}

fn stored(
    written: Written,
    attachment_id: AttachmentId,
    name: Option<String>,
    content_type: Option<String>,
    secret: &TenantSecret,
) -> StoredFile {
    let mac = hex::encode(secret.fingerprint(Label::FileContent, &[&written.digest]));
    StoredFile { attachment_id, size: written.size, mac, name, content_type }
}

fn blob(tenant: TenantId, customer_id: CustomerId, id: AttachmentId) -> BlobRef {
    BlobRef { tenant, subject: customer_id.into(), id: id.0 }
}

impl App {
    /// The same use cases with a place for files.
    #[must_use]
    pub fn with_blobs(self, blobs: Blobs) -> Self {
        Self { blobs: Some(blobs), ..self }
    }

    pub(super) fn blobs(&self) -> Result<&Blobs, AppError> {
        self.blobs.as_ref().ok_or(AppError::NoBlobs)
    }

    /// Begins to take a file that is to be sent to a customer.
    pub async fn upload(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        name: Option<String>,
        content_type: &str,
    ) -> Result<Result<Upload, Refusal>, AppError> {
        Stop::refusal(self.begin_upload(caller, customer_id, name, content_type).await)
    }

    async fn begin_upload(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        name: Option<String>,
        content_type: &str,
    ) -> Result<Upload, Stop> {
        let (name, content_type) = (attachment::name(name)?, attachment::content_type(content_type)?);
        // A file for a merged customer goes to the survivor, as a message does.
        let customer_id = self.survivor(caller, customer_id).await?;
        let stream = customer_stream(caller.tenant, customer_id);
        self.read_state::<Customer, _>(stream, |loaded| loaded.state.must_exist()).await??;
        let blobs = self.blobs()?.clone();
        let blob = blob(caller.tenant, customer_id, AttachmentId(self.shared.ambient.uuid()));
        let secret = self.basis(caller).await?.secret;
        match blobs.write(blob).await? {
            Some(sealing) => Ok(Upload { sealing, blobs, secret, blob, name, content_type }),
            None => Err(Refusal::customer_forgotten().into()),
        }
    }

    /// What the tokens of uploads stand for; each is young again, so that none is collected before it is sent.
    pub(crate) async fn uploads(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        tokens: &[String],
    ) -> Result<Vec<StoredFile>, Stop> {
        let mut files: Vec<StoredFile> = vec![];
        for token in tokens {
            let blobs = self.blobs()?;
            let sealed = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
            let note = blobs.open_note(caller.tenant, customer_id.into(), UPLOAD, &sealed).await?;
            let file = note.and_then(|note| serde_json::from_slice::<Note>(&note).ok()).map(|note| note.file);
            let there = match &file {
                Some(file) => blobs.touch(blob(caller.tenant, customer_id, file.attachment_id)).await?,
                None => false,
            };
            match file.filter(|_| there) {
                Some(file) if files.iter().any(|known| known.attachment_id == file.attachment_id) => {
                    return Err(Refusal::invalid("attachments", "names a file twice").into());
                }
                Some(file) => files.push(file),
                None => {
                    let message =
                        "this customer has no such upload; uploads that are not sent within a day are removed";
                    let field = Some("attachments".to_owned());
                    return Err(Refusal { field, ..Refusal::new("ATTACHMENT_UNKNOWN", message) }.into());
                }
            }
        }
        Ok(files)
    }

    /// Stores the files of an inbound message. Their ids derive from the message's, so that one that is handed over again
    /// has the same; what exceeds the limits is noted.
    pub(crate) async fn store_arrived(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
        files: Vec<ArrivedFile>,
    ) -> Result<Vec<ReceivedFile>, AppError> {
        let secret = self.basis(caller).await?.secret;
        let (mut received, mut bytes, mut count) = (vec![], 0, 0);
        for (number, ArrivedFile { name, content_type, content }) in files.into_iter().enumerate() {
            let parts = [message_id.0.as_bytes().as_slice(), &(number as u64).to_be_bytes()];
            let attachment_id = AttachmentId(secret.derive(Label::InboundFileId, &parts));
            let short = |text: Option<String>| {
                text.map(|text| text.replace('\0', "\u{FFFD}").chars().take(text::SHORT).collect())
            };
            let (name, content_type): (Option<String>, Option<String>) = (short(name), short(content_type));
            received.push(match content {
                FileContent::NotRead => {
                    ReceivedFile::Missing { attachment_id, reason: "not_read", size: None, name, content_type }
                }
                FileContent::Remote { url, provider, account } => {
                    ReceivedFile::Remote { attachment_id, url, provider, account, content_type }
                }
                FileContent::Here(_) | FileContent::Original(_) => {
                    let is_limited = matches!(content, FileContent::Here(_));
                    let (FileContent::Here(content) | FileContent::Original(content)) = content else { continue };
                    let size = content.len() as u64;
                    let reason = match () {
                        () if !is_limited => None,
                        () if count == MOST_RECEIVED => Some("too_many"),
                        () if size > LARGEST || bytes + size > LARGEST_RECEIVED => Some("too_large"),
                        () => None,
                    };
                    match reason {
                        Some(reason) => {
                            ReceivedFile::Missing { attachment_id, reason, size: Some(size), name, content_type }
                        }
                        None => {
                            (count, bytes) = (count + 1, bytes + size);
                            let written = self.write_whole(blob(caller.tenant, customer_id, attachment_id), &content);
                            match written.await? {
                                Some(written) => {
                                    ReceivedFile::Stored(stored(written, attachment_id, name, content_type, &secret))
                                }
                                // A forgotten customer gets no message either: the decision says so.
                                None => continue,
                            }
                        }
                    }
                }
            });
        }
        Ok(received)
    }

    pub(super) async fn write_whole(&self, blob: BlobRef, content: &[u8]) -> Result<Option<Written>, AppError> {
        let Some(mut sealing) = self.blobs()?.write(blob).await? else { return Ok(None) };
        sealing.push(content).await?;
        Ok(Some(sealing.finish().await?))
    }

    /// Notes that events refer to files. Should it fail, the collector finds out from the log.
    pub(crate) async fn keep_files(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        files: impl Iterator<Item = AttachmentId>,
    ) {
        let Some(blobs) = &self.blobs else { return };
        for id in files {
            if let Err(error) = blobs.keep(blob(caller.tenant, customer_id, id)).await {
                tracing::warn!(attachment_id = %id, %error, "a file could not yet be marked as kept");
            }
        }
    }

    /// Takes a forgotten customer's files away; their key is destroyed before. May be repeated.
    pub(crate) async fn remove_files(&self, caller: &Caller, customer_id: CustomerId) -> Result<(), AppError> {
        match &self.blobs {
            Some(blobs) => Ok(blobs.remove(caller.tenant, customer_id.into()).await?),
            None => Ok(()),
        }
    }

    /// A file's content; [`None`] if there is none, or the customer was forgotten.
    pub async fn read_file(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        id: AttachmentId,
    ) -> Result<Option<Opening>, AppError> {
        Ok(self.blobs()?.read(blob(caller.tenant, customer_id, id)).await?)
    }

    /// Where a provider can fetch a file for a while; [`None`] if a text message cannot carry it.
    pub async fn media_url(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        file: &StoredFile,
    ) -> Result<Option<String>, AppError> {
        let Some(kind) = file.content_type.as_deref().and_then(media::kind) else { return Ok(None) };
        let link = MediaLink {
            tenant: caller.tenant,
            customer_id,
            attachment_id: file.attachment_id,
            kind,
            expires_at: self.shared.ambient.now() + LINK_VALID,
        };
        let basis = self.basis(caller).await?;
        let token = link.seal(&basis.secret);
        Ok(Some(format!("{}/media/{token}", self.public_url())))
    }

    /// What a link leads to: its media type and content. [`None`] if it is not one of ours, has expired, or the file is gone.
    pub async fn open_media(&self, token: &str) -> Result<Option<(&'static str, Opening)>, AppError> {
        let Some(tenant) = MediaLink::claimed_tenant(token) else { return Ok(None) };
        if !self.is_tenant(tenant).await? {
            return Ok(None);
        }
        let caller = Caller::new(tenant, "media");
        let basis = self.basis(&caller).await?;
        let Some(link) = MediaLink::open(token, &basis.secret, self.shared.ambient.now()) else { return Ok(None) };
        let opening = self.read_file(&caller, link.customer_id, link.attachment_id).await?;
        Ok(opening.map(|opening| (link.kind.name, opening)))
    }

    /// A file that lies at a provider, by its event's version; [`None`] if the customer was forgotten.
    pub async fn remote_file(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        version: u64,
    ) -> Result<Option<RemoteFile>, AppError> {
        let stream = customer_stream(caller.tenant, customer_id);
        let events = self.shared.journal.read_stream(stream, version.saturating_sub(1), ReadLimit::events(1)).await?;
        let Some(recorded) = events.first() else { return Ok(None) };
        Ok(match decode::<Customer>(recorded)?.event {
            CustomerEvent::Message(MessageEvent::MessageAttached(attached))
                if attached.state == AttachmentState::Remote =>
            {
                let url = attached.personal.and_then(|personal| personal.url);
                url.map(|url| RemoteFile { key: attached.key, attachment_id: attached.attachment_id, url })
            }
            _ => None,
        })
    }

    /// Stores what was fetched from a provider, and records it.
    pub async fn file_fetched(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        remote: RemoteFile,
        content: &[u8],
    ) -> Result<(), AppError> {
        let RemoteFile { key, attachment_id, .. } = remote;
        let place = blob(caller.tenant, customer_id, attachment_id);
        let Some(written) = self.write_whole(place, content).await? else { return Ok(()) };
        let basis = self.basis(caller).await?;
        let StoredFile { size, mac, .. } = stored(written, attachment_id, None, None, &basis.secret);
        let event = AttachmentFetched { key, attachment_id, size, mac }.into();
        self.record_fetching(caller, customer_id, attachment_id, Label::FileFetchedEvent, event).await?;
        self.keep_files(caller, customer_id, std::iter::once(attachment_id)).await;
        // The customer may have been forgotten since the key was asked for.
        let stream = customer_stream(caller.tenant, customer_id);
        if self.read_state::<Customer, _>(stream, |loaded| loaded.state.is_forgotten()).await? {
            self.remove_files(caller, customer_id).await?;
        }
        Ok(())
    }

    /// Tells that a file is not fetched, for good.
    pub async fn file_missed(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        remote: RemoteFile,
        reason: &str,
    ) -> Result<(), AppError> {
        let RemoteFile { key, attachment_id, .. } = remote;
        let label = if reason == NO_ACCOUNT { Label::FileWithoutAccountEvent } else { Label::FileFetchedEvent };
        let event = AttachmentMissed { key, attachment_id, reason: reason.to_owned() }.into();
        self.record_fetching(caller, customer_id, attachment_id, label, event).await
    }

    /// Records once what came of fetching, whichever node fetched. That an account was missing is a fact of its own,
    /// which does not end the fetching.
    async fn record_fetching(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        attachment_id: AttachmentId,
        label: Label,
        event: CustomerEvent,
    ) -> Result<(), AppError> {
        let basis = self.basis(caller).await?;
        let now = self.shared.ambient.now();
        let parts = [customer_id.0.as_bytes().as_slice(), attachment_id.0.as_bytes()];
        let id = crate::ids::EventId(basis.secret.derive(label, &parts));
        let decided = crate::domain::decision::Decided { id, occurred_at: now, event };
        let stream = customer_stream(caller.tenant, customer_id);
        match self.append_fact::<Customer>(caller, stream, None, vec![decided]).await {
            // Another node was faster.
            Ok(_) | Err(AppError::Append(AppendError::EventIdTaken { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes away blobs that were touched last before a time and that no event refers to; how many. Those that one refers
    /// to, and that a crash kept from being noted so, are noted.
    pub async fn collect_files(&self, before: DateTime<Utc>) -> Result<usize, AppError> {
        let Some(blobs) = &self.blobs else { return Ok(0) };
        let mut collected = 0;
        for blob in blobs.unkept(before, 1_000).await? {
            if self.refers(blob).await? {
                blobs.keep(blob).await?;
            } else if blobs.collect(blob, before).await? {
                collected += 1;
            }
        }
        Ok(collected)
    }

    /// Whether an event of the customer's refers to a blob. The log is asked, as read tables may be behind.
    async fn refers(&self, blob: BlobRef) -> Result<bool, AppError> {
        #[derive(Deserialize)]
        struct Data {
            attachment_id: AttachmentId,
        }
        let stream = customer_stream(blob.tenant, CustomerId(blob.subject.0));
        let log = self.shared.journal.backend();
        let mut after = 0;
        loop {
            let events = log.read_stream(stream, after, ReadLimit::events(1_000)).await?;
            let Some(last) = events.last() else { return Ok(false) };
            after = last.envelope.version;
            let tells = |kind: &str| matches!(kind, MessageAttached::TYPE | AttachmentFetched::TYPE);
            let mut told = events.iter().filter(|event| tells(&event.envelope.event_type));
            if told.any(|event| {
                serde_json::from_slice::<Data>(&event.data).is_ok_and(|data| data.attachment_id.0 == blob.id)
            }) {
                return Ok(true);
            }
        }
    }
}
