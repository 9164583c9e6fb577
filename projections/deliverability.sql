-- projection: deliverability
-- question: How well does what we send arrive, by sending domain, provider and day?
-- events: MessageSent, MessageDelivered, MessageDeferred, MessageBounced, MessageFailed, MessageComplained
-- events: DispatchFailed
-- scope: tenant
-- version: 2

-- section: tables

-- Sums over reports, so their order cannot matter. The domain is empty where the channel has none.
-- view: How well does what we send arrive? One row per day, sending domain, provider and channel; each report counts.
CREATE TABLE deliverability (
    tenant_id UUID NOT NULL,
    domain TEXT NOT NULL, -- our sending domain; empty where the channel has none
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    day TIMESTAMPTZ NOT NULL, -- beginning of the day, UTC
    sent BIGINT NOT NULL, -- reports of sending
    delivered BIGINT NOT NULL, -- reports of delivery
    deferred BIGINT NOT NULL, -- reports of a delay
    soft_bounced BIGINT NOT NULL, -- reports of a soft bounce
    hard_bounced BIGINT NOT NULL, -- reports of a hard bounce
    failed BIGINT NOT NULL, -- reports of failure
    refused BIGINT NOT NULL, -- attempts that a provider refused
    complained BIGINT NOT NULL, -- complaints
    PRIMARY KEY (tenant_id, day, domain, provider, channel)
) CLUSTERED;

-- section: apply
INSERT INTO deliverability (
    tenant_id, domain, provider, channel, day, sent, delivered, deferred, soft_bounced, hard_bounced, failed, refused,
    complained
)
SELECT
    r.tenant_id, r.domain, r.provider, r.channel, r.day,
    @count_if(r.report = 'MessageSent'), @count_if(r.report = 'MessageDelivered'),
    @count_if(r.report = 'MessageDeferred'), @count_if(r.report = 'soft'), @count_if(r.report = 'hard'),
    @count_if(r.report = 'MessageFailed'), @count_if(r.report = 'DispatchFailed'),
    @count_if(r.report = 'MessageComplained')
FROM (
    SELECT
        b.tenant_id, b.channel, b.day,
        COALESCE(b.domain, '') AS domain,
        b.provider AS provider,
        CASE WHEN b.type = 'MessageBounced' THEN @text(b.data, 'bounce') ELSE b.type END AS report
    FROM batch b
    WHERE b.type IN (
        'MessageSent', 'MessageDelivered', 'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageComplained',
        'DispatchFailed'
    )
        -- What an import says was sent elsewhere tells nothing of what we send.
        AND b.provider <> 'import'
) AS r
GROUP BY r.tenant_id, r.domain, r.provider, r.channel, r.day
ON CONFLICT (tenant_id, day, domain, provider, channel) DO UPDATE SET
    sent = deliverability.sent + excluded.sent,
    delivered = deliverability.delivered + excluded.delivered,
    deferred = deliverability.deferred + excluded.deferred,
    soft_bounced = deliverability.soft_bounced + excluded.soft_bounced,
    hard_bounced = deliverability.hard_bounced + excluded.hard_bounced,
    failed = deliverability.failed + excluded.failed,
    refused = deliverability.refused + excluded.refused,
    complained = deliverability.complained + excluded.complained;

-- section: forget
