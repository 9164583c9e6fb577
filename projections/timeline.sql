-- projection: timeline
-- question: What happened with this customer, newest first?
-- events: MessageQueued, MessageReceived, MessageRetracted, ActivityRecorded, ActivityRetracted, NoteAdded, NotePinned
-- events: ConsentChanged, ConversationChanged, CustomerRegistered, CustomerRetracted
-- scope: customer
-- version: 2

-- section: tables

-- One narrow row per entry, in the order in which it is read. What becomes of a message (delivered, opened, clicked)
-- stands in `messages`, what an activity says in `activities`: a page joins them by `entry_id`.
-- view: What happened with each customer, in order? One row per entry.
CREATE TABLE timeline (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    kind TEXT NOT NULL, -- message, order, invoice, payment, shipment, appointment, custom, note, consent, conversation or registered
    entry_id UUID NOT NULL, -- the id of the message, activity, note, event, conversation or customer
    channel TEXT,
    direction TEXT, -- of messages: outbound or inbound
    campaign_id UUID,
    conversation_id UUID,
    import_id UUID,
    author TEXT NOT NULL, -- who did it
    pinned BOOLEAN NOT NULL, -- whether a note is pinned
    detail TEXT, -- of a consent its topic, of a conversation its assignee
    result TEXT, -- the state that a consent or conversation got, or how a customer was registered
    note TEXT, -- personal: a note's text
    PRIMARY KEY (tenant_id, customer_id, occurred_at, position)
) CLUSTERED;
CREATE INDEX timeline_pinned ON timeline (tenant_id, customer_id, occurred_at, position) WHERE pinned;
-- Only notes can be pinned: the rest needs no way in by entry.
-- on: NotePinned
CREATE INDEX timeline_notes ON timeline (tenant_id, entry_id) WHERE kind = 'note';

-- section: batch

-- What was taken back, and by which event last.
CREATE TABLE batch_timeline_retracted (
    tenant_id UUID NOT NULL,
    entry_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, entry_id)
);

-- section: apply

-- Of conversations, what an agent or a timer decided: messages stand for themselves.
INSERT INTO timeline (
    tenant_id, customer_id, occurred_at, position, kind, entry_id, channel, direction, campaign_id, conversation_id,
    import_id, author, pinned, detail, result, note
)
SELECT
    b.tenant_id, b.customer_id, b.occurred_at, b.position,
    CASE b.type
        WHEN 'ActivityRecorded' THEN @text(b.data, 'kind')
        WHEN 'NoteAdded' THEN 'note'
        WHEN 'ConsentChanged' THEN 'consent'
        WHEN 'ConversationChanged' THEN 'conversation'
        WHEN 'CustomerRegistered' THEN 'registered'
        ELSE 'message'
    END,
    CASE b.type
        WHEN 'ActivityRecorded' THEN b.activity_id
        WHEN 'NoteAdded' THEN b.note_id
        WHEN 'ConsentChanged' THEN b.event_id
        WHEN 'ConversationChanged' THEN b.conversation_id
        WHEN 'CustomerRegistered' THEN b.customer_id
        ELSE b.message_id
    END,
    b.channel,
    CASE b.type WHEN 'MessageQueued' THEN 'outbound' WHEN 'MessageReceived' THEN 'inbound' END,
    b.campaign_id, b.conversation_id, b.import_id, b.actor,
    CASE WHEN b.type = 'NoteAdded' THEN @bool(b.data, 'pinned') ELSE FALSE END,
    CASE b.type
        WHEN 'ConsentChanged' THEN @text(b.data, 'topic')
        WHEN 'ConversationChanged' THEN @text(b.data, 'assignee')
    END,
    CASE
        WHEN b.type IN ('ConsentChanged', 'ConversationChanged') THEN b.state
        WHEN b.type = 'CustomerRegistered' THEN @text(b.data, 'source')
    END,
    CASE WHEN b.type = 'NoteAdded' THEN @text(b.personal, 'text') END
FROM batch b
WHERE b.type IN (
        'MessageQueued', 'MessageReceived', 'ActivityRecorded', 'NoteAdded', 'ConsentChanged', 'CustomerRegistered'
    )
    OR (b.type = 'ConversationChanged' AND @text(b.data, 'cause') IN ('agent', 'timer'));

UPDATE timeline AS t SET pinned = n.pinned
FROM (
    SELECT b.tenant_id, b.note_id, @bool(b.data, 'pinned') AS pinned
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'NotePinned' GROUP BY tenant_id, note_id
    )
) AS n
WHERE t.kind = 'note' AND t.tenant_id = n.tenant_id AND t.entry_id = n.note_id;

-- What was recorded again after it was taken back stays.
INSERT INTO batch_timeline_retracted (tenant_id, entry_id, ordinal)
SELECT
    tenant_id,
    CASE type WHEN 'ActivityRetracted' THEN activity_id WHEN 'MessageRetracted' THEN message_id ELSE customer_id END,
    MAX(ordinal)
FROM batch
WHERE type IN ('ActivityRetracted', 'MessageRetracted', 'CustomerRetracted')
GROUP BY
    tenant_id,
    CASE type WHEN 'ActivityRetracted' THEN activity_id WHEN 'MessageRetracted' THEN message_id ELSE customer_id END;
DELETE FROM timeline
WHERE import_id IS NOT NULL
    AND (tenant_id, customer_id) IN (
        SELECT tenant_id, customer_id FROM batch
        WHERE type IN ('ActivityRetracted', 'MessageRetracted', 'CustomerRetracted')
    )
    AND EXISTS (
        SELECT 1 FROM batch_timeline_retracted r JOIN batch b ON b.ordinal = r.ordinal
        WHERE r.tenant_id = timeline.tenant_id AND r.entry_id = timeline.entry_id AND timeline.position < b.position
    );

-- section: forget
UPDATE timeline SET note = NULL
WHERE kind = 'note' AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
