-- projection: campaign_metrics
-- question: What did this campaign achieve, by variant and channel, and by hour?
-- events: MessageQueued, MessageSuppressed, MessageCancelled, MessageSent, MessageDelivered, MessageDeferred
-- events: MessageBounced, MessageFailed, DispatchFailed, MessageOpened, MessageClicked, MessageComplained
-- events: EngagementReclassified, MessageReceived, ConsentChanged, MessageRetracted
-- events: CampaignRetracted
-- scope: tenant
-- version: 2

-- section: tables

-- Counts of messages: each counts once in a column, however often it was reported. Opens and clicks are told apart by
-- who probably made them; the figure without a suffix is both together. A message counts as sent from the first evidence
-- that a provider took it (an open may be reported before the sending is), so there are never more unique opens or
-- clicks than messages sent. Refused by the provider for good counts as failed. The variant is empty for messages
-- without one.
-- view: What did each campaign achieve? One row per campaign, variant and channel; each message counts once in a column.
CREATE TABLE campaign_metrics (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    queued BIGINT NOT NULL, -- messages asked for
    suppressed BIGINT NOT NULL, -- messages that a rule stopped
    cancelled BIGINT NOT NULL, -- messages cancelled before they were sent
    sent BIGINT NOT NULL, -- messages that a provider took
    delivered BIGINT NOT NULL, -- messages delivered
    deferred BIGINT NOT NULL, -- messages delayed at least once
    soft_bounced BIGINT NOT NULL, -- messages that bounced for a passing reason
    hard_bounced BIGINT NOT NULL, -- messages that bounced because the address does not exist
    failed BIGINT NOT NULL, -- messages that were not delivered for another reason
    complained BIGINT NOT NULL, -- messages reported as spam
    opted_out BIGINT NOT NULL, -- messages that led to an opt-out
    replied BIGINT NOT NULL, -- messages that were replied to
    unique_opens BIGINT NOT NULL, -- messages opened, by a person or a machine
    unique_opens_machine BIGINT NOT NULL, -- messages opened by a machine
    unique_opens_human BIGINT NOT NULL, -- messages opened by a person
    unique_clicks BIGINT NOT NULL, -- messages with a click, by a person or a machine
    unique_clicks_machine BIGINT NOT NULL, -- messages with a click by a machine
    unique_clicks_human BIGINT NOT NULL, -- messages with a click by a person
    arrived BIGINT NOT NULL, -- messages that arrived by any evidence: delivered, opened, clicked, replied to, reported or opted out of
    bounced BIGINT NOT NULL, -- messages that bounced, for whatever reason
    engaged_human BIGINT NOT NULL, -- messages that a person opened, or followed a link in
    PRIMARY KEY (tenant_id, campaign_id, variant, channel)
) CLUSTERED;

-- What is known of each message, one bit per kind of report: what makes the unique figures exact, in any order of
-- reports and however often they come. A correction tells whose the opens, or clicks, before it are: it takes marks away.
--   1 queued, 2 suppressed, 4 cancelled, 8 sent, 16 delivered, 32 deferred
--   64 soft_bounced, 128 hard_bounced, 256 failed, 512 refused, 1024 complained, 2048 opted_out
--   4096 replied, 8192 opens_machine, 16384 opens_human, 32768 clicks_machine, 65536 clicks_human
CREATE TABLE campaign_messages (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    marks BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id, campaign_id, variant, channel)
) CLUSTERED;

