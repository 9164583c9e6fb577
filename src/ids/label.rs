//! What ids and fingerprints are derived from, beside their input: a label each, so that no two kinds of input ever give
//! the same id. Ids are stored, so a label never changes; `docs/stored-names.md` lists them, and a test compares it.

macro_rules! labels {
    ($($(#[doc = $doc:literal])* $variant:ident = $label:literal,)*) => {
        /// What is derived with a tenant's secret. The label is the first part of the HMAC's input.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Label { $($(#[doc = $doc])* $variant,)* }

        impl Label {
            /// Every label.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What is derived.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*),)* }
            }

            /// The bytes of the HMAC's first part.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

labels! {
    /// A command, from the caller's idempotency key.
    CommandId = "command id",
    /// A command's name and input: the same key with other input is an error.
    CommandInput = "command input",
    /// The taking in of a message that a provider may hand over again.
    InboundCommandId = "inbound command id",
    /// The content of such a message.
    InboundCommandInput = "inbound command input",
    /// A message that came in.
    InboundMessageId = "inbound message id",
    /// A message of an imported history.
    ImportedMessageId = "imported message id",
    /// The `MessageReceived` of an imported history.
    ImportedMessageEvent = "imported message event",
    /// A file that came with a message.
    InboundFileId = "inbound file id",
    /// The content of a file.
    FileContent = "file content",
    /// The `AttachmentFetched` or `AttachmentMissed` of a file.
    FileFetchedEvent = "file fetched event",
    /// The `AttachmentMissed` of a file whose account was not known: it may be fetched after all.
    FileWithoutAccountEvent = "file without account event",
    /// A callback that was kept, and its `CallbackKept`.
    CallbackId = "callback id",
    /// The `CallbackResolved` of a callback.
    CallbackResolvedEvent = "callback resolved event",
    /// The `CallbackReviewed` of a callback, by a version of its parser.
    CallbackReviewedEvent = "callback reviewed event",
    /// The `CallbackExpired` of a callback.
    CallbackExpiredEvent = "callback expired event",
    /// The stream of the callbacks that were kept for an account.
    CallbackStream = "callback stream",
    /// The stream of a tenant's provider accounts.
    AccountStream = "account stream",
    /// A secret that was given for an account, within a command's input.
    GivenSecret = "given secret",
    /// A campaign's message to a customer.
    CampaignMessageId = "campaign message id",
    /// The `MessageQueued` of a campaign at an address: nobody there gets a second one.
    CampaignCopyEvent = "campaign copy event",
    /// The asking for a campaign's message to a customer.
    CampaignCommandId = "campaign command id",
    /// An occurrence of a recurring campaign, from its time.
    CampaignOccurrenceId = "campaign occurrence id",
    /// Which recipient it was asked for.
    CampaignCommandInput = "campaign command input",
    /// A past campaign, from the import that brings it.
    ImportedCampaignId = "imported campaign id",
    /// The `MessageQueued` of a past campaign, and the report that it was sent.
    ImportedSendingEvent = "imported sending event",
    /// A part of the audience of a past campaign.
    ImportedPartEvent = "imported part event",
    /// The stream of a canned reply, from its code.
    CannedReplyStream = "canned reply stream",
    /// The stream of a template, from its code.
    TemplateStream = "template stream",
    /// A customer, from an external id, an address, or as the one for activities without a customer.
    CustomerId = "customer id",
    /// An address, from its kind and identity.
    AddressId = "address id",
    /// The stream of a day's checks at a service.
    CheckStream = "check stream",
    /// The `AddressClaimed` or `AddressReleased` that follows from a customer's event.
    AddressClaimEvent = "address claim event",
    /// What was said at an address about messages to it, from the customer's event that says so.
    AddressWordEvent = "address word event",
    /// The `AddressWordsRetracted` of an import that was undone.
    AddressWordsRetractedEvent = "address words retracted event",
    /// A customer's conversation on a channel.
    ConversationId = "conversation id",
    /// An order, invoice or other activity, from its number.
    ActivityId = "activity id",
    /// The `ActivityRecorded` of an activity.
    ActivityEvent = "activity event",
    /// An import, from its file.
    ImportId = "import id",
    /// The event that takes back what an import brought.
    RetractionEvent = "retraction event",
    /// What a provider reported of a message.
    ReportEvent = "report event",
    /// The `ConsentChanged` that follows from such a report.
    ReportConsentEvent = "report consent event",
    /// The `AddressSuppressed` that follows from such a report.
    ReportSuppressionEvent = "report suppression event",
    /// The `EngagementReclassified` of an open or click.
    ReclassificationEvent = "reclassification event",
    /// The `AddressSuppressed` of a STOP.
    StopEvent = "stop event",
    /// The `SuppressionLifted` of a START.
    StartEvent = "start event",
    /// The `AddressSoftBounced` of a message.
    SoftBounceEvent = "soft bounce event",
    /// The `AddressDelivered` of a message.
    DeliveryEvent = "delivery event",
    /// The `AddressSuppressed` of an address that soft bounces made unreachable.
    UnreachableEvent = "unreachable event",
    /// The `SuppressionLifted` of an address that is reachable again.
    ReachableEvent = "reachable event",
    /// Whose key seals the name of a user, from the front end's id.
    UserSubject = "user subject",
    /// A user who signs in, from the issuer and its name for them.
    SignedInUser = "signed in user",
    /// The secret part of an API key.
    ApiKeySecret = "api key secret",
    /// The proof of a correlation token, which a provider echoes.
    CorrelationToken = "correlation token",
    /// The proof of a reply token, in the address that a reply goes to.
    ReplyToken = "reply token",
    /// A `Message-ID` that was not ours to choose.
    MailId = "mail id",
    /// The proof of a link to a file.
    MediaLink = "media link",
    /// The proof of a link to a consent page.
    ConsentLink = "consent link",
    /// The proof of a token with which a customer's own program reads and reports what is theirs.
    CustomerToken = "customer token",
    /// The proof of a tracked link or picture.
    TrackingToken = "tracking token",
    /// What a tracked link's position and target are hidden with.
    TrackingSeal = "tracking seal",
    /// The proof of a short link.
    ShortLink = "short link",
}
