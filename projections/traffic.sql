-- projection: traffic
-- question: What came and went, hour by hour, on each channel?
-- events: MessageQueued, MessageHeld, MessageSuppressed, MessageSent, MessageDelivered, MessageBounced, MessageFailed
-- events: DispatchFailed, MessageOpened, MessageClicked, MessageComplained, MessageReceived, ConsentChanged
-- scope: tenant
-- version: 1

-- section: tables

-- Sums over events, so their order cannot matter. What an import brought from elsewhere does not count.
-- view: What came and went on each channel? One row per hour and channel; each report counts.
CREATE TABLE traffic (
    tenant_id UUID NOT NULL,
    hour TIMESTAMPTZ NOT NULL, -- beginning of the hour, UTC
    channel TEXT NOT NULL,
    queued BIGINT NOT NULL, -- messages asked for
    held BIGINT NOT NULL, -- times that a rule held a message
    suppressed BIGINT NOT NULL, -- messages that a rule stopped
    sent BIGINT NOT NULL, -- reports of sending
    delivered BIGINT NOT NULL, -- reports of delivery
    opened BIGINT NOT NULL, -- reports of opening, by people and machines
    clicked BIGINT NOT NULL, -- reports of a click, by people and machines
    bounced BIGINT NOT NULL, -- reports of a bounce, soft or hard
    failed BIGINT NOT NULL, -- reports of failure, and final refusals of a provider
    complained BIGINT NOT NULL, -- complaints
    received BIGINT NOT NULL, -- messages that came in
    opted_out BIGINT NOT NULL, -- opt-outs
    PRIMARY KEY (tenant_id, hour, channel)
) CLUSTERED;

-- section: apply
INSERT INTO traffic (
    tenant_id, hour, channel, queued, held, suppressed, sent, delivered, opened, clicked, bounced, failed, complained,
    received, opted_out
)
SELECT
    b.tenant_id, b.hour, b.channel,
    @count_if(b.type = 'MessageQueued'), @count_if(b.type = 'MessageHeld'), @count_if(b.type = 'MessageSuppressed'),
    @count_if(b.type = 'MessageSent'), @count_if(b.type = 'MessageDelivered'), @count_if(b.type = 'MessageOpened'),
    @count_if(b.type = 'MessageClicked'), @count_if(b.type = 'MessageBounced'),
    @count_if(b.type IN ('MessageFailed', 'DispatchFailed')), @count_if(b.type = 'MessageComplained'),
    @count_if(b.type = 'MessageReceived'), @count_if(b.type = 'ConsentChanged')
FROM batch b
WHERE b.type IN (
    'MessageQueued', 'MessageHeld', 'MessageSuppressed', 'MessageSent', 'MessageDelivered', 'MessageOpened',
    'MessageClicked', 'MessageBounced', 'MessageFailed', 'DispatchFailed', 'MessageComplained', 'MessageReceived',
    'ConsentChanged'
)
    AND b.channel IS NOT NULL
    AND b.import_id IS NULL
    AND COALESCE(b.provider, '') <> 'import'
    AND (b.type <> 'ConsentChanged' OR b.state = 'opted_out')
    AND (b.type <> 'DispatchFailed' OR NOT @has(b.data, 'retry_at'))
GROUP BY b.tenant_id, b.hour, b.channel
ON CONFLICT (tenant_id, hour, channel) DO UPDATE SET
    queued = traffic.queued + excluded.queued,
    held = traffic.held + excluded.held,
    suppressed = traffic.suppressed + excluded.suppressed,
    sent = traffic.sent + excluded.sent,
    delivered = traffic.delivered + excluded.delivered,
    opened = traffic.opened + excluded.opened,
    clicked = traffic.clicked + excluded.clicked,
    bounced = traffic.bounced + excluded.bounced,
    failed = traffic.failed + excluded.failed,
    complained = traffic.complained + excluded.complained,
    received = traffic.received + excluded.received,
    opted_out = traffic.opted_out + excluded.opted_out;

-- section: forget