-- All reports, by the hour in which they happened.
-- view: What was reported of each campaign, hour by hour? One row per campaign, variant, channel and hour; each report counts.
CREATE TABLE campaign_hours (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL, -- beginning of the hour, UTC
    queued BIGINT NOT NULL, -- messages asked for
    suppressed BIGINT NOT NULL, -- messages that a rule stopped
    cancelled BIGINT NOT NULL, -- messages cancelled before they were sent
    sent BIGINT NOT NULL, -- reports of sending
    delivered BIGINT NOT NULL, -- reports of delivery
    deferred BIGINT NOT NULL, -- reports of a delay
    soft_bounced BIGINT NOT NULL, -- reports of a soft bounce
    hard_bounced BIGINT NOT NULL, -- reports of a hard bounce
    failed BIGINT NOT NULL, -- reports of failure
    refused BIGINT NOT NULL, -- messages that a provider refused for good
    complained BIGINT NOT NULL, -- complaints
    opted_out BIGINT NOT NULL, -- opt-outs
    replied BIGINT NOT NULL, -- replies
    opens_machine BIGINT NOT NULL, -- opens by machines
    opens_human BIGINT NOT NULL, -- opens by people
    clicks_machine BIGINT NOT NULL, -- clicks by machines
    clicks_human BIGINT NOT NULL, -- clicks by people
    PRIMARY KEY (tenant_id, campaign_id, variant, channel, hour)
) CLUSTERED;

-- view: What did each campaign cost? One row per campaign, variant, channel and currency.
CREATE TABLE campaign_costs (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    currency TEXT NOT NULL,
    cost_thousands BIGINT NOT NULL, -- internal: whole thousands of each charge
    cost_micros BIGINT NOT NULL, -- what providers charged, in micros of the currency
    segments BIGINT NOT NULL, -- number of SMS segments; only of messages whose cost is known
    PRIMARY KEY (tenant_id, campaign_id, variant, channel, currency)
) CLUSTERED;

-- section: batch

-- Every report of the batch about a campaign's message, and what its messages gain by them.
CREATE TABLE batch_campaign_reports (
    ordinal BIGINT NOT NULL,
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    mark BIGINT NOT NULL
);
CREATE TABLE batch_campaign_answers (
    ordinal BIGINT NOT NULL,
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    mark BIGINT NOT NULL
);
-- The last correction of a message's opens, or clicks, in the batch: the marks that they have together, and those of the
-- two that they have since.
CREATE TABLE batch_campaign_reclassed (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    mask BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    machine_mark BIGINT NOT NULL,
    human_mark BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id, mask)
);
-- Reports that every correction moves from one mark to another, in the hour in which they happened.
CREATE TABLE batch_campaign_moves (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    mark BIGINT NOT NULL,
    reports BIGINT NOT NULL
);
-- What each message of the batch was known to have before, and has after it.
CREATE TABLE batch_campaign_marks (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    variant TEXT NOT NULL,
    channel TEXT NOT NULL,
    marks BIGINT NOT NULL,
    known BIGINT NOT NULL
);

-- section: apply

INSERT INTO batch_campaign_reports (ordinal, tenant_id, message_id, campaign_id, variant, channel, hour, mark)
SELECT
    b.ordinal, b.tenant_id, b.message_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, b.hour,
    CASE b.type
        WHEN 'MessageSent' THEN 8
        WHEN 'MessageDelivered' THEN 16
        WHEN 'MessageQueued' THEN 1
        WHEN 'MessageOpened' THEN CASE b.class WHEN 'human' THEN 16384 ELSE 8192 END
        WHEN 'MessageClicked' THEN CASE b.class WHEN 'human' THEN 65536 ELSE 32768 END
        WHEN 'MessageBounced' THEN CASE @text(b.data, 'bounce') WHEN 'hard' THEN 128 ELSE 64 END
        WHEN 'MessageDeferred' THEN 32
        WHEN 'MessageFailed' THEN 256
        WHEN 'DispatchFailed' THEN 512
        WHEN 'MessageComplained' THEN 1024
        WHEN 'MessageSuppressed' THEN 2
        WHEN 'MessageCancelled' THEN 4
    END
FROM batch b
WHERE b.campaign_id IS NOT NULL AND (
    b.type IN (
        'MessageQueued', 'MessageSuppressed', 'MessageCancelled', 'MessageSent', 'MessageDelivered',
        'MessageDeferred', 'MessageBounced', 'MessageFailed', 'MessageOpened', 'MessageClicked',
        'MessageComplained'
    )
    OR (b.type = 'DispatchFailed' AND NOT @has(b.data, 'retry_at'))
);

