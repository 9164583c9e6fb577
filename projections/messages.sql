-- projection: messages
-- question: Where does this message stand, when did it get there, and why?
-- events: MessageQueued, MessageReceived, MessageRetracted
-- events: MessageHeld, MessageReleased, MessageSuppressed, MessageCancelled
-- events: DispatchStarted, DispatchFailed, DispatchInDoubt
-- events: MessageSent, MessageDelivered, MessageDeferred, MessageBounced, MessageFailed
-- events: MessageOpened, MessageClicked, MessageComplained, ConsentChanged
-- scope: customer
-- version: 1

-- section: tables

-- Reports commute: a row holds, per state, the first time and the count, and the state is computed from the counts. So
-- neither a late report nor the order of reports can change what is known. A message's first event (queued or
-- received) makes its row; the log has it before any report.
CREATE TABLE messages (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    direction TEXT NOT NULL,
    channel TEXT NOT NULL,
    campaign_id UUID,
    variant TEXT,
    conversation_id UUID,
    class TEXT,
    topic TEXT,
    address_id UUID,
    in_reply_to UUID,
    send_at TIMESTAMPTZ,
    import_id UUID,
    actor TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    held_at TIMESTAMPTZ,
    held_count BIGINT NOT NULL DEFAULT 0,
    held_until TIMESTAMPTZ,
    released_count BIGINT NOT NULL DEFAULT 0,
    suppressed_at TIMESTAMPTZ,
    suppressed_count BIGINT NOT NULL DEFAULT 0,
    cancelled_at TIMESTAMPTZ,
    cancelled_count BIGINT NOT NULL DEFAULT 0,
    dispatching_at TIMESTAMPTZ,
    dispatching_count BIGINT NOT NULL DEFAULT 0,
    refused_at TIMESTAMPTZ,
    refused_count BIGINT NOT NULL DEFAULT 0,
    refused_finally_count BIGINT NOT NULL DEFAULT 0,
    retry_at TIMESTAMPTZ,
    in_doubt_at TIMESTAMPTZ,
    in_doubt_count BIGINT NOT NULL DEFAULT 0,
    sent_at TIMESTAMPTZ,
    sent_count BIGINT NOT NULL DEFAULT 0,
    delivered_at TIMESTAMPTZ,
    delivered_count BIGINT NOT NULL DEFAULT 0,
    deferred_at TIMESTAMPTZ,
    deferred_count BIGINT NOT NULL DEFAULT 0,
    bounced_at TIMESTAMPTZ,
    bounced_count BIGINT NOT NULL DEFAULT 0,
    hard_bounced_count BIGINT NOT NULL DEFAULT 0,
    failed_at TIMESTAMPTZ,
    failed_count BIGINT NOT NULL DEFAULT 0,
    opened_at TIMESTAMPTZ,
    opened_count BIGINT NOT NULL DEFAULT 0,
    opened_human_at TIMESTAMPTZ,
    opened_human_count BIGINT NOT NULL DEFAULT 0,
    opened_machine_count BIGINT NOT NULL DEFAULT 0,
    clicked_at TIMESTAMPTZ,
    clicked_count BIGINT NOT NULL DEFAULT 0,
    clicked_human_at TIMESTAMPTZ,
    clicked_human_count BIGINT NOT NULL DEFAULT 0,
    clicked_machine_count BIGINT NOT NULL DEFAULT 0,
    replied_at TIMESTAMPTZ,
    replied_count BIGINT NOT NULL DEFAULT 0,
    complained_at TIMESTAMPTZ,
    complained_count BIGINT NOT NULL DEFAULT 0,
    opted_out_at TIMESTAMPTZ,
    opted_out_count BIGINT NOT NULL DEFAULT 0,
    provider TEXT,
    account TEXT,
    domain TEXT,
    provider_message_id TEXT,
    segments BIGINT,
    cost_micros BIGINT,
    currency TEXT,
    from_address TEXT,
    to_address TEXT,
    subject TEXT,
    body TEXT,
    -- The order of these lines is the rank of the states. A hard bounce after the delivery outranks it (the mailbox
    -- sent it back); a machine's open or click shows that it was delivered, not that anybody read it.
    state TEXT NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN direction = 'inbound' THEN 'received'
            WHEN complained_count > 0 THEN 'complained'
            WHEN opted_out_count > 0 THEN 'opted_out'
            WHEN replied_count > 0 THEN 'replied'
            WHEN clicked_human_count > 0 THEN 'clicked'
            WHEN opened_human_count > 0 THEN 'opened'
            WHEN hard_bounced_count > 0 THEN 'bounced'
            WHEN delivered_count > 0 OR opened_count > 0 OR clicked_count > 0 THEN 'delivered'
            WHEN failed_count > 0 THEN 'failed'
            WHEN bounced_count > 0 THEN 'bounced'
            WHEN deferred_count > 0 THEN 'deferred'
            WHEN sent_count > 0 THEN 'sent'
            WHEN refused_finally_count > 0 THEN 'failed'
            WHEN dispatching_count > refused_count AND in_doubt_count > 0 THEN 'in_doubt'
            WHEN dispatching_count > refused_count THEN 'dispatching'
            WHEN cancelled_count > 0 THEN 'cancelled'
            WHEN suppressed_count > 0 THEN 'suppressed'
            WHEN held_count > released_count THEN 'held'
            ELSE 'queued'
        END
    ) STORED,
    PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX messages_of_conversation ON messages (tenant_id, conversation_id, created_at, message_id)
    WHERE conversation_id IS NOT NULL;
