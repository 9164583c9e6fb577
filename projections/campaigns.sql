-- projection: campaigns
-- question: Which campaigns are there, where does each stand, and what became of its audience?
-- events: CampaignCreated, CampaignPlanChanged, CampaignScheduled, CampaignUnscheduled, CampaignStarted, CampaignPaused
-- events: CampaignApproved, CampaignBudgetChanged, CampaignBudgetNoticed, WinnerChosen
-- events: CampaignResumed, CampaignRateChanged, CampaignCancelled, CampaignCompleted
-- events: CampaignImported, CampaignRetracted
-- events: RecipientsChosen, AudienceChosen, RecipientsDecided, MessageQueued
-- scope: tenant
-- version: 2

-- section: tables

-- A campaign that is planned elsewhere is known by its messages alone.
-- view: Which campaigns are there, where does each stand, and what became of its audience? One row per campaign.
CREATE TABLE campaigns (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    import_id UUID, -- the import that brought it, for a campaign of the past
    began_at TIMESTAMPTZ NOT NULL, -- when it was created, or its first message was requested
    name TEXT, -- the name; null for a campaign that is planned elsewhere
    state TEXT, -- draft, scheduled, running, paused, completed or cancelled; null for a campaign that is planned elsewhere
    plan JSONB, -- what it is to do, as JSON; null for a campaign of the past
    rate JSONB, -- the present rate, as JSON; 0 messages for none
    budget JSONB, -- what it may cost, as JSON, once it was changed
    budget_noticed_at TIMESTAMPTZ, -- when most of its budget was found to be spent
    start_at TIMESTAMPTZ, -- when it starts, until it does; of a recurring campaign its next occurrence
    started_at TIMESTAMPTZ, -- when it started
    ended_at TIMESTAMPTZ, -- when it was completed or cancelled
    versions JSONB, -- the published versions of its templates that its messages are made of, by code, as JSON
    reason TEXT, -- why it was paused or cancelled
    cause TEXT, -- the cause of its last pause: manual, failure, threshold, budget or winner; overdue if its start was missed
    changed_at TIMESTAMPTZ, -- when it was last changed
    changed_by TEXT, -- who changed it
    approved_by TEXT, -- who approved it as it is planned now
    series_id UUID, -- the recurring campaign that it is an occurrence of
    missed BIGINT NOT NULL DEFAULT 0, -- occurrences of a recurring campaign that were left out, because no server ran in their hour
    winner JSONB, -- the variant that the rest of its audience gets, and how it was chosen, as JSON
    winner_at TIMESTAMPTZ, -- when it was chosen
    recipients BIGINT NOT NULL DEFAULT 0, -- customers of its audience who are written to
    audience_chosen BOOLEAN NOT NULL DEFAULT FALSE, -- whether its audience is complete
    decided BIGINT NOT NULL DEFAULT 0, -- recipients that were decided on
    queued BIGINT NOT NULL DEFAULT 0, -- recipients whose message went to the queue
    held BIGINT NOT NULL DEFAULT 0, -- recipients whose message a rule held at first
    suppressed BIGINT NOT NULL DEFAULT 0, -- recipients whose message a rule suppressed
    excluded BIGINT NOT NULL DEFAULT 0, -- customers of its audience who were left out
    first_message_at TIMESTAMPTZ, -- when its first message was requested
    last_message_at TIMESTAMPTZ, -- when its last message was requested
    PRIMARY KEY (tenant_id, campaign_id)
) CLUSTERED;
CREATE INDEX campaigns_newest ON campaigns (tenant_id, began_at, campaign_id);
CREATE INDEX campaigns_active ON campaigns (state, tenant_id, campaign_id);

-- view: Who was left out of each campaign, and why? One row per campaign and customer.
CREATE TABLE campaign_excluded (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    reason TEXT NOT NULL, -- list (a member of an excluded list), hold_out, duplicate_person, duplicate_address, forgotten, or the code of a refusal
    PRIMARY KEY (tenant_id, campaign_id, customer_id)
) CLUSTERED;

-- view: How many recipients did each rule suppress? One row per campaign and rule.
CREATE TABLE campaign_suppressed (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    rule TEXT NOT NULL, -- the rule
    recipients BIGINT NOT NULL, -- number of recipients
    PRIMARY KEY (tenant_id, campaign_id, rule)
) CLUSTERED;

-- section: batch

CREATE TABLE batch_suppressed (
    tenant_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    rule TEXT NOT NULL,
    recipients BIGINT NOT NULL
);

-- section: apply

INSERT INTO campaigns (tenant_id, campaign_id, began_at, first_message_at, last_message_at)
SELECT b.tenant_id, b.campaign_id, MIN(b.occurred_at), MIN(b.occurred_at), MAX(b.occurred_at)
FROM batch b
WHERE b.type = 'MessageQueued' AND b.campaign_id IS NOT NULL
GROUP BY b.tenant_id, b.campaign_id
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET
    began_at = @least(campaigns.began_at, excluded.began_at),
    first_message_at = @least(COALESCE(campaigns.first_message_at, excluded.first_message_at), excluded.first_message_at),
    last_message_at = @greatest(COALESCE(campaigns.last_message_at, excluded.last_message_at), excluded.last_message_at);