-- A reply counts for the message that it answers, an opt-out for the message that led to it, whether or not they know
-- the campaign, if it was there before them; replies that an import brought do not count. The message may have been
-- reported on in an earlier batch, or in this one.
INSERT INTO batch_campaign_answers (ordinal, tenant_id, message_id, hour, mark)
SELECT
    b.ordinal, b.tenant_id, CASE b.type WHEN 'MessageReceived' THEN b.in_reply_to ELSE b.message_id END, b.hour,
    CASE b.type WHEN 'MessageReceived' THEN 4096 ELSE 2048 END
FROM batch b
WHERE (b.type = 'MessageReceived' AND b.import_id IS NULL AND b.in_reply_to IS NOT NULL)
    OR (b.type = 'ConsentChanged' AND b.message_id IS NOT NULL AND b.state = 'opted_out');
INSERT INTO batch_campaign_reports (ordinal, tenant_id, message_id, campaign_id, variant, channel, hour, mark)
SELECT a.ordinal, m.tenant_id, m.message_id, m.campaign_id, m.variant, m.channel, a.hour, a.mark
FROM batch_campaign_answers a
JOIN campaign_messages m ON m.tenant_id = a.tenant_id AND m.message_id = a.message_id;
INSERT INTO batch_campaign_reports (ordinal, tenant_id, message_id, campaign_id, variant, channel, hour, mark)
SELECT a.ordinal, q.tenant_id, q.message_id, q.campaign_id, q.variant, q.channel, a.hour, a.mark
FROM batch_campaign_answers a
JOIN (
    SELECT tenant_id, message_id, campaign_id, variant, channel, MIN(ordinal) AS ordinal
    FROM batch_campaign_reports
    GROUP BY tenant_id, message_id, campaign_id, variant, channel
) AS q ON q.tenant_id = a.tenant_id AND q.message_id = a.message_id AND q.ordinal < a.ordinal
LEFT JOIN campaign_messages m
    ON m.tenant_id = q.tenant_id AND m.message_id = q.message_id AND m.campaign_id = q.campaign_id
        AND m.variant = q.variant AND m.channel = q.channel
WHERE m.message_id IS NULL;

INSERT INTO batch_campaign_reclassed (
    tenant_id, message_id, mask, ordinal, campaign_id, variant, channel, machine_mark, human_mark
)
SELECT
    b.tenant_id, b.message_id, k.mask, b.ordinal, b.campaign_id, COALESCE(b.variant, ''), b.channel,
    CASE WHEN @int(b.data, 'machine_count') > 0 THEN k.mask / 3 ELSE 0 END,
    CASE WHEN @int(b.data, 'human_count') > 0 THEN k.mask - k.mask / 3 ELSE 0 END
FROM (
    SELECT
        CASE @text(data, 'engagement') WHEN 'opened' THEN 24576 ELSE 98304 END AS mask,
        MAX(ordinal) AS ordinal
    FROM batch
    WHERE type = 'EngagementReclassified' AND campaign_id IS NOT NULL
    GROUP BY tenant_id, message_id, CASE @text(data, 'engagement') WHEN 'opened' THEN 24576 ELSE 98304 END
) AS k JOIN batch b ON b.ordinal = k.ordinal;
INSERT INTO batch_campaign_moves (tenant_id, campaign_id, variant, channel, hour, mark, reports)
SELECT
    b.tenant_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, b.hour,
    CASE @text(b.data, 'engagement') WHEN 'opened' THEN 8192 ELSE 32768 END
        * CASE w.class WHEN 'human' THEN 2 ELSE 1 END,
    CASE w.class WHEN b.class THEN 1 ELSE -1 END
FROM batch b CROSS JOIN (SELECT 'human' AS class UNION ALL SELECT 'machine') AS w
WHERE b.type = 'EngagementReclassified' AND b.campaign_id IS NOT NULL;

INSERT INTO batch_campaign_marks (tenant_id, message_id, campaign_id, variant, channel, marks, known)
SELECT
    n.tenant_id, n.message_id, n.campaign_id, n.variant, n.channel,
    (COALESCE(o.marks, 0) - (COALESCE(o.marks, 0) & n.lost)) | n.marks, COALESCE(o.marks, 0)