CREATE INDEX messages_replies ON messages (tenant_id, in_reply_to) WHERE in_reply_to IS NOT NULL;
CREATE INDEX messages_inbound ON messages (tenant_id, customer_id, created_at) WHERE direction = 'inbound';
CREATE INDEX messages_undispatched ON messages (tenant_id, message_id)
    WHERE state IN ('queued', 'held', 'dispatching', 'in_doubt');

-- Why a message is, or was, in a state: a row per event that gave a reason, so that none wipes another's.
CREATE TABLE message_reasons (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    event_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    state TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    reason TEXT,
    class TEXT,
    code TEXT,
    until TIMESTAMPTZ,
    inputs JSONB,
    detail TEXT,
    PRIMARY KEY (tenant_id, message_id, event_id)
);

-- When we last heard of each other.
CREATE TABLE customer_contacts (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    last_inbound_at TIMESTAMPTZ,
    last_outbound_at TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, customer_id)
);

-- section: apply

-- An import's message that is taken back leaves, and with it the reply that it was.
-- on: MessageRetracted
UPDATE messages AS m SET
    replied_count = m.replied_count - r.replies,
    replied_at = (
        SELECT MIN(i.created_at) FROM messages i
        WHERE i.tenant_id = m.tenant_id AND i.in_reply_to = m.message_id AND i.direction = 'inbound'
            AND (i.tenant_id, i.message_id) NOT IN (
                SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
            )
    )
FROM (
    SELECT s.tenant_id, s.in_reply_to, COUNT(*) AS replies
    FROM messages s
    WHERE s.direction = 'inbound' AND s.in_reply_to IS NOT NULL AND (s.tenant_id, s.message_id) IN (
        SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
    )
    GROUP BY s.tenant_id, s.in_reply_to
) AS r
WHERE m.tenant_id = r.tenant_id AND m.message_id = r.in_reply_to;
-- on: MessageRetracted
DELETE FROM messages WHERE (tenant_id, message_id) IN (
    SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
);

-- on: MessageQueued, MessageReceived
INSERT INTO messages (
    tenant_id, message_id, customer_id, direction, channel, campaign_id, variant, conversation_id, class, topic,
    address_id, in_reply_to, send_at, import_id, actor, created_at, position, provider, from_address, to_address,
    subject, body
)
SELECT
    b.tenant_id, b.message_id, b.customer_id,
    CASE b.type WHEN 'MessageReceived' THEN 'inbound' ELSE 'outbound' END,
    b.channel, b.campaign_id, b.variant, b.conversation_id, @text(b.data, 'class'), @text(b.data, 'topic'),
    b.address_id, @uuid(b.data, 'in_reply_to'), @time(b.data, 'send_at'), b.import_id, b.actor, b.occurred_at,
    b.position, @text(b.data, 'provider'), @text(b.personal, 'from'), @text(b.personal, 'to'),
    @text(b.personal, 'subject'), @text(b.personal, 'body')
FROM batch b
WHERE b.type IN ('MessageQueued', 'MessageReceived') AND b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type IN ('MessageQueued', 'MessageReceived', 'MessageRetracted')
    GROUP BY tenant_id, message_id
)
ON CONFLICT (tenant_id, message_id) DO NOTHING;

