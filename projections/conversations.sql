-- projection: conversations
-- question: Which conversations wait for an answer, who has them, and how many are there of each sort?
-- events: ConversationChanged
-- scope: customer
-- version: 1

-- section: tables

-- Events carry the whole resulting state: the newest one is the conversation. `position` is that event's: who follows
-- the inbox asks for what stands after the last one.
-- view: Which conversations are there, and who waits for a reply? One row per conversation.
CREATE TABLE conversations (
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL, -- open, pending, snoozed or resolved
    snoozed_until TIMESTAMPTZ, -- when a snoozed one opens again
    assignee TEXT,
    team TEXT,
    priority TEXT NOT NULL, -- urgent, high, normal or low
    unread BIGINT NOT NULL, -- number of messages that nobody has read
    started_at TIMESTAMPTZ NOT NULL, -- when its first message was written
    changed_at TIMESTAMPTZ NOT NULL, -- when anything last happened in it
    last_inbound_at TIMESTAMPTZ, -- when the customer last wrote
    last_outbound_at TIMESTAMPTZ, -- when we last wrote
    waiting_since TIMESTAMPTZ, -- when the customer first wrote of what nobody has replied to or resolved since
    version BIGINT NOT NULL,
    position BYTES NOT NULL,
    urgency BIGINT NOT NULL GENERATED ALWAYS AS ( -- the priority as a number: 3 urgent, 2 high, 1 normal, 0 low
        CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'normal' THEN 1 ELSE 0 END
    ) STORED,
    PRIMARY KEY (tenant_id, conversation_id)
);
CREATE INDEX conversations_inbox ON conversations (tenant_id, changed_at, conversation_id);
-- Most conversations are resolved, most questions are about the others.
CREATE INDEX conversations_waiting ON conversations (tenant_id, changed_at, conversation_id)
    WHERE state <> 'resolved';
CREATE INDEX conversations_longest ON conversations (tenant_id, waiting_since, conversation_id)
    WHERE waiting_since IS NOT NULL;
CREATE INDEX conversations_urgent ON conversations (tenant_id, urgency, changed_at, conversation_id)
    WHERE state <> 'resolved';
CREATE INDEX conversations_newest ON conversations (tenant_id, started_at, conversation_id);
CREATE INDEX conversations_of_assignee ON conversations (tenant_id, assignee, changed_at, conversation_id)
    WHERE assignee IS NOT NULL;
CREATE INDEX conversations_of_team ON conversations (tenant_id, team, changed_at, conversation_id)
    WHERE team IS NOT NULL;
CREATE INDEX conversations_moved ON conversations (tenant_id, position);
CREATE INDEX conversations_snoozed ON conversations (snoozed_until) WHERE state = 'snoozed';
CREATE INDEX conversations_of_customer ON conversations (tenant_id, customer_id, changed_at, conversation_id);

-- How many conversations are alike in everything that an inbox is filtered by: its figures cost what there are of sorts,
-- not what there are of conversations. An empty text stands for nobody, or for no team.
CREATE TABLE conversation_counts (
    tenant_id UUID NOT NULL,
    state TEXT NOT NULL,
    channel TEXT NOT NULL,
    assignee TEXT NOT NULL,
    team TEXT NOT NULL,
    priority TEXT NOT NULL,
    has_unread BOOLEAN NOT NULL,
    conversations BIGINT NOT NULL,
    unread BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, state, channel, assignee, team, priority, has_unread)
) CLUSTERED;

-- section: batch

-- The last event of a conversation in the batch after which nobody waits: we wrote, or it is resolved.
CREATE TABLE batch_answered (
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id)
);

-- section: apply

INSERT INTO batch_answered (tenant_id, conversation_id, ordinal)
SELECT tenant_id, conversation_id, MAX(ordinal)
FROM batch
WHERE type = 'ConversationChanged' AND (@text(data, 'cause') = 'outbound' OR state = 'resolved')
GROUP BY tenant_id, conversation_id;
UPDATE conversations SET waiting_since = NULL
WHERE (tenant_id, conversation_id) IN (SELECT tenant_id, conversation_id FROM batch_answered);

-- What moved is counted as what it is now, and no longer as what it was.
UPDATE conversation_counts AS n SET
    conversations = n.conversations - o.conversations,
    unread = n.unread - o.unread