FROM (
    SELECT u.tenant_id, u.message_id, u.campaign_id, u.variant, u.channel,
        @sum(DISTINCT u.mark) AS marks, @sum(DISTINCT u.lost) AS lost
    FROM (
        SELECT r.tenant_id, r.message_id, r.campaign_id, r.variant, r.channel, r.mark, 0 AS lost
        FROM batch_campaign_reports r
        WHERE NOT EXISTS (
            SELECT 1 FROM batch_campaign_reclassed c
            WHERE c.tenant_id = r.tenant_id AND c.message_id = r.message_id AND (c.mask & r.mark) <> 0
                AND c.ordinal > r.ordinal
        )
        UNION ALL
        SELECT tenant_id, message_id, campaign_id, variant, channel, machine_mark, mask FROM batch_campaign_reclassed
        UNION ALL
        SELECT tenant_id, message_id, campaign_id, variant, channel, human_mark, mask FROM batch_campaign_reclassed
    ) AS u
    GROUP BY u.message_id, u.tenant_id, u.campaign_id, u.variant, u.channel
) AS n LEFT JOIN campaign_messages o
    ON o.tenant_id = n.tenant_id AND o.message_id = n.message_id AND o.campaign_id = n.campaign_id
        AND o.variant = n.variant AND o.channel = n.channel;

INSERT INTO campaign_messages (tenant_id, message_id, campaign_id, variant, channel, marks)
SELECT tenant_id, message_id, campaign_id, variant, channel, marks FROM batch_campaign_marks
WHERE marks <> known
ON CONFLICT (tenant_id, message_id, campaign_id, variant, channel) DO UPDATE SET marks = excluded.marks;

-- A message counts where it has a mark that it did not have before the batch, and no longer where a correction took one
-- away: opens and clicks are somebody's still, so only the figures by whose they are can sink. Messages with the same
-- marks are counted together first.
INSERT INTO campaign_metrics (
    tenant_id, campaign_id, variant, channel,
    queued, suppressed, cancelled, sent, delivered, deferred, soft_bounced, hard_bounced, failed, complained,
    opted_out, replied, unique_opens, unique_opens_machine, unique_opens_human, unique_clicks, unique_clicks_machine,
    unique_clicks_human, arrived, bounced, engaged_human
)
SELECT
    k.tenant_id, k.campaign_id, k.variant, k.channel,
    @sum(CASE WHEN (k.marks & 1) <> 0 AND (k.known & 1) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 2) <> 0 AND (k.known & 2) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 4) <> 0 AND (k.known & 4) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 130552) <> 0 AND (k.known & 130552) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 16) <> 0 AND (k.known & 16) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 32) <> 0 AND (k.known & 32) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 64) <> 0 AND (k.known & 64) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 128) <> 0 AND (k.known & 128) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 768) <> 0 AND (k.known & 768) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 1024) <> 0 AND (k.known & 1024) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 2048) <> 0 AND (k.known & 2048) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 4096) <> 0 AND (k.known & 4096) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 24576) <> 0 AND (k.known & 24576) = 0 THEN k.messages ELSE 0 END),
    @sum(k.messages * (((k.marks & 8192) - (k.known & 8192)) / 8192)),
    @sum(k.messages * (((k.marks & 16384) - (k.known & 16384)) / 16384)),
    @sum(CASE WHEN (k.marks & 98304) <> 0 AND (k.known & 98304) = 0 THEN k.messages ELSE 0 END),
    @sum(k.messages * (((k.marks & 32768) - (k.known & 32768)) / 32768)),
    @sum(k.messages * (((k.marks & 65536) - (k.known & 65536)) / 65536)),
    @sum(CASE WHEN (k.marks & 130064) <> 0 AND (k.known & 130064) = 0 THEN k.messages ELSE 0 END),
    @sum(CASE WHEN (k.marks & 192) <> 0 AND (k.known & 192) = 0 THEN k.messages ELSE 0 END),
    @sum(
        CASE WHEN (k.marks & 81920) <> 0 THEN k.messages ELSE 0 END
        - CASE WHEN (k.known & 81920) <> 0 THEN k.messages ELSE 0 END
    )
