-- projection: campaign_metrics
-- question: What did this campaign achieve, by variant and channel, and by hour?
-- events: MessageQueued, MessageSuppressed, MessageCancelled, MessageSent, MessageDelivered, MessageDeferred
-- events: MessageBounced, MessageFailed, DispatchFailed, MessageOpened, MessageClicked, MessageComplained
-- events: MessageReceived, ConsentChanged
-- scope: tenant
-- version: 1

-- section: tables

-- Opens and clicks: raw is machine and human together, the unique ones count each message once. All other columns count
-- messages. A message counts as sent from the first evidence that a provider took it (an open may be reported before
-- the sending is), so there are never more unique opens or clicks than messages sent. Refused by the provider for good
-- counts as failed. The variant is empty for messages without one.
CREATE TABLE campaign_metrics (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    queued BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    deferred BIGINT NOT NULL,
    soft_bounced BIGINT NOT NULL,
    hard_bounced BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    complained BIGINT NOT NULL,
    opted_out BIGINT NOT NULL,
    replied BIGINT NOT NULL,
    opens BIGINT NOT NULL,
    opens_machine BIGINT NOT NULL,
    opens_human BIGINT NOT NULL,
    unique_opens BIGINT NOT NULL,
    unique_opens_machine BIGINT NOT NULL,
    unique_opens_human BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    clicks_machine BIGINT NOT NULL,
    clicks_human BIGINT NOT NULL,
    unique_clicks BIGINT NOT NULL,
    unique_clicks_machine BIGINT NOT NULL,
    unique_clicks_human BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, variant, channel)
);

-- What is known of each message, one bit per kind of report: what makes the unique figures exact, in any order of
-- reports and however often they come.
--   1 queued, 2 suppressed, 4 cancelled, 8 sent, 16 delivered, 32 deferred
--   64 soft_bounced, 128 hard_bounced, 256 failed, 512 refused, 1024 complained, 2048 opted_out
--   4096 replied, 8192 opens_machine, 16384 opens_human, 32768 clicks_machine, 65536 clicks_human
CREATE TABLE campaign_messages (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    marks BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id)
);

-- Reports by the hour in which they happened.
CREATE TABLE campaign_hours (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    queued BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    deferred BIGINT NOT NULL,
    soft_bounced BIGINT NOT NULL,
    hard_bounced BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    complained BIGINT NOT NULL,
    opted_out BIGINT NOT NULL,
    replied BIGINT NOT NULL,
    opens_machine BIGINT NOT NULL,
    opens_human BIGINT NOT NULL,
    clicks_machine BIGINT NOT NULL,
    clicks_human BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, variant, channel, hour)
);

CREATE TABLE campaign_costs (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    currency TEXT NOT NULL,
    cost_micros BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, variant, channel, currency)
);

-- section: apply

-- A message counts where it has a mark that it did not have before the batch. A reply counts for the message that it
-- answers; replies that an import brought do not count.
INSERT INTO campaign_metrics (
    tenant_id, campaign_id, variant, channel,
    queued, suppressed, cancelled, sent, delivered, deferred, soft_bounced, hard_bounced, failed, complained,
    opted_out, replied, opens, opens_machine, opens_human, unique_opens, unique_opens_machine, unique_opens_human,
    clicks, clicks_machine, clicks_human, unique_clicks, unique_clicks_machine, unique_clicks_human
)
SELECT
    n.tenant_id, n.campaign_id, n.variant, n.channel,
    @count_if((n.marks & 1) <> 0 AND (COALESCE(o.marks, 0) & 1) = 0),
    @count_if((n.marks & 2) <> 0 AND (COALESCE(o.marks, 0) & 2) = 0),
    @count_if((n.marks & 4) <> 0 AND (COALESCE(o.marks, 0) & 4) = 0),
    @count_if((n.marks & 130552) <> 0 AND (COALESCE(o.marks, 0) & 130552) = 0),
    @count_if((n.marks & 16) <> 0 AND (COALESCE(o.marks, 0) & 16) = 0),
    @count_if((n.marks & 32) <> 0 AND (COALESCE(o.marks, 0) & 32) = 0),
    @count_if((n.marks & 64) <> 0 AND (COALESCE(o.marks, 0) & 64) = 0),
    @count_if((n.marks & 128) <> 0 AND (COALESCE(o.marks, 0) & 128) = 0),
    @count_if((n.marks & 768) <> 0 AND (COALESCE(o.marks, 0) & 768) = 0),
    @count_if((n.marks & 1024) <> 0 AND (COALESCE(o.marks, 0) & 1024) = 0),
    @count_if((n.marks & 2048) <> 0 AND (COALESCE(o.marks, 0) & 2048) = 0),
    @count_if((n.marks & 4096) <> 0 AND (COALESCE(o.marks, 0) & 4096) = 0),
    @sum(n.opens_machine + n.opens_human),
    @sum(n.opens_machine),
    @sum(n.opens_human),
    @count_if((n.marks & 24576) <> 0 AND (COALESCE(o.marks, 0) & 24576) = 0),
    @count_if((n.marks & 8192) <> 0 AND (COALESCE(o.marks, 0) & 8192) = 0),
    @count_if((n.marks & 16384) <> 0 AND (COALESCE(o.marks, 0) & 16384) = 0),
    @sum(n.clicks_machine + n.clicks_human),
    @sum(n.clicks_machine),
    @sum(n.clicks_human),
    @count_if((n.marks & 98304) <> 0 AND (COALESCE(o.marks, 0) & 98304) = 0),
    @count_if((n.marks & 32768) <> 0 AND (COALESCE(o.marks, 0) & 32768) = 0),
    @count_if((n.marks & 65536) <> 0 AND (COALESCE(o.marks, 0) & 65536) = 0)
