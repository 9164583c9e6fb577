-- projection: messages
-- question: Where does this message stand, when did it get there, and why?
-- events: MessageQueued, MessageReceived, MessageRetracted
-- events: MessageHeld, MessageReleased, MessageSuppressed, MessageCancelled
-- events: DispatchStarted, DispatchFailed, DispatchInDoubt
-- events: MessageSent, MessageDelivered, MessageDeferred, MessageBounced, MessageFailed
-- events: MessageOpened, MessageClicked, EngagementReclassified, MessageDismissed, MessageComplained, ConsentChanged
-- events: CallEnded
-- scope: customer
-- version: 4

-- section: tables

-- Reports commute: a row holds, per state, the first time and the count, and the state is computed from the counts. So
-- neither a late report nor the order of reports can change what is known. A message's first event (queued or
-- received) makes its row; the log has it before any report.
-- view: What became of each message, when, and what did it cost? One row per message, sent or received.
CREATE TABLE messages (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    direction TEXT NOT NULL, -- outbound or inbound
    channel TEXT NOT NULL,
    campaign_id UUID,
    variant TEXT,
    conversation_id UUID,
    class TEXT, -- marketing or transactional
    topic TEXT,
    address_id UUID,
    in_reply_to UUID, -- the message that this one replies to
    send_at TIMESTAMPTZ, -- when it was asked to be sent
    import_id UUID,
    actor TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL, -- when it was asked for, or received
    position BYTES NOT NULL,
    held_at TIMESTAMPTZ, -- when it was first held
    held_count BIGINT NOT NULL DEFAULT 0, -- times held
    held_until TIMESTAMPTZ, -- when it is to be released
    released_count BIGINT NOT NULL DEFAULT 0, -- times released
    suppressed_at TIMESTAMPTZ, -- when a rule stopped it
    suppressed_count BIGINT NOT NULL DEFAULT 0, -- times stopped
    cancelled_at TIMESTAMPTZ, -- when it was cancelled
    cancelled_count BIGINT NOT NULL DEFAULT 0, -- times cancelled
    dispatching_at TIMESTAMPTZ, -- when a provider was first called
    dispatching_count BIGINT NOT NULL DEFAULT 0, -- number of calls to providers
    refused_at TIMESTAMPTZ, -- when a provider first refused it
    refused_count BIGINT NOT NULL DEFAULT 0, -- times refused
    refused_finally_count BIGINT NOT NULL DEFAULT 0, -- times refused for good
    retry_at TIMESTAMPTZ, -- when it is tried again
    in_doubt_at TIMESTAMPTZ, -- when it became unknown whether a provider took it
    in_doubt_count BIGINT NOT NULL DEFAULT 0, -- times in doubt
    sent_at TIMESTAMPTZ, -- when a provider took it
    sent_count BIGINT NOT NULL DEFAULT 0, -- reports of sending
    delivered_at TIMESTAMPTZ, -- when it was first reported as delivered
    delivered_count BIGINT NOT NULL DEFAULT 0, -- reports of delivery
    deferred_at TIMESTAMPTZ, -- when it was first delayed
    deferred_count BIGINT NOT NULL DEFAULT 0, -- reports of a delay
    bounced_at TIMESTAMPTZ, -- when it first bounced
    bounced_count BIGINT NOT NULL DEFAULT 0, -- reports of a bounce, soft or hard
    hard_bounced_count BIGINT NOT NULL DEFAULT 0, -- reports of a hard bounce
    failed_at TIMESTAMPTZ, -- when it first failed
    failed_count BIGINT NOT NULL DEFAULT 0, -- reports of failure
    opened_at TIMESTAMPTZ, -- when it was first opened, by a person or a machine
    opened_count BIGINT NOT NULL DEFAULT 0, -- opens
    opened_human_at TIMESTAMPTZ, -- when a person first opened it
    opened_human_count BIGINT NOT NULL DEFAULT 0, -- opens by people
    opened_machine_count BIGINT NOT NULL DEFAULT 0, -- opens by machines
    clicked_at TIMESTAMPTZ, -- when a link was first followed, by a person or a machine
    clicked_count BIGINT NOT NULL DEFAULT 0, -- clicks
    clicked_human_at TIMESTAMPTZ, -- when a person first followed a link
    clicked_human_count BIGINT NOT NULL DEFAULT 0, -- clicks by people
    clicked_machine_count BIGINT NOT NULL DEFAULT 0, -- clicks by machines
    replied_at TIMESTAMPTZ, -- when it was first replied to
    replied_count BIGINT NOT NULL DEFAULT 0, -- replies
    dismissed_at TIMESTAMPTZ, -- when it was first put away
    dismissed_count BIGINT NOT NULL DEFAULT 0, -- times put away
    complained_at TIMESTAMPTZ, -- when it was first reported as spam
    complained_count BIGINT NOT NULL DEFAULT 0, -- complaints
    opted_out_at TIMESTAMPTZ, -- when it first led to an opt-out
    opted_out_count BIGINT NOT NULL DEFAULT 0, -- opt-outs
    call_ended_at TIMESTAMPTZ, -- when a call ended
    call_result TEXT, -- how it ended: answered, voicemail, machine, busy, no_answer, failed or cancelled
    call_seconds BIGINT, -- how long it lasted, in seconds
    call_answered_by TEXT, -- who picked up, in the provider's word
    provider TEXT,
    account TEXT,
    domain TEXT, -- our sending domain
    provider_message_id TEXT, -- the provider's id of the message
    segments BIGINT, -- number of SMS segments
    cost_micros BIGINT, -- what the provider charged, in micros of the currency
    currency TEXT,
    from_address TEXT, -- personal: who wrote it
    to_address TEXT, -- personal: whom it went to
    subject TEXT, -- personal: subject line
    body TEXT, -- personal: text
    template TEXT, -- the code of the template that it was made of
    template_version BIGINT, -- the published version; empty for a tested draft
    template_locale TEXT, -- the locale of the template's text
    -- Of what came in: the kind of machine that wrote it, our message that this is about, and what else is known.
    automatic TEXT, -- the kind of machine that wrote an inbound message: bounce, feedback, list or reply; empty for people
    about TEXT, -- our message that an automatic one is about
    details JSONB, -- personal: further parts as JSON
    -- The order of these lines is the rank of the states. A hard bounce after the delivery outranks it (the mailbox
    -- sent it back); a machine's open or click shows that it was delivered, not that anybody read it.
    state TEXT NOT NULL GENERATED ALWAYS AS ( -- the furthest state reached: queued, held, suppressed, cancelled, dispatching, in_doubt, sent, deferred, failed, delivered, bounced, opened, clicked, replied, opted_out or complained; received for inbound ones
        CASE
            WHEN direction = 'inbound' THEN 'received'
            WHEN complained_count > 0 THEN 'complained'
            WHEN opted_out_count > 0 THEN 'opted_out'
            WHEN replied_count > 0 THEN 'replied'
            WHEN clicked_human_count > 0 THEN 'clicked'
            WHEN opened_human_count > 0 THEN 'opened'
            WHEN hard_bounced_count > 0 THEN 'bounced'
            WHEN delivered_count > 0 OR opened_count > 0 OR clicked_count > 0 OR dismissed_count > 0 THEN 'delivered'
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
-- on: MessageRetracted
CREATE INDEX messages_replies ON messages (tenant_id, in_reply_to) WHERE in_reply_to IS NOT NULL;
-- on: CustomerForgotten
CREATE INDEX messages_of_customer ON messages (tenant_id, customer_id, created_at);
-- on: MessageRetracted
CREATE INDEX messages_inbound ON messages (tenant_id, customer_id, created_at) WHERE direction = 'inbound';
-- A page of the product asks for its customer's own.
CREATE INDEX messages_in_app ON messages (tenant_id, customer_id, created_at, message_id)
    WHERE channel = 'in_app' AND sent_count > 0 AND dismissed_count = 0;
CREATE INDEX messages_opened ON messages (tenant_id, opened_human_at, channel, customer_id)
    WHERE opened_human_at IS NOT NULL;
CREATE INDEX messages_clicked ON messages (tenant_id, clicked_human_at, channel, customer_id)
    WHERE clicked_human_at IS NOT NULL;
CREATE INDEX messages_replied ON messages (tenant_id, replied_at, channel, customer_id)
    WHERE replied_at IS NOT NULL;
CREATE INDEX messages_by_provider_id ON messages (tenant_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX messages_in_doubt ON messages (tenant_id, in_doubt_at) WHERE state = 'in_doubt';
CREATE INDEX messages_undispatched ON messages (tenant_id, message_id)
    WHERE state IN ('queued', 'held', 'dispatching', 'in_doubt');

-- Lists of all messages are read from these, in order. The first one never changes; the others have the
-- state, and so serve each pair with it.
CREATE INDEX messages_newest ON messages (tenant_id, direction, channel, created_at, message_id);
CREATE INDEX messages_of_state ON messages (tenant_id, state, channel, created_at, message_id);
CREATE INDEX messages_of_campaign ON messages (tenant_id, campaign_id, state, channel, created_at, message_id)
    WHERE campaign_id IS NOT NULL;
-- What was sent in a campaign without a price, by account: its cost is estimated from these.
CREATE INDEX messages_unpriced ON messages (tenant_id, campaign_id, variant, channel, provider, account, segments)
    WHERE campaign_id IS NOT NULL AND sent_count > 0 AND cost_micros IS NULL;
CREATE INDEX messages_of_account ON messages (tenant_id, account, provider, state, channel, created_at, message_id)
    WHERE account IS NOT NULL;

-- Why a message is, or was, in a state: a row per event that gave a reason, so that none wipes another's.
-- `why` is the shortest word for it, and `message_at` when the message was asked for: lists of messages are read by them.
-- view: Why was a message held, suppressed, refused or bounced? One row per reason.
CREATE TABLE message_reasons (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    event_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    state TEXT NOT NULL, -- the state that it is the reason of: held, suppressed, cancelled, refused, in_doubt, deferred, bounced, failed or complained
    occurred_at TIMESTAMPTZ NOT NULL,
    reason TEXT, -- the rule, or the cause
    class TEXT, -- of a bounce soft or hard, of a refusal whether to try again
    code TEXT, -- the provider's code
    until TIMESTAMPTZ, -- when it ends, or is tried again
    inputs JSONB, -- what the rule looked at, as JSON
    detail TEXT, -- personal: the provider's text
    why TEXT, -- the shortest word for it
    message_at TIMESTAMPTZ, -- when the message was asked for
    PRIMARY KEY (tenant_id, message_id, event_id)
) CLUSTERED;
CREATE INDEX message_reasons_by_why ON message_reasons (tenant_id, why, message_at, message_id)
    WHERE why IS NOT NULL AND message_at IS NOT NULL;

-- When we last heard of each other, by channel.
-- view: When was each customer last in contact? One row per customer and channel.
CREATE TABLE customer_contacts (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    channel TEXT NOT NULL,
    last_inbound_at TIMESTAMPTZ, -- when the customer last wrote
    last_outbound_at TIMESTAMPTZ, -- when we last wrote
    PRIMARY KEY (tenant_id, customer_id, channel)
) CLUSTERED;
CREATE INDEX customer_contacts_inbound ON customer_contacts (tenant_id, last_inbound_at, channel, customer_id)
    WHERE last_inbound_at IS NOT NULL;
CREATE INDEX customer_contacts_outbound ON customer_contacts (tenant_id, last_outbound_at, channel, customer_id)
    WHERE last_outbound_at IS NOT NULL;

-- When we last heard of each other, on any channel.
CREATE TABLE customer_last_contacts (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    last_contact_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
) CLUSTERED;
CREATE INDEX customer_last_contacts_by_time ON customer_last_contacts (tenant_id, last_contact_at, customer_id);

-- section: batch

-- The last correction of a message's opens, or clicks, in the batch.
CREATE TABLE batch_reclassed (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    engagement TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id, engagement)
);

-- section: apply

-- An import's message that is taken back leaves, and with it the reply that it was.
UPDATE messages AS m SET
    replied_count = m.replied_count - r.replies,
    replied_at = (
        SELECT MIN(i.created_at) FROM messages i
        WHERE i.tenant_id = m.tenant_id AND i.in_reply_to = m.message_id AND i.direction = 'inbound'
            AND i.position > m.position AND (i.tenant_id, i.message_id) NOT IN (
                SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
            )
    )
FROM (
    SELECT s.tenant_id, s.in_reply_to, COUNT(*) AS replies
    FROM messages s JOIN messages t ON t.tenant_id = s.tenant_id AND t.message_id = s.in_reply_to
    WHERE t.position < s.position AND s.direction = 'inbound' AND s.in_reply_to IS NOT NULL AND (s.tenant_id, s.message_id) IN (
        SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
    )
    GROUP BY s.tenant_id, s.in_reply_to
) AS r
WHERE m.tenant_id = r.tenant_id AND m.message_id = r.in_reply_to;
DELETE FROM messages WHERE (tenant_id, message_id) IN (
    SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted'
);

INSERT INTO messages (
    tenant_id, message_id, customer_id, direction, channel, campaign_id, variant, conversation_id, class, topic,
    address_id, in_reply_to, send_at, import_id, actor, created_at, position, provider, account, from_address,
    to_address, subject, body, template, template_version, template_locale, automatic, about, details
)
SELECT
    b.tenant_id, b.message_id, b.customer_id,
    CASE b.type WHEN 'MessageReceived' THEN 'inbound' ELSE 'outbound' END,
    b.channel, b.campaign_id, b.variant, b.conversation_id, b.class, @text(b.data, 'topic'),
    b.address_id, b.in_reply_to, @time(b.data, 'send_at'), b.import_id, b.actor, b.occurred_at,
    b.position, b.provider, @text(b.data, 'account'), @text(b.personal, 'from'), @text(b.personal, 'to'),
    @text(b.personal, 'subject'), @text(b.personal, 'body'), @text(b.data, 'template.code'),
    @int(b.data, 'template.version'), @text(b.data, 'template.locale'), @text(b.data, 'automatic'), @text(b.data, 'about'),
    @json(b.personal, 'details')
FROM batch b
WHERE b.type IN ('MessageQueued', 'MessageReceived') AND b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type IN ('MessageQueued', 'MessageReceived', 'MessageRetracted')
    GROUP BY tenant_id, message_id
)
ON CONFLICT (tenant_id, message_id) DO NOTHING;

-- Reports, in groups of those that come together: a statement for all of them would count what is hardly ever there.
UPDATE messages AS m SET
    dispatching_at = @least(m.dispatching_at, s.dispatching_at),
    dispatching_count = m.dispatching_count + s.dispatching_count,
    sent_at = @least(m.sent_at, s.sent_at),
    sent_count = m.sent_count + s.sent_count,
    delivered_at = @least(m.delivered_at, s.delivered_at),
    delivered_count = m.delivered_count + s.delivered_count,
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
        @min_if(r.occurred_at, r.type = 'DispatchStarted') AS dispatching_at,
        @count_if(r.type = 'DispatchStarted') AS dispatching_count,
        @min_if(r.occurred_at, r.type = 'MessageSent') AS sent_at,
        @count_if(r.type = 'MessageSent') AS sent_count,
        @min_if(r.occurred_at, r.type = 'MessageDelivered') AS delivered_at,
        @count_if(r.type = 'MessageDelivered') AS delivered_count,
        MAX(r.provider) AS provider,
        MAX(r.account) AS account,
        MAX(r.domain) AS domain,
        MAX(r.provider_message_id) AS provider_message_id,
        MAX(r.segments) AS segments,
        MAX(r.cost_micros) AS cost_micros,
        MAX(r.currency) AS currency
    FROM (
        SELECT
            b.tenant_id, b.message_id, b.occurred_at, b.type,
            CASE WHEN b.type = 'MessageSent' THEN b.provider END AS provider,
            CASE WHEN b.type = 'MessageSent' THEN b.account END AS account,
            CASE WHEN b.type = 'MessageSent' THEN b.domain END AS domain,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'provider_message_id') END AS provider_message_id,
            CASE WHEN b.type = 'MessageSent' THEN @int(b.data, 'segments') END AS segments,
            CASE WHEN b.type = 'MessageSent' THEN @int(b.data, 'cost_micros') END AS cost_micros,
            CASE WHEN b.type = 'MessageSent' THEN @text(b.data, 'currency') END AS currency
        FROM batch b
        WHERE b.type IN ('DispatchStarted', 'MessageSent', 'MessageDelivered')
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

-- A correction tells the figures that result from all reports before it in the log; those after it are added below. What
-- was reported, and when first, stays.
INSERT INTO batch_reclassed (tenant_id, message_id, engagement, ordinal)
SELECT b.tenant_id, b.message_id, @text(b.data, 'engagement'), MAX(b.ordinal)
FROM batch b
WHERE b.type = 'EngagementReclassified'
GROUP BY b.tenant_id, b.message_id, @text(b.data, 'engagement');
UPDATE messages AS m SET
    opened_human_at = @time(b.data, 'first_human_at'),
    opened_human_count = @int(b.data, 'human_count'),
    opened_machine_count = @int(b.data, 'machine_count')
FROM batch_reclassed c JOIN batch b ON b.ordinal = c.ordinal
WHERE c.engagement = 'opened' AND m.tenant_id = c.tenant_id AND m.message_id = c.message_id;
UPDATE messages AS m SET
    clicked_human_at = @time(b.data, 'first_human_at'),
    clicked_human_count = @int(b.data, 'human_count'),
    clicked_machine_count = @int(b.data, 'machine_count')
FROM batch_reclassed c JOIN batch b ON b.ordinal = c.ordinal
WHERE c.engagement = 'clicked' AND m.tenant_id = c.tenant_id AND m.message_id = c.message_id;

UPDATE messages AS m SET
    opened_at = @least(m.opened_at, s.opened_at),
    opened_count = m.opened_count + s.opened_count,
    opened_human_at = @least(m.opened_human_at, s.opened_human_at),
    opened_human_count = m.opened_human_count + s.opened_human_count,
    opened_machine_count = m.opened_machine_count + s.opened_machine_count,
    clicked_at = @least(m.clicked_at, s.clicked_at),
    clicked_count = m.clicked_count + s.clicked_count,
    clicked_human_at = @least(m.clicked_human_at, s.clicked_human_at),
    clicked_human_count = m.clicked_human_count + s.clicked_human_count,
    clicked_machine_count = m.clicked_machine_count + s.clicked_machine_count
FROM (
    SELECT
        r.tenant_id, r.message_id,
        @min_if(r.occurred_at, r.type = 'MessageOpened') AS opened_at,
        @count_if(r.type = 'MessageOpened') AS opened_count,
        @min_if(r.occurred_at, r.type = 'MessageOpened' AND r.class = 'human') AS opened_human_at,
        @count_if(r.type = 'MessageOpened' AND r.class = 'human') AS opened_human_count,
        @count_if(r.type = 'MessageOpened' AND r.class = 'machine') AS opened_machine_count,
        @min_if(r.occurred_at, r.type = 'MessageClicked') AS clicked_at,
        @count_if(r.type = 'MessageClicked') AS clicked_count,
        @min_if(r.occurred_at, r.type = 'MessageClicked' AND r.class = 'human') AS clicked_human_at,
        @count_if(r.type = 'MessageClicked' AND r.class = 'human') AS clicked_human_count,
        @count_if(r.type = 'MessageClicked' AND r.class = 'machine') AS clicked_machine_count
    FROM (
        SELECT
            b.tenant_id, b.message_id, b.occurred_at, b.type,
            CASE WHEN c.ordinal IS NULL OR c.ordinal < b.ordinal THEN b.class END AS class
        FROM batch b LEFT JOIN batch_reclassed c
            ON c.tenant_id = b.tenant_id AND c.message_id = b.message_id
                AND c.engagement = CASE b.type WHEN 'MessageOpened' THEN 'opened' ELSE 'clicked' END
        WHERE b.type IN ('MessageOpened', 'MessageClicked')
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

UPDATE messages AS m SET
    held_at = @least(m.held_at, s.held_at),
    held_count = m.held_count + s.held_count,
    held_until = @greatest(m.held_until, s.held_until),
    released_count = m.released_count + s.released_count,
    suppressed_at = @least(m.suppressed_at, s.suppressed_at),
    suppressed_count = m.suppressed_count + s.suppressed_count,
    cancelled_at = @least(m.cancelled_at, s.cancelled_at),
    cancelled_count = m.cancelled_count + s.cancelled_count
FROM (
    SELECT
        r.tenant_id, r.message_id,
        @min_if(r.occurred_at, r.type = 'MessageHeld') AS held_at,
        @count_if(r.type = 'MessageHeld') AS held_count,
        MAX(r.until) AS held_until,
        @count_if(r.type = 'MessageReleased') AS released_count,
        @min_if(r.occurred_at, r.type = 'MessageSuppressed') AS suppressed_at,
        @count_if(r.type = 'MessageSuppressed') AS suppressed_count,
        @min_if(r.occurred_at, r.type = 'MessageCancelled') AS cancelled_at,
        @count_if(r.type = 'MessageCancelled') AS cancelled_count
    FROM (
        SELECT b.tenant_id, b.message_id, b.occurred_at, b.type, @time(b.data, 'until') AS until
        FROM batch b
        WHERE b.type IN ('MessageHeld', 'MessageReleased', 'MessageSuppressed', 'MessageCancelled')
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

UPDATE messages AS m SET
    refused_at = @least(m.refused_at, s.refused_at),
    refused_count = m.refused_count + s.refused_count,
    refused_finally_count = m.refused_finally_count + s.refused_finally_count,
    retry_at = @greatest(m.retry_at, s.retry_at),
    in_doubt_at = @least(m.in_doubt_at, s.in_doubt_at),
    in_doubt_count = m.in_doubt_count + s.in_doubt_count,
    deferred_at = @least(m.deferred_at, s.deferred_at),
    deferred_count = m.deferred_count + s.deferred_count,
    bounced_at = @least(m.bounced_at, s.bounced_at),
    bounced_count = m.bounced_count + s.bounced_count,
    hard_bounced_count = m.hard_bounced_count + s.hard_bounced_count,
    failed_at = @least(m.failed_at, s.failed_at),
    failed_count = m.failed_count + s.failed_count,
    dismissed_at = @least(m.dismissed_at, s.dismissed_at),
    dismissed_count = m.dismissed_count + s.dismissed_count,
    complained_at = @least(m.complained_at, s.complained_at),
    complained_count = m.complained_count + s.complained_count
FROM (
    SELECT
        r.tenant_id, r.message_id,
        @min_if(r.occurred_at, r.type = 'DispatchFailed') AS refused_at,
        @count_if(r.type = 'DispatchFailed') AS refused_count,
        @count_if(r.type = 'DispatchFailed' AND r.retry_at IS NULL) AS refused_finally_count,
        MAX(r.retry_at) AS retry_at,
        @min_if(r.occurred_at, r.type = 'DispatchInDoubt') AS in_doubt_at,
        @count_if(r.type = 'DispatchInDoubt') AS in_doubt_count,
        @min_if(r.occurred_at, r.type = 'MessageDeferred') AS deferred_at,
        @count_if(r.type = 'MessageDeferred') AS deferred_count,
        @min_if(r.occurred_at, r.type = 'MessageBounced') AS bounced_at,
        @count_if(r.type = 'MessageBounced') AS bounced_count,
        @count_if(r.bounce = 'hard') AS hard_bounced_count,
        @min_if(r.occurred_at, r.type = 'MessageFailed') AS failed_at,
        @count_if(r.type = 'MessageFailed') AS failed_count,
        @min_if(r.occurred_at, r.type = 'MessageDismissed') AS dismissed_at,
        @count_if(r.type = 'MessageDismissed') AS dismissed_count,
        @min_if(r.occurred_at, r.type = 'MessageComplained') AS complained_at,
        @count_if(r.type = 'MessageComplained') AS complained_count
    FROM (
        SELECT
            b.tenant_id, b.message_id, b.occurred_at, b.type, @time(b.data, 'retry_at') AS retry_at,
            @text(b.data, 'bounce') AS bounce
        FROM batch b
        WHERE b.type IN (
            'DispatchFailed', 'DispatchInDoubt', 'MessageDeferred', 'MessageBounced', 'MessageFailed',
            'MessageDismissed', 'MessageComplained'
        )
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

UPDATE messages AS m SET
    call_ended_at = @least(m.call_ended_at, s.call_ended_at),
    call_result = @greatest(m.call_result, s.call_result),
    call_seconds = @greatest(m.call_seconds, s.call_seconds),
    call_answered_by = @greatest(m.call_answered_by, s.call_answered_by),
    cost_micros = @greatest(m.cost_micros, s.cost_micros),
    currency = @greatest(m.currency, s.currency)
FROM (
    SELECT
        r.tenant_id, r.message_id,
        MIN(r.occurred_at) AS call_ended_at,
        MAX(r.call_result) AS call_result,
        MAX(r.call_seconds) AS call_seconds,
        MAX(r.call_answered_by) AS call_answered_by,
        MAX(r.cost_micros) AS cost_micros,
        MAX(r.currency) AS currency
    FROM (
        SELECT
            b.tenant_id, b.message_id, b.occurred_at,
            @text(b.data, 'result') AS call_result,
            @int(b.data, 'seconds') AS call_seconds,
            @text(b.data, 'answered_by') AS call_answered_by,
            @int(b.data, 'cost_micros') AS cost_micros,
            @text(b.data, 'currency') AS currency
        FROM batch b
        WHERE b.type = 'CallEnded'
    ) AS r
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

-- Replies and opt-outs count for the message that they answer, if it was there before them.
UPDATE messages AS m SET
    replied_at = @least(m.replied_at, s.replied_at),
    replied_count = m.replied_count + s.replied_count,
    opted_out_at = @least(m.opted_out_at, s.opted_out_at),
    opted_out_count = m.opted_out_count + s.opted_out_count
FROM (
    SELECT
        r.tenant_id, r.message_id,
        @min_if(r.occurred_at, r.type = 'MessageReceived') AS replied_at,
        @count_if(r.type = 'MessageReceived') AS replied_count,
        @min_if(r.occurred_at, r.type = 'ConsentChanged') AS opted_out_at,
        @count_if(r.type = 'ConsentChanged') AS opted_out_count
    FROM (
        SELECT b.tenant_id, b.message_id, b.occurred_at, b.type, b.position
        FROM batch b
        WHERE b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND b.state = 'opted_out'
        UNION ALL
        SELECT b.tenant_id, b.in_reply_to, b.occurred_at, b.type, b.position
        FROM batch b
        WHERE b.type = 'MessageReceived' AND b.in_reply_to IS NOT NULL AND b.ordinal IN (
            SELECT MAX(ordinal) FROM batch WHERE type IN ('MessageReceived', 'MessageRetracted')
            GROUP BY tenant_id, message_id
        )
    ) AS r
    JOIN messages t ON t.tenant_id = r.tenant_id AND t.message_id = r.message_id
    WHERE t.position < r.position
    GROUP BY r.tenant_id, r.message_id
) AS s
WHERE m.tenant_id = s.tenant_id AND m.message_id = s.message_id;

INSERT INTO message_reasons (
    tenant_id, message_id, event_id, customer_id, state, occurred_at, reason, class, code, until, inputs, detail, why,
    message_at
)
SELECT
    r.tenant_id, r.message_id, r.event_id, r.customer_id, r.state, r.occurred_at, r.reason, r.class, r.code, r.until,
    r.inputs, r.detail, COALESCE(r.reason, r.code, r.class), m.created_at
FROM (
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
        END AS state,
        b.occurred_at,
        CASE b.type
            WHEN 'MessageHeld' THEN @text(b.data, 'rule')
            WHEN 'MessageSuppressed' THEN @text(b.data, 'rule')
            WHEN 'MessageCancelled' THEN @text(b.data, 'reason')
            WHEN 'DispatchInDoubt' THEN @text(b.data, 'cause')
            WHEN 'MessageComplained' THEN @text(b.data, 'kind')
        END AS reason,
        CASE WHEN b.type = 'MessageBounced' THEN @text(b.data, 'bounce') ELSE b.class END AS class,
        @text(b.data, 'code') AS code,
        CASE WHEN b.type = 'MessageHeld' THEN @time(b.data, 'until') ELSE @time(b.data, 'retry_at') END AS until,
        @json(b.data, 'inputs') AS inputs,
        CASE WHEN b.type = 'MessageBounced' THEN @text(b.personal, 'diagnostic') ELSE @text(b.personal, 'detail') END
            AS detail
    FROM batch b
    WHERE b.type IN (
        'MessageHeld', 'MessageSuppressed', 'MessageCancelled', 'DispatchFailed', 'DispatchInDoubt', 'MessageDeferred',
        'MessageBounced', 'MessageFailed', 'MessageComplained'
    )
) AS r LEFT JOIN messages m ON m.tenant_id = r.tenant_id AND m.message_id = r.message_id;

INSERT INTO customer_contacts (tenant_id, customer_id, channel, last_inbound_at, last_outbound_at)
SELECT
    b.tenant_id, b.customer_id, b.channel,
    -- What a machine wrote is no contact.
    @max_if(b.occurred_at, b.type = 'MessageReceived' AND @text(b.data, 'automatic') IS NULL),
    @max_if(b.occurred_at, b.type <> 'MessageReceived')
FROM batch b
WHERE b.type IN ('MessageReceived', 'MessageSent', 'MessageDelivered')
    -- What an import says was sent elsewhere is no contact of ours.
    AND (b.type <> 'MessageSent' OR b.provider <> 'import')
GROUP BY b.tenant_id, b.customer_id, b.channel
ON CONFLICT (tenant_id, customer_id, channel) DO UPDATE SET
    last_inbound_at = @greatest(customer_contacts.last_inbound_at, excluded.last_inbound_at),
    last_outbound_at = @greatest(customer_contacts.last_outbound_at, excluded.last_outbound_at);
-- The last message may be one that was taken back: look at what is left. The channel is made into an expression, so that a
-- customer's messages are looked at and not all of the channel.
UPDATE customer_contacts SET last_inbound_at = (
    SELECT MAX(m.created_at) FROM messages m
    WHERE m.tenant_id = customer_contacts.tenant_id AND m.customer_id = customer_contacts.customer_id
        AND m.channel || '' = customer_contacts.channel AND m.direction = 'inbound' AND m.automatic IS NULL
)
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM batch WHERE type = 'MessageRetracted');
DELETE FROM customer_contacts
WHERE last_inbound_at IS NULL AND last_outbound_at IS NULL
    AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM batch WHERE type = 'MessageRetracted');

INSERT INTO customer_last_contacts (tenant_id, customer_id, last_contact_at)
SELECT t.tenant_id, t.customer_id, MAX(@greatest(t.last_inbound_at, t.last_outbound_at))
FROM customer_contacts t
WHERE (t.tenant_id, t.customer_id) IN (
    SELECT tenant_id, customer_id FROM batch
    WHERE type IN ('MessageReceived', 'MessageSent', 'MessageDelivered', 'MessageRetracted')
)
GROUP BY t.tenant_id, t.customer_id
HAVING MAX(@greatest(t.last_inbound_at, t.last_outbound_at)) IS NOT NULL
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET last_contact_at = excluded.last_contact_at
WHERE customer_last_contacts.last_contact_at <> excluded.last_contact_at;
DELETE FROM customer_last_contacts
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM batch WHERE type = 'MessageRetracted')
    AND NOT EXISTS (
        SELECT 1 FROM customer_contacts t
        WHERE t.tenant_id = customer_last_contacts.tenant_id AND t.customer_id = customer_last_contacts.customer_id
            AND (t.last_inbound_at IS NOT NULL OR t.last_outbound_at IS NOT NULL)
    );

-- section: forget
UPDATE messages SET from_address = NULL, to_address = NULL, subject = NULL, body = NULL, details = NULL
WHERE (tenant_id, message_id) IN (
    SELECT t.tenant_id, t.message_id FROM messages t
    WHERE (t.tenant_id, t.customer_id) IN (SELECT tenant_id, customer_id FROM forgotten)
);
UPDATE message_reasons SET detail = NULL
WHERE detail IS NOT NULL AND (tenant_id, message_id) IN (
    SELECT t.tenant_id, t.message_id FROM messages t
    WHERE (t.tenant_id, t.customer_id) IN (SELECT tenant_id, customer_id FROM forgotten)
);