FROM (
    SELECT tenant_id, campaign_id, variant, channel, marks, known, COUNT(*) AS messages
    FROM batch_campaign_marks
    WHERE marks <> known
    GROUP BY tenant_id, campaign_id, variant, channel, marks, known
) AS k
WHERE TRUE
GROUP BY k.tenant_id, k.campaign_id, k.variant, k.channel
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
    unique_opens = campaign_metrics.unique_opens + excluded.unique_opens,
    unique_opens_machine = campaign_metrics.unique_opens_machine + excluded.unique_opens_machine,
    unique_opens_human = campaign_metrics.unique_opens_human + excluded.unique_opens_human,
    unique_clicks = campaign_metrics.unique_clicks + excluded.unique_clicks,
    unique_clicks_machine = campaign_metrics.unique_clicks_machine + excluded.unique_clicks_machine,
    unique_clicks_human = campaign_metrics.unique_clicks_human + excluded.unique_clicks_human,
    arrived = campaign_metrics.arrived + excluded.arrived,
    bounced = campaign_metrics.bounced + excluded.bounced,
    engaged_human = campaign_metrics.engaged_human + excluded.engaged_human;

INSERT INTO campaign_hours (
    tenant_id, campaign_id, variant, channel, hour,
    queued, suppressed, cancelled, sent, delivered, deferred, soft_bounced, hard_bounced, failed, refused,
    complained, opted_out, replied, opens_machine, opens_human, clicks_machine, clicks_human
)
SELECT
    k.tenant_id, k.campaign_id, k.variant, k.channel, k.hour,
    @sum(CASE WHEN k.mark = 1 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 2 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 4 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 8 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 16 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 32 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 64 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 128 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 256 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 512 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 1024 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 2048 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 4096 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 8192 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 16384 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 32768 THEN k.reports ELSE 0 END),
    @sum(CASE WHEN k.mark = 65536 THEN k.reports ELSE 0 END)
FROM (
    SELECT tenant_id, campaign_id, variant, channel, hour, mark, COUNT(*) AS reports
    FROM batch_campaign_reports
    GROUP BY hour, mark, campaign_id, variant, channel, tenant_id
    UNION ALL
    SELECT tenant_id, campaign_id, variant, channel, hour, mark, reports FROM batch_campaign_moves
) AS k
WHERE TRUE
GROUP BY k.tenant_id, k.campaign_id, k.variant, k.channel, k.hour
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

INSERT INTO campaign_costs (
    tenant_id, campaign_id, variant, channel, currency, cost_thousands, cost_micros, segments
)
SELECT
    b.tenant_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, @text(b.data, 'currency'),
    @sum(@int(b.data, 'cost_micros') / 1000000000), @sum(@int(b.data, 'cost_micros') % 1000000000),
    @sum(@int(b.data, 'segments'))
FROM batch b
WHERE b.type = 'MessageSent' AND b.campaign_id IS NOT NULL AND @text(b.data, 'currency') IS NOT NULL
    AND @int(b.data, 'cost_micros') IS NOT NULL
GROUP BY b.tenant_id, b.campaign_id, COALESCE(b.variant, ''), b.channel, @text(b.data, 'currency')
ON CONFLICT (tenant_id, campaign_id, variant, channel, currency) DO UPDATE SET
    cost_thousands = campaign_costs.cost_thousands + excluded.cost_thousands,
    cost_micros = campaign_costs.cost_micros + excluded.cost_micros,
    segments = campaign_costs.segments + excluded.segments;

-- A campaign of the past whose import is undone leaves with all its figures.
DELETE FROM campaign_messages WHERE (tenant_id, message_id) IN (
    SELECT tenant_id, message_id FROM batch WHERE type = 'MessageRetracted' AND campaign_id IS NOT NULL
);
DELETE FROM campaign_metrics WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);
DELETE FROM campaign_hours WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);
DELETE FROM campaign_costs WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);

-- section: forget