FROM (
    SELECT
        m.tenant_id, m.message_id, m.campaign_id, m.variant, m.channel, @sum(m.mark) AS marks,
        @sum(CASE WHEN m.mark = 8192 THEN m.reports ELSE 0 END) AS opens_machine,
        @sum(CASE WHEN m.mark = 16384 THEN m.reports ELSE 0 END) AS opens_human,
        @sum(CASE WHEN m.mark = 32768 THEN m.reports ELSE 0 END) AS clicks_machine,
        @sum(CASE WHEN m.mark = 65536 THEN m.reports ELSE 0 END) AS clicks_human
    FROM (
        SELECT r.tenant_id, r.message_id, r.campaign_id, r.variant, r.channel, r.mark, COUNT(*) AS reports
        FROM (
            SELECT
                b.tenant_id, b.campaign_id, COALESCE(b.variant, '') AS variant, b.channel,
                CASE WHEN b.type = 'MessageReceived' THEN @uuid(b.data, 'in_reply_to') ELSE b.message_id END AS message_id,
                CASE b.type
                    WHEN 'MessageQueued' THEN 1
                    WHEN 'MessageSuppressed' THEN 2
                    WHEN 'MessageCancelled' THEN 4
                    WHEN 'MessageSent' THEN 8
                    WHEN 'MessageDelivered' THEN 16
                    WHEN 'MessageDeferred' THEN 32
                    WHEN 'MessageFailed' THEN 256
                    WHEN 'DispatchFailed' THEN 512
                    WHEN 'MessageComplained' THEN 1024
                    WHEN 'ConsentChanged' THEN 2048
                    WHEN 'MessageReceived' THEN 4096
                    WHEN 'MessageBounced' THEN CASE @text(b.data, 'bounce') WHEN 'hard' THEN 128 ELSE 64 END
                    WHEN 'MessageOpened' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 16384 ELSE 8192 END
                    WHEN 'MessageClicked' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 65536 ELSE 32768 END
                END AS mark
            FROM batch b
            WHERE b.campaign_id IS NOT NULL AND (
                b.type IN (
                    'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'MessageSent', 'MessageDelivered',
                    'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked',
                    'MessageComplained'
                )
                OR (b.type = 'DispatchFailed' AND NOT @has(b.data, 'retry_at'))
                OR (b.type = 'MessageReceived' AND b.import_id IS NULL AND @has(b.data, 'in_reply_to'))
                OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
            )
        ) AS r
        GROUP BY r.tenant_id, r.message_id, r.campaign_id, r.variant, r.channel, r.mark
    ) AS m
    GROUP BY m.tenant_id, m.message_id, m.campaign_id, m.variant, m.channel
) AS n
LEFT JOIN campaign_messages o ON o.tenant_id = n.tenant_id AND o.message_id = n.message_id
WHERE TRUE
GROUP BY n.tenant_id, n.campaign_id, n.variant, n.channel
ON CONFLICT (tenant_id, campaign_id, variant, channel) DO UPDATE SET
    queued = campaign_metrics.queued + excluded.queued,
    suppressed = campaign_metrics.suppressed + excluded.suppressed,
    cancelled = campaign_metrics.cancelled + excluded.cancelled,
    sent = campaign_metrics.sent + excluded.sent,
    delivered = campaign_metrics.delivered + excluded.delivered,
    deferred = campaign_metrics.deferred + excluded.deferred,
    soft_bounced = campaign_metrics.soft_bounced + excluded.soft_bounced,
    hard_bounced = campaign_metrics.hard_bounced + excluded.hard_bounced,
    failed = campaign_metrics.failed + excluded.failed,
    complained = campaign_metrics.complained + excluded.complained,
    opted_out = campaign_metrics.opted_out + excluded.opted_out,
    replied = campaign_metrics.replied + excluded.replied,
    opens = campaign_metrics.opens + excluded.opens,
    opens_machine = campaign_metrics.opens_machine + excluded.opens_machine,
    opens_human = campaign_metrics.opens_human + excluded.opens_human,
    unique_opens = campaign_metrics.unique_opens + excluded.unique_opens,
    unique_opens_machine = campaign_metrics.unique_opens_machine + excluded.unique_opens_machine,
    unique_opens_human = campaign_metrics.unique_opens_human + excluded.unique_opens_human,
    clicks = campaign_metrics.clicks + excluded.clicks,
    clicks_machine = campaign_metrics.clicks_machine + excluded.clicks_machine,
    clicks_human = campaign_metrics.clicks_human + excluded.clicks_human,
    unique_clicks = campaign_metrics.unique_clicks + excluded.unique_clicks,
    unique_clicks_machine = campaign_metrics.unique_clicks_machine + excluded.unique_clicks_machine,
    unique_clicks_human = campaign_metrics.unique_clicks_human + excluded.unique_clicks_human;