INSERT INTO campaigns (tenant_id, campaign_id, began_at, name, state, plan, rate, changed_at, changed_by, series_id)
SELECT
    b.tenant_id, b.stream_key, b.occurred_at, @text(b.data, 'plan.name'), 'draft', @json(b.data, 'plan'),
    @json(b.data, 'plan.rate'), b.occurred_at, b.actor, @uuid(b.data, 'series')
FROM batch b
WHERE b.type = 'CampaignCreated'
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET
    began_at = @least(campaigns.began_at, excluded.began_at), name = excluded.name, state = excluded.state,
    plan = excluded.plan, rate = excluded.rate, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    series_id = excluded.series_id;

-- A campaign of the past is over when it comes in.
INSERT INTO campaigns (
    tenant_id, campaign_id, import_id, began_at, name, state, started_at, ended_at, changed_at, changed_by
)
SELECT
    b.tenant_id, b.stream_key, b.import_id, @time(b.data, 'started_at'), @text(b.data, 'name'), 'completed',
    @time(b.data, 'started_at'), @time(b.data, 'started_at'), b.occurred_at, b.actor
FROM batch b
WHERE b.type = 'CampaignImported'
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET
    import_id = excluded.import_id, began_at = @least(campaigns.began_at, excluded.began_at), name = excluded.name,
    state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by;

UPDATE campaigns AS c SET
    name = e.name, plan = e.plan, rate = e.rate, changed_at = e.occurred_at, changed_by = e.actor
