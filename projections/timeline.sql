-- projection: timeline
-- question: What happened with this customer, newest first?
-- events: MessageQueued, MessageReceived, MessageRetracted, ActivityRecorded, ActivityRetracted, NoteAdded, NotePinned
-- events: ConsentChanged, ConversationChanged, CustomerRegistered, CustomerRetracted
-- scope: customer
-- version: 2

-- section: tables

-- One narrow row per entry, in the order in which it is read. What becomes of a message (delivered, opened, clicked)
-- stands in `messages`, what an activity says in `activities`: a page joins them by `entry_id`.
CREATE TABLE timeline (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    kind TEXT NOT NULL,
    entry_id UUID NOT NULL,
    channel TEXT,
    direction TEXT,
    campaign_id UUID,
    conversation_id UUID,
    import_id UUID,
    author TEXT NOT NULL,
    pinned BOOLEAN NOT NULL,
    detail TEXT,
    result TEXT,
    note TEXT,
    PRIMARY KEY (tenant_id, customer_id, occurred_at, position)
) CLUSTERED;
CREATE INDEX timeline_pinned ON timeline (tenant_id, customer_id, occurred_at, position) WHERE pinned;
-- Only what an import brought can be taken back, and only notes can be pinned: the rest needs no way in by entry.
CREATE INDEX timeline_imported ON timeline (tenant_id, entry_id) WHERE import_id IS NOT NULL;
CREATE INDEX timeline_notes ON timeline (tenant_id, entry_id) WHERE kind = 'note';

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
DELETE FROM timeline WHERE (tenant_id, customer_id, occurred_at, position) IN (
    SELECT t.tenant_id, t.customer_id, t.occurred_at, t.position
    FROM (
        SELECT tenant_id, position,
            CASE type
                WHEN 'ActivityRetracted' THEN activity_id
                WHEN 'MessageRetracted' THEN message_id
                ELSE customer_id
            END AS entry_id
        FROM batch
        WHERE type IN ('ActivityRetracted', 'MessageRetracted', 'CustomerRetracted')
    ) AS r
    JOIN timeline t ON t.tenant_id = r.tenant_id AND t.entry_id = r.entry_id
    WHERE t.import_id IS NOT NULL AND t.position < r.position
);

-- section: forget
UPDATE timeline SET note = NULL
WHERE kind = 'note' AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