INSERT INTO campaign_messages (tenant_id, message_id, marks)
SELECT m.tenant_id, m.message_id, @sum(m.mark)
FROM (
    SELECT DISTINCT r.tenant_id, r.message_id, r.mark
    FROM (
        SELECT
            b.tenant_id,
            CASE WHEN b.type = 'MessageReceived' THEN @uuid(b.data, 'in_reply_to') ELSE b.message_id END AS message_id,
            CASE b.type
                WHEN 'MessageQueued' THEN 1
                WHEN 'MessageSuppressed' THEN 2
                WHEN 'MessageCancelled' THEN 4
                WHEN 'MessageSent' THEN 8
                WHEN 'MessageDelivered' THEN 16
                WHEN 'MessageDeferred' THEN 32
                WHEN 'MessageFailed' THEN 256
                WHEN 'DispatchFailed' THEN 512
                WHEN 'MessageComplained' THEN 1024
                WHEN 'ConsentChanged' THEN 2048
                WHEN 'MessageReceived' THEN 4096
                WHEN 'MessageBounced' THEN CASE @text(b.data, 'bounce') WHEN 'hard' THEN 128 ELSE 64 END
                WHEN 'MessageOpened' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 16384 ELSE 8192 END
                WHEN 'MessageClicked' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 65536 ELSE 32768 END
            END AS mark
        FROM batch b
        WHERE b.campaign_id IS NOT NULL AND (
            b.type IN (
                'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'MessageSent', 'MessageDelivered',
                'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked',
                'MessageComplained'
            )
            OR (b.type = 'DispatchFailed' AND NOT @has(b.data, 'retry_at'))
            OR (b.type = 'MessageReceived' AND b.import_id IS NULL AND @has(b.data, 'in_reply_to'))
            OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
        )
    ) AS r
) AS m
WHERE TRUE
GROUP BY m.tenant_id, m.message_id
ON CONFLICT (tenant_id, message_id) DO UPDATE SET marks = campaign_messages.marks | excluded.marks;

