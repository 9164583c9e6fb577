-- projection: campaign_metrics
-- question: What did this campaign achieve, by variant, channel and hour?
-- events: MessageQueued, MessageSuppressed, MessageCancelled, MessageSent, MessageDelivered, MessageDeferred
-- events: MessageBounced, MessageFailed, DispatchFailed, MessageOpened, MessageClicked, MessageComplained
-- events: MessageReceived, ConsentChanged
-- scope: tenant
-- version: 1

-- section: tables

-- A row per hour; a campaign's totals are their sum. Opens and clicks: raw is machine and human together, the unique
-- ones count each message in the hour of its first. All other columns count messages. A message counts as sent from the
-- first evidence that a provider took it (an open may be reported before the sending is), so there are never more unique
-- opens or clicks than messages sent. The variant is empty for messages without one.
CREATE TABLE campaign_metrics (
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
    PRIMARY KEY (tenant_id, campaign_id, variant, channel, hour)
);

-- The hour in which a message first got anywhere: what makes the unique figures exact, in any order of reports.
CREATE TABLE campaign_firsts (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    metric TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, message_id, metric)
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

-- Each report counts as evidence for one or more metrics (the VALUES lists). What is new to a message counts in its
-- hour; what turns out to have happened earlier than was known moves from the later hour to the earlier one. A reply
-- counts for the message that it answers; replies that an import brought do not count.
WITH reports AS (
    SELECT
        b.tenant_id, b.campaign_id, COALESCE(b.variant, '') AS variant, b.channel, b.hour,
        CASE WHEN b.type = 'MessageReceived' THEN @uuid(b.data, 'in_reply_to') ELSE b.message_id END AS message_id,
        CASE b.type
            WHEN 'MessageOpened' THEN @concat('opened ', @text(b.data, 'class'))
            WHEN 'MessageClicked' THEN @concat('clicked ', @text(b.data, 'class'))
            WHEN 'MessageBounced' THEN @concat('bounced ', @text(b.data, 'bounce'))
            ELSE b.type
        END AS report
    FROM batch b
    WHERE b.campaign_id IS NOT NULL AND (
        b.type IN (
            'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'MessageSent', 'MessageDelivered',
            'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked', 'MessageComplained'
        )
        OR (b.type = 'DispatchFailed' AND @text(b.data, 'retry_at') IS NULL)
        OR (b.type = 'MessageReceived' AND b.import_id IS NULL AND @text(b.data, 'in_reply_to') IS NOT NULL)
        OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
    )
),
firsts AS (
    SELECT r.tenant_id, r.campaign_id, r.variant, r.channel, r.message_id, e.column2 AS metric, MIN(r.hour) AS hour
    FROM reports r JOIN (VALUES
        ('MessageSent', 'sent'),
        ('MessageDelivered', 'sent'), ('MessageDelivered', 'delivered'),
        ('MessageDeferred', 'sent'), ('MessageDeferred', 'deferred'),
        ('bounced soft', 'sent'), ('bounced soft', 'soft_bounced'),
        ('bounced hard', 'sent'), ('bounced hard', 'hard_bounced'),
        ('MessageFailed', 'sent'), ('MessageFailed', 'failed'),
        ('DispatchFailed', 'failed'),
        ('MessageComplained', 'sent'), ('MessageComplained', 'complained'),
        ('ConsentChanged', 'sent'), ('ConsentChanged', 'opted_out'),
        ('MessageReceived', 'sent'), ('MessageReceived', 'replied'),
        ('opened human', 'sent'), ('opened human', 'opened'), ('opened human', 'opened_human'),
        ('opened machine', 'sent'), ('opened machine', 'opened'), ('opened machine', 'opened_machine'),
        ('clicked human', 'sent'), ('clicked human', 'clicked'), ('clicked human', 'clicked_human'),
        ('clicked machine', 'sent'), ('clicked machine', 'clicked'), ('clicked machine', 'clicked_machine')
    ) AS e ON e.column1 = r.report
    GROUP BY r.tenant_id, r.campaign_id, r.variant, r.channel, r.message_id, e.column2
),
steps AS (
    SELECT n.tenant_id, n.campaign_id, n.variant, n.channel, n.hour, n.metric, 1 AS step
    FROM firsts n LEFT JOIN campaign_firsts o
        ON o.tenant_id = n.tenant_id AND o.message_id = n.message_id AND o.metric = n.metric
    WHERE o.hour IS NULL OR n.hour < o.hour
    UNION ALL
    SELECT n.tenant_id, n.campaign_id, n.variant, n.channel, o.hour, n.metric, -1
    FROM firsts n JOIN campaign_firsts o
        ON o.tenant_id = n.tenant_id AND o.message_id = n.message_id AND o.metric = n.metric
    WHERE n.hour < o.hour
    UNION ALL
    SELECT r.tenant_id, r.campaign_id, r.variant, r.channel, r.hour, @concat('each ', r.report), 1
    FROM reports r
    WHERE r.report IN (
        'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'opened human', 'opened machine', 'clicked human',
        'clicked machine'
    )
)
INSERT INTO campaign_metrics (
    tenant_id, campaign_id, variant, channel, hour, queued, suppressed, cancelled, sent, delivered, deferred,
    soft_bounced, hard_bounced, failed, complained, opted_out, replied, opens, opens_machine, opens_human,
    unique_opens, unique_opens_machine, unique_opens_human, clicks, clicks_machine, clicks_human, unique_clicks,
    unique_clicks_machine, unique_clicks_human
)
SELECT
    s.tenant_id, s.campaign_id, s.variant, s.channel, s.hour,
    @sum(CASE WHEN s.metric = 'each MessageQueued' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each MessageSuppressed' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each MessageCancelled' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'sent' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'delivered' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'deferred' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'soft_bounced' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'hard_bounced' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'failed' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'complained' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'opted_out' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'replied' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric IN ('each opened human', 'each opened machine') THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each opened machine' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each opened human' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'opened' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'opened_machine' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'opened_human' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric IN ('each clicked human', 'each clicked machine') THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each clicked machine' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'each clicked human' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'clicked' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'clicked_machine' THEN s.step ELSE 0 END),
    @sum(CASE WHEN s.metric = 'clicked_human' THEN s.step ELSE 0 END)
FROM steps s
WHERE TRUE
GROUP BY s.tenant_id, s.campaign_id, s.variant, s.channel, s.hour
ON CONFLICT (tenant_id, campaign_id, variant, channel, hour) DO UPDATE SET
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

INSERT INTO campaign_firsts (tenant_id, message_id, metric, hour)
SELECT r.tenant_id, r.message_id, e.column2, MIN(r.hour)
FROM (
    SELECT
        b.tenant_id, b.hour,
        CASE WHEN b.type = 'MessageReceived' THEN @uuid(b.data, 'in_reply_to') ELSE b.message_id END AS message_id,
        CASE b.type
            WHEN 'MessageOpened' THEN @concat('opened ', @text(b.data, 'class'))
            WHEN 'MessageClicked' THEN @concat('clicked ', @text(b.data, 'class'))
            WHEN 'MessageBounced' THEN @concat('bounced ', @text(b.data, 'bounce'))
            ELSE b.type
        END AS report
    FROM batch b
    WHERE b.campaign_id IS NOT NULL AND (
        b.type IN (
            'MessageSent', 'MessageDelivered', 'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened',
            'MessageClicked', 'MessageComplained'
        )
        OR (b.type = 'DispatchFailed' AND @text(b.data, 'retry_at') IS NULL)
        OR (b.type = 'MessageReceived' AND b.import_id IS NULL AND @text(b.data, 'in_reply_to') IS NOT NULL)
        OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND @text(b.data, 'state') = 'opted_out')
    )
) AS r JOIN (VALUES
    ('MessageSent', 'sent'),
    ('MessageDelivered', 'sent'), ('MessageDelivered', 'delivered'),
    ('MessageDeferred', 'sent'), ('MessageDeferred', 'deferred'),
    ('bounced soft', 'sent'), ('bounced soft', 'soft_bounced'),
    ('bounced hard', 'sent'), ('bounced hard', 'hard_bounced'),
    ('MessageFailed', 'sent'), ('MessageFailed', 'failed'),
    ('DispatchFailed', 'failed'),
    ('MessageComplained', 'sent'), ('MessageComplained', 'complained'),
    ('ConsentChanged', 'sent'), ('ConsentChanged', 'opted_out'),
    ('MessageReceived', 'sent'), ('MessageReceived', 'replied'),
    ('opened human', 'sent'), ('opened human', 'opened'), ('opened human', 'opened_human'),
    ('opened machine', 'sent'), ('opened machine', 'opened'), ('opened machine', 'opened_machine'),
    ('clicked human', 'sent'), ('clicked human', 'clicked'), ('clicked human', 'clicked_human'),
    ('clicked machine', 'sent'), ('clicked machine', 'clicked'), ('clicked machine', 'clicked_machine')
) AS e ON e.column1 = r.report
WHERE TRUE
GROUP BY r.tenant_id, r.message_id, e.column2
ON CONFLICT (tenant_id, message_id, metric) DO UPDATE SET hour = excluded.hour
WHERE excluded.hour < campaign_firsts.hour;

-- An hour that lost all it had to an earlier one leaves no row.
DELETE FROM campaign_metrics
WHERE queued = 0 AND suppressed = 0 AND cancelled = 0 AND sent = 0 AND delivered = 0 AND deferred = 0
    AND soft_bounced = 0 AND hard_bounced = 0 AND failed = 0 AND complained = 0 AND opted_out = 0 AND replied = 0
    AND opens = 0 AND clicks = 0 AND unique_opens = 0 AND unique_clicks = 0
    AND (tenant_id, campaign_id) IN (
        SELECT tenant_id, campaign_id FROM batch WHERE campaign_id IS NOT NULL
    );

-- on: MessageSent
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