FROM (
    SELECT
        c.tenant_id, c.state, c.channel, COALESCE(c.assignee, '') AS assignee, COALESCE(c.team, '') AS team,
        c.priority, c.unread > 0 AS has_unread, COUNT(*) AS conversations, @sum(c.unread) AS unread
    FROM conversations c
    WHERE (c.tenant_id, c.conversation_id) IN (
        SELECT tenant_id, conversation_id FROM batch WHERE type = 'ConversationChanged'
    )
    GROUP BY
        c.tenant_id, c.state, c.channel, COALESCE(c.assignee, ''), COALESCE(c.team, ''), c.priority, c.unread > 0
) AS o
WHERE n.tenant_id = o.tenant_id AND n.state = o.state AND n.channel = o.channel AND n.assignee = o.assignee
    AND n.team = o.team AND n.priority = o.priority AND n.has_unread = o.has_unread;

INSERT INTO conversations (
    tenant_id, conversation_id, customer_id, channel, state, snoozed_until, assignee, team, priority, unread,
    started_at, changed_at, last_inbound_at, last_outbound_at, waiting_since, version, position
)
SELECT
    b.tenant_id, b.conversation_id, b.customer_id, b.channel, b.state, @time(b.data, 'snoozed_until'),
    @text(b.data, 'assignee'), @text(b.data, 'team'), @text(b.data, 'priority'), @int(b.data, 'unread'),
    k.started_at, b.occurred_at, k.last_inbound_at, k.last_outbound_at, k.waiting_since, b.version, b.position
FROM (
    SELECT
        MAX(c.ordinal) AS ordinal,
        MIN(c.occurred_at) AS started_at,
        @max_if(c.occurred_at, @text(c.data, 'cause') = 'inbound') AS last_inbound_at,
        @max_if(c.occurred_at, @text(c.data, 'cause') = 'outbound') AS last_outbound_at,
        @min_if(
            c.occurred_at, @text(c.data, 'cause') = 'inbound' AND (a.ordinal IS NULL OR c.ordinal > a.ordinal)
        ) AS waiting_since
    FROM batch c LEFT JOIN batch_answered a
        ON a.tenant_id = c.tenant_id AND a.conversation_id = c.conversation_id
    WHERE c.type = 'ConversationChanged'
    GROUP BY c.tenant_id, c.conversation_id
) AS k JOIN batch b ON b.ordinal = k.ordinal
WHERE TRUE
ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET
    channel = excluded.channel, state = excluded.state, snoozed_until = excluded.snoozed_until,
    assignee = excluded.assignee, team = excluded.team, priority = excluded.priority, unread = excluded.unread,
    started_at = @least(conversations.started_at, excluded.started_at),
    changed_at = excluded.changed_at,
    last_inbound_at = @greatest(conversations.last_inbound_at, excluded.last_inbound_at),
    last_outbound_at = @greatest(conversations.last_outbound_at, excluded.last_outbound_at),
    waiting_since = @least(conversations.waiting_since, excluded.waiting_since),
    version = excluded.version, position = excluded.position;

INSERT INTO conversation_counts (
    tenant_id, state, channel, assignee, team, priority, has_unread, conversations, unread
)
SELECT
    c.tenant_id, c.state, c.channel, COALESCE(c.assignee, ''), COALESCE(c.team, ''), c.priority, c.unread > 0,
    COUNT(*), @sum(c.unread)
FROM conversations c
WHERE (c.tenant_id, c.conversation_id) IN (
    SELECT tenant_id, conversation_id FROM batch WHERE type = 'ConversationChanged'
)
GROUP BY c.tenant_id, c.state, c.channel, COALESCE(c.assignee, ''), COALESCE(c.team, ''), c.priority, c.unread > 0
ON CONFLICT (tenant_id, state, channel, assignee, team, priority, has_unread) DO UPDATE SET
    conversations = conversation_counts.conversations + excluded.conversations,
    unread = conversation_counts.unread + excluded.unread;
DELETE FROM conversation_counts WHERE conversations = 0 AND tenant_id IN (
    SELECT tenant_id FROM batch WHERE type = 'ConversationChanged'
);

-- section: forget