INSERT INTO campaign_hours (
    tenant_id, campaign_id, variant, channel, hour,
    queued, suppressed, cancelled, sent, delivered, deferred, soft_bounced, hard_bounced, failed, refused,
    complained, opted_out, replied, opens_machine, opens_human, clicks_machine, clicks_human
)
SELECT
    r.tenant_id, r.campaign_id, r.variant, r.channel, r.hour,
    @count_if(r.mark = 1),
    @count_if(r.mark = 2),
    @count_if(r.mark = 4),
    @count_if(r.mark = 8),
    @count_if(r.mark = 16),
    @count_if(r.mark = 32),
    @count_if(r.mark = 64),
    @count_if(r.mark = 128),
    @count_if(r.mark = 256),
    @count_if(r.mark = 512),
    @count_if(r.mark = 1024),
    @count_if(r.mark = 2048),
    @count_if(r.mark = 4096),
    @count_if(r.mark = 8192),
    @count_if(r.mark = 16384),
    @count_if(r.mark = 32768),
    @count_if(r.mark = 65536)
FROM (
        SELECT
            b.tenant_id, b.campaign_id, COALESCE(b.variant, '') AS variant, b.channel, b.hour,
            CASE b.type
                WHEN 'MessageQueued' THEN 1
                WHEN 'MessageSuppressed' THEN 2
                WHEN 'MessageCancelled' THEN 4
                WHEN 'MessageSent' THEN 8
                WHEN 'MessageDelivered' THEN 16
                WHEN 'MessageDeferred' THEN 32
                WHEN 'MessageFailed' THEN 256
                WHEN 'DispatchFailed' THEN 512
                WHEN 'MessageComplained' THEN 1024
                WHEN 'ConsentChanged' THEN 2048
                WHEN 'MessageReceived' THEN 4096
                WHEN 'MessageBounced' THEN CASE @text(b.data, 'bounce') WHEN 'hard' THEN 128 ELSE 64 END
                WHEN 'MessageOpened' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 16384 ELSE 8192 END
                WHEN 'MessageClicked' THEN CASE @text(b.data, 'class') WHEN 'human' THEN 65536 ELSE 32768 END
            END AS mark
        FROM batch b
        WHERE b.campaign_id IS NOT NULL AND (
            b.type IN (
                'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'MessageSent', 'MessageDelivered',
                'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked',
                'MessageComplained'
            )
            OR (b.type = 'DispatchFailed' AND NOT @has(b.data, 'retry_at'))
            OR (b.type = 'MessageReceived' AND b.import_id IS NULL AND @has(b.data, 'in_reply_to'))
            OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
        )
    ) AS r
WHERE TRUE
GROUP BY r.tenant_id, r.campaign_id, r.variant, r.channel, r.hour
ON CONFLICT (tenant_id, campaign_id, variant, channel, hour) DO UPDATE SET
    queued = campaign_hours.queued + excluded.queued,
    suppressed = campaign_hours.suppressed + excluded.suppressed,
    cancelled = campaign_hours.cancelled + excluded.cancelled,
    sent = campaign_hours.sent + excluded.sent,
    delivered = campaign_hours.delivered + excluded.delivered,
    deferred = campaign_hours.deferred + excluded.deferred,
    soft_bounced = campaign_hours.soft_bounced + excluded.soft_bounced,
    hard_bounced = campaign_hours.hard_bounced + excluded.hard_bounced,
    failed = campaign_hours.failed + excluded.failed,
    refused = campaign_hours.refused + excluded.refused,
    complained = campaign_hours.complained + excluded.complained,
    opted_out = campaign_hours.opted_out + excluded.opted_out,
    replied = campaign_hours.replied + excluded.replied,
    opens_machine = campaign_hours.opens_machine + excluded.opens_machine,
    opens_human = campaign_hours.opens_human + excluded.opens_human,
    clicks_machine = campaign_hours.clicks_machine + excluded.clicks_machine,
    clicks_human = campaign_hours.clicks_human + excluded.clicks_human;

INSERT INTO campaign_costs (tenant_id, campaign_id, variant, channel, currency, cost_micros, segments)
SELECT
    b.tenant_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, @text(b.data, 'currency'),
    @sum(@int(b.data, 'cost_micros')), @sum(@int(b.data, 'segments'))
FROM batch b
WHERE b.type = 'MessageSent' AND b.campaign_id IS NOT NULL AND @text(b.data, 'currency') IS NOT NULL
    AND @int(b.data, 'cost_micros') IS NOT NULL
GROUP BY b.tenant_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, @text(b.data, 'currency')
ON CONFLICT (tenant_id, campaign_id, variant, channel, currency) DO UPDATE SET
    cost_micros = campaign_costs.cost_micros + excluded.cost_micros,
    segments = campaign_costs.segments + excluded.segments;

-- section: forget
