-- projection: conversations
-- question: Which conversations wait for an answer, and who has them?
-- events: ConversationChanged
-- scope: customer
-- version: 1

-- section: tables

-- Events carry the whole resulting state: the newest one is the conversation.
CREATE TABLE conversations (
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    snoozed_until TIMESTAMPTZ,
    assignee TEXT,
    team TEXT,
    priority TEXT NOT NULL,
    unread BIGINT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    last_inbound_at TIMESTAMPTZ,
    last_outbound_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id)
);
CREATE INDEX conversations_inbox ON conversations (tenant_id, changed_at, conversation_id);
CREATE INDEX conversations_snoozed ON conversations (snoozed_until) WHERE state = 'snoozed';
CREATE INDEX conversations_of_customer ON conversations (tenant_id, customer_id, changed_at, conversation_id);

-- section: apply
INSERT INTO conversations (
    tenant_id, conversation_id, customer_id, channel, state, snoozed_until, assignee, team, priority, unread,
    started_at, changed_at, last_inbound_at, last_outbound_at, version
)
SELECT
    b.tenant_id, b.conversation_id, b.customer_id, b.channel, b.state, @time(b.data, 'snoozed_until'),
    @text(b.data, 'assignee'), @text(b.data, 'team'), @text(b.data, 'priority'), @int(b.data, 'unread'),
    k.started_at, b.occurred_at, k.last_inbound_at, k.last_outbound_at, b.version
FROM (
    SELECT
        MAX(ordinal) AS ordinal,
        MIN(occurred_at) AS started_at,
        @max_if(occurred_at, @text(data, 'cause') = 'inbound') AS last_inbound_at,
        @max_if(occurred_at, @text(data, 'cause') = 'outbound') AS last_outbound_at
    FROM batch
    WHERE type = 'ConversationChanged'
    GROUP BY tenant_id, conversation_id
) AS k JOIN batch b ON b.ordinal = k.ordinal
WHERE TRUE
ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET
    channel = excluded.channel, state = excluded.state, snoozed_until = excluded.snoozed_until,
    assignee = excluded.assignee, team = excluded.team, priority = excluded.priority, unread = excluded.unread,
    started_at = @least(conversations.started_at, excluded.started_at),
    changed_at = excluded.changed_at,
    last_inbound_at = @greatest(conversations.last_inbound_at, excluded.last_inbound_at),
    last_outbound_at = @greatest(conversations.last_outbound_at, excluded.last_outbound_at),
    version = excluded.version;

-- section: forget