UPDATE messages AS m SET
    held_at = @least(m.held_at, s.held_at),
    held_count = m.held_count + s.held_count,
    held_until = @greatest(m.held_until, s.held_until),
    released_count = m.released_count + s.released_count,
    suppressed_at = @least(m.suppressed_at, s.suppressed_at),
    suppressed_count = m.suppressed_count + s.suppressed_count,
    cancelled_at = @least(m.cancelled_at, s.cancelled_at),
    cancelled_count = m.cancelled_count + s.cancelled_count,
    dispatching_at = @least(m.dispatching_at, s.dispatching_at),
    dispatching_count = m.dispatching_count + s.dispatching_count,
    refused_at = @least(m.refused_at, s.refused_at),
    refused_count = m.refused_count + s.refused_count,
    refused_finally_count = m.refused_finally_count + s.refused_finally_count,
    retry_at = @greatest(m.retry_at, s.retry_at),
    in_doubt_at = @least(m.in_doubt_at, s.in_doubt_at),
    in_doubt_count = m.in_doubt_count + s.in_doubt_count,
    sent_at = @least(m.sent_at, s.sent_at),
    sent_count = m.sent_count + s.sent_count,
    delivered_at = @least(m.delivered_at, s.delivered_at),
    delivered_count = m.delivered_count + s.delivered_count,
    deferred_at = @least(m.deferred_at, s.deferred_at),
    deferred_count = m.deferred_count + s.deferred_count,
    bounced_at = @least(m.bounced_at, s.bounced_at),
    bounced_count = m.bounced_count + s.bounced_count,
    hard_bounced_count = m.hard_bounced_count + s.hard_bounced_count,
    failed_at = @least(m.failed_at, s.failed_at),
    failed_count = m.failed_count + s.failed_count,
    opened_at = @least(m.opened_at, s.opened_at),
    opened_count = m.opened_count + s.opened_count,
    opened_human_at = @least(m.opened_human_at, s.opened_human_at),
    opened_human_count = m.opened_human_count + s.opened_human_count,
    opened_machine_count = m.opened_machine_count + s.opened_machine_count,
    clicked_at = @least(m.clicked_at, s.clicked_at),
    clicked_count = m.clicked_count + s.clicked_count,
    clicked_human_at = @least(m.clicked_human_at, s.clicked_human_at),
    clicked_human_count = m.clicked_human_count + s.clicked_human_count,
    clicked_machine_count = m.clicked_machine_count + s.clicked_machine_count,
    replied_at = @least(m.replied_at, s.replied_at),
    replied_count = m.replied_count + s.replied_count,
    complained_at = @least(m.complained_at, s.complained_at),
    complained_count = m.complained_count + s.complained_count,
    opted_out_at = @least(m.opted_out_at, s.opted_out_at),
    opted_out_count = m.opted_out_count + s.opted_out_count,
    provider = @greatest(m.provider, s.provider),
    account = @greatest(m.account, s.account),
    domain = @greatest(m.domain, s.domain),
    provider_message_id = @greatest(m.provider_message_id, s.provider_message_id),
    segments = @greatest(m.segments, s.segments),
    cost_micros = @greatest(m.cost_micros, s.cost_micros),
    currency = @greatest(m.currency, s.currency)