FROM (
    SELECT
        b.tenant_id, b.stream_key, b.occurred_at, b.actor, @text(b.data, 'plan.name') AS name,
        @json(b.data, 'plan') AS plan, @json(b.data, 'plan.rate') AS rate
    FROM batch b
    WHERE b.ordinal IN (SELECT MAX(ordinal) FROM batch WHERE type = 'CampaignPlanChanged' GROUP BY tenant_id, stream_key)
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

-- A plan is not changed after a rate is.
UPDATE campaigns AS c SET rate = e.rate, changed_at = e.occurred_at, changed_by = e.actor
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at, b.actor, @json(b.data, 'rate') AS rate
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type IN ('CampaignRateChanged', 'CampaignPlanChanged')
        GROUP BY tenant_id, stream_key
    ) AND b.type = 'CampaignRateChanged'
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET budget = e.budget, budget_noticed_at = NULL, changed_at = e.occurred_at, changed_by = e.actor
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at, b.actor, @json(b.data, 'budget') AS budget
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type IN ('CampaignBudgetChanged', 'CampaignPlanChanged')
        GROUP BY tenant_id, stream_key
    )
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET budget_noticed_at = e.occurred_at
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch
        WHERE type IN ('CampaignBudgetNoticed', 'CampaignBudgetChanged', 'CampaignPlanChanged')
        GROUP BY tenant_id, stream_key
    ) AND b.type = 'CampaignBudgetNoticed'
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET started_at = e.occurred_at, versions = e.versions
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at, @json(b.data, 'versions') AS versions
    FROM batch b
    WHERE b.type = 'CampaignStarted'
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET start_at = e.start_at
FROM (
    SELECT b.tenant_id, b.stream_key, @time(b.data, 'start_at') AS start_at
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch
        WHERE type IN (
            'CampaignScheduled', 'CampaignUnscheduled', 'CampaignStarted', 'CampaignCancelled', 'CampaignCompleted'
        )
        GROUP BY tenant_id, stream_key
    )
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET missed = c.missed + e.missed
FROM (
    SELECT b.tenant_id, b.stream_key, @sum(COALESCE(@int(b.data, 'missed'), 0)) AS missed
    FROM batch b
    WHERE b.type = 'CampaignScheduled'
    GROUP BY b.tenant_id, b.stream_key
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

-- Whoever changes the plan takes the approval away.
UPDATE campaigns AS c SET approved_by = e.approved_by
FROM (
    SELECT b.tenant_id, b.stream_key, @text(b.data, 'by') AS approved_by
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type IN ('CampaignApproved', 'CampaignPlanChanged')
        GROUP BY tenant_id, stream_key
    )
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET winner = e.winner, winner_at = e.occurred_at
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at, @json(b.data, 'winner') AS winner FROM batch b WHERE b.type = 'WinnerChosen'
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

-- The last step says where it stands. What is resumed before it started is scheduled.
UPDATE campaigns AS c SET
    state = CASE WHEN e.state = 'resumed' AND c.started_at IS NULL THEN 'scheduled'
                 WHEN e.state = 'resumed' THEN 'running' ELSE e.state END,
    reason = e.reason, cause = e.cause,
    ended_at = CASE WHEN e.state IN ('completed', 'cancelled') THEN e.occurred_at ELSE NULL END,
    changed_at = e.occurred_at, changed_by = e.actor
FROM (
    SELECT
        b.tenant_id, b.stream_key, b.occurred_at, b.actor, @text(b.data, 'reason') AS reason,
        CASE
            WHEN b.type = 'CampaignPaused' THEN @text(b.data, 'cause')
            WHEN b.type = 'CampaignUnscheduled' AND @bool(b.data, 'overdue') = TRUE THEN 'overdue'
        END AS cause,
        CASE b.type
            WHEN 'CampaignScheduled' THEN 'scheduled'
            WHEN 'CampaignUnscheduled' THEN 'draft'
            WHEN 'CampaignPaused' THEN 'paused'
            WHEN 'CampaignCancelled' THEN 'cancelled'
            WHEN 'CampaignCompleted' THEN 'completed'
            WHEN 'CampaignResumed' THEN 'resumed'
            ELSE 'running'
        END AS state
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch
        WHERE type IN (
            'CampaignScheduled', 'CampaignUnscheduled', 'CampaignStarted', 'CampaignPaused', 'CampaignResumed',
            'CampaignCancelled', 'CampaignCompleted'
        )
        GROUP BY tenant_id, stream_key
    )
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET recipients = c.recipients + e.recipients
FROM (
    SELECT b.tenant_id, b.stream_key, COUNT(*) AS recipients
    FROM batch b, @elements(b.data, 'recipients') AS recipient
    WHERE b.type = 'RecipientsChosen'
    GROUP BY b.tenant_id, b.stream_key
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

UPDATE campaigns AS c SET audience_chosen = TRUE
WHERE (c.tenant_id, c.campaign_id) IN (SELECT b.tenant_id, b.stream_key FROM batch b WHERE b.type = 'AudienceChosen');

UPDATE campaigns AS c SET decided = c.decided + e.decided, queued = c.queued + e.queued, held = c.held + e.held
FROM (
    SELECT
        b.tenant_id, b.stream_key, @sum(@int(b.data, 'decided')) AS decided, @sum(@int(b.data, 'queued')) AS queued,
        @sum(@int(b.data, 'held')) AS held
    FROM batch b
    WHERE b.type = 'RecipientsDecided'
    GROUP BY b.tenant_id, b.stream_key
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;

INSERT INTO batch_suppressed (tenant_id, campaign_id, rule, recipients)
SELECT b.tenant_id, b.stream_key, one.key, @sum(CAST(one.value AS BIGINT))
FROM batch b, @entries(b.data, 'suppressed') AS one
WHERE b.type = 'RecipientsDecided'
GROUP BY b.tenant_id, b.stream_key, one.key;
UPDATE campaigns AS c SET suppressed = c.suppressed + e.suppressed
FROM (
    SELECT s.tenant_id, s.campaign_id, @sum(s.recipients) AS suppressed
    FROM batch_suppressed s
    GROUP BY s.tenant_id, s.campaign_id
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.campaign_id;
INSERT INTO campaign_suppressed (tenant_id, campaign_id, rule, recipients)
SELECT s.tenant_id, s.campaign_id, s.rule, s.recipients FROM batch_suppressed s WHERE TRUE
ON CONFLICT (tenant_id, campaign_id, rule) DO UPDATE SET
    recipients = campaign_suppressed.recipients + excluded.recipients;

UPDATE campaigns AS c SET excluded = c.excluded + e.excluded
FROM (
    SELECT b.tenant_id, b.stream_key, COUNT(*) AS excluded
    FROM batch b, @entries(b.data, 'excluded') AS one
    WHERE b.type IN ('RecipientsChosen', 'RecipientsDecided')
    GROUP BY b.tenant_id, b.stream_key
) AS e
WHERE c.tenant_id = e.tenant_id AND c.campaign_id = e.stream_key;
INSERT INTO campaign_excluded (tenant_id, campaign_id, customer_id, reason)
SELECT b.tenant_id, b.stream_key, @as_uuid(one.key), MIN(one.value)
FROM batch b, @entries(b.data, 'excluded') AS one
WHERE b.type IN ('RecipientsChosen', 'RecipientsDecided')
GROUP BY b.tenant_id, b.stream_key, @as_uuid(one.key)
ON CONFLICT (tenant_id, campaign_id, customer_id) DO NOTHING;

-- A campaign whose import is undone leaves; importing the file again makes another one.
DELETE FROM campaigns WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);
DELETE FROM campaign_excluded WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);
DELETE FROM campaign_suppressed WHERE (tenant_id, campaign_id) IN (
    SELECT tenant_id, stream_key FROM batch WHERE type = 'CampaignRetracted'
);

-- section: forget