FROM (
    SELECT
        r.tenant_id, r.message_id,
        MIN(CASE WHEN r.report = 'MessageHeld' THEN r.occurred_at END) AS held_at,
        @count_if(r.report = 'MessageHeld') AS held_count,
        MAX(CASE WHEN r.report = 'MessageHeld' THEN r.until END) AS held_until,
        @count_if(r.report = 'MessageReleased') AS released_count,
        MIN(CASE WHEN r.report = 'MessageSuppressed' THEN r.occurred_at END) AS suppressed_at,
        @count_if(r.report = 'MessageSuppressed') AS suppressed_count,
        MIN(CASE WHEN r.report = 'MessageCancelled' THEN r.occurred_at END) AS cancelled_at,
        @count_if(r.report = 'MessageCancelled') AS cancelled_count,
        MIN(CASE WHEN r.report = 'DispatchStarted' THEN r.occurred_at END) AS dispatching_at,
        @count_if(r.report = 'DispatchStarted') AS dispatching_count,
        MIN(CASE WHEN r.report = 'DispatchFailed' THEN r.occurred_at END) AS refused_at,
        @count_if(r.report = 'DispatchFailed') AS refused_count,
        @count_if(r.report = 'DispatchFailed' AND r.until IS NULL) AS refused_finally_count,
        MAX(CASE WHEN r.report = 'DispatchFailed' THEN r.until END) AS retry_at,
        MIN(CASE WHEN r.report = 'DispatchInDoubt' THEN r.occurred_at END) AS in_doubt_at,
        @count_if(r.report = 'DispatchInDoubt') AS in_doubt_count,
        MIN(CASE WHEN r.report = 'MessageSent' THEN r.occurred_at END) AS sent_at,
        @count_if(r.report = 'MessageSent') AS sent_count,
        MIN(CASE WHEN r.report = 'MessageDelivered' THEN r.occurred_at END) AS delivered_at,
        @count_if(r.report = 'MessageDelivered') AS delivered_count,
        MIN(CASE WHEN r.report = 'MessageDeferred' THEN r.occurred_at END) AS deferred_at,
        @count_if(r.report = 'MessageDeferred') AS deferred_count,
        MIN(CASE WHEN r.report IN ('bounced soft', 'bounced hard') THEN r.occurred_at END) AS bounced_at,
        @count_if(r.report IN ('bounced soft', 'bounced hard')) AS bounced_count,
        @count_if(r.report = 'bounced hard') AS hard_bounced_count,
        MIN(CASE WHEN r.report = 'MessageFailed' THEN r.occurred_at END) AS failed_at,
        @count_if(r.report = 'MessageFailed') AS failed_count,
        MIN(CASE WHEN r.report IN ('opened human', 'opened machine') THEN r.occurred_at END) AS opened_at,
        @count_if(r.report IN ('opened human', 'opened machine')) AS opened_count,
        MIN(CASE WHEN r.report = 'opened human' THEN r.occurred_at END) AS opened_human_at,
        @count_if(r.report = 'opened human') AS opened_human_count,
        @count_if(r.report = 'opened machine') AS opened_machine_count,
        MIN(CASE WHEN r.report IN ('clicked human', 'clicked machine') THEN r.occurred_at END) AS clicked_at,
        @count_if(r.report IN ('clicked human', 'clicked machine')) AS clicked_count,
        MIN(CASE WHEN r.report = 'clicked human' THEN r.occurred_at END) AS clicked_human_at,
        @count_if(r.report = 'clicked human') AS clicked_human_count,
        @count_if(r.report = 'clicked machine') AS clicked_machine_count,
        MIN(CASE WHEN r.report = 'MessageReceived' THEN r.occurred_at END) AS replied_at,
        @count_if(r.report = 'MessageReceived') AS replied_count,
        MIN(CASE WHEN r.report = 'MessageComplained' THEN r.occurred_at END) AS complained_at,
        @count_if(r.report = 'MessageComplained') AS complained_count,
        MIN(CASE WHEN r.report = 'ConsentChanged' THEN r.occurred_at END) AS opted_out_at,
        @count_if(r.report = 'ConsentChanged') AS opted_out_count,
        MAX(r.provider) AS provider, MAX(r.account) AS account, MAX(r.domain) AS domain,
        MAX(r.provider_message_id) AS provider_message_id, MAX(r.segments) AS segments,
        MAX(r.cost_micros) AS cost_micros, MAX(r.currency) AS currency
    FROM (
        SELECT
            b.tenant_id, b.message_id, b.occurred_at,
            CASE b.type
                WHEN 'MessageOpened' THEN @concat('opened ', @text(b.data, 'class'))
                WHEN 'MessageClicked' THEN @concat('clicked ', @text(b.data, 'class'))
                WHEN 'MessageBounced' THEN @concat('bounced ', @text(b.data, 'bounce'))
                ELSE b.type
            END AS report,
            CASE b.type
                WHEN 'MessageHeld' THEN @time(b.data, 'until')
                WHEN 'DispatchFailed' THEN @time(b.data, 'retry_at')
            END AS until,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'provider') END AS provider,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'account') END AS account,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'domain') END AS domain,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'provider_message_id') END AS provider_message_id,
            CASE WHEN b.type = 'MessageSent' THEN @int(b.data, 'segments') END AS segments,
            CASE WHEN b.type = 'MessageSent' THEN @int(b.data, 'cost_micros') END AS cost_micros,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'currency') END AS currency
        FROM batch b
        WHERE b.type IN (
                'MessageHeld', 'MessageReleased', 'MessageSuppressed', 'MessageCancelled', 'DispatchStarted',
                'DispatchFailed', 'DispatchInDoubt', 'MessageSent', 'MessageDelivered', 'MessageDeferred',
                'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked', 'MessageComplained'
            )
            OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
        UNION ALL
        SELECT
            b.tenant_id, @uuid(b.data, 'in_reply_to'), b.occurred_at, b.type, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL
        FROM batch b
        WHERE b.type = 'MessageReceived' AND @text(b.data, 'in_reply_to') IS NOT NULL AND b.ordinal IN (
            SELECT MAX(ordinal) FROM batch WHERE type IN ('MessageReceived', 'MessageRetracted')
            GROUP BY tenant_id, message_id
        )
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

-- on: MessageHeld, MessageSuppressed, MessageCancelled, DispatchFailed, DispatchInDoubt, MessageDeferred, MessageBounced
-- on: MessageFailed, MessageComplained
INSERT INTO message_reasons (
    tenant_id, message_id, event_id, customer_id, state, occurred_at, reason, class, code, until, inputs, detail
)
SELECT
    b.tenant_id, b.message_id, b.event_id, b.customer_id,
    CASE b.type
        WHEN 'MessageHeld' THEN 'held'
        WHEN 'MessageSuppressed' THEN 'suppressed'
        WHEN 'MessageCancelled' THEN 'cancelled'
        WHEN 'DispatchFailed' THEN 'refused'
        WHEN 'DispatchInDoubt' THEN 'in_doubt'
        WHEN 'MessageDeferred' THEN 'deferred'
        WHEN 'MessageBounced' THEN 'bounced'
        WHEN 'MessageFailed' THEN 'failed'
        ELSE 'complained'
    END,
    b.occurred_at,
    CASE b.type
        WHEN 'MessageHeld' THEN @text(b.data, 'rule')
        WHEN 'MessageSuppressed' THEN @text(b.data, 'rule')
        WHEN 'MessageCancelled' THEN @text(b.data, 'reason')
        WHEN 'DispatchInDoubt' THEN @text(b.data, 'cause')
        WHEN 'MessageComplained' THEN @text(b.data, 'kind')
    END,
    CASE WHEN b.type = 'MessageBounced' THEN @text(b.data, 'bounce') ELSE @text(b.data, 'class') END,
    @text(b.data, 'code'),
    CASE WHEN b.type = 'MessageHeld' THEN @time(b.data, 'until') ELSE @time(b.data, 'retry_at') END,
    @json(b.data, 'inputs'),
    CASE WHEN b.type = 'MessageBounced' THEN @text(b.personal, 'diagnostic') ELSE @text(b.personal, 'detail') END
FROM batch b
WHERE b.type IN (
    'MessageHeld', 'MessageSuppressed', 'MessageCancelled', 'DispatchFailed', 'DispatchInDoubt', 'MessageDeferred',
    'MessageBounced', 'MessageFailed', 'MessageComplained'
);

-- on: MessageReceived, MessageSent, MessageDelivered
INSERT INTO customer_contacts (tenant_id, customer_id, last_inbound_at, last_outbound_at)
SELECT
    b.tenant_id, b.customer_id,
    MAX(CASE WHEN b.type = 'MessageReceived' THEN b.occurred_at END),
    MAX(CASE WHEN b.type <> 'MessageReceived' THEN b.occurred_at END)
FROM batch b
WHERE b.type IN ('MessageReceived', 'MessageSent', 'MessageDelivered')
GROUP BY b.tenant_id, b.customer_id
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
    last_inbound_at = @greatest(customer_contacts.last_inbound_at, excluded.last_inbound_at),
    last_outbound_at = @greatest(customer_contacts.last_outbound_at, excluded.last_outbound_at);
-- The last message may be one that was taken back: look at what is left.
-- on: MessageRetracted
UPDATE customer_contacts SET last_inbound_at = (
    SELECT MAX(m.created_at) FROM messages m
    WHERE m.tenant_id = customer_contacts.tenant_id AND m.customer_id = customer_contacts.customer_id
        AND m.direction = 'inbound'
)
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM batch WHERE type = 'MessageRetracted');
-- on: MessageRetracted
DELETE FROM customer_contacts
WHERE last_inbound_at IS NULL AND last_outbound_at IS NULL
    AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM batch WHERE type = 'MessageRetracted');

-- section: forget
UPDATE messages SET from_address = NULL, to_address = NULL, subject = NULL, body = NULL
WHERE (tenant_id, message_id) IN (
    SELECT t.tenant_id, t.message_id FROM messages t
    WHERE (t.tenant_id, t.customer_id) IN (SELECT tenant_id, customer_id FROM forgotten)
);
UPDATE message_reasons SET detail = NULL
WHERE detail IS NOT NULL AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
