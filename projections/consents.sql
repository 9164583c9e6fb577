-- projection: consents
-- question: What did this customer agree to, and how can we prove it?
-- events: ConsentChanged
-- scope: customer
-- version: 2

-- section: tables

-- As it stands: what was said last per channel and topic, whatever the order in which it came in.
-- view: What does each customer agree to now? One row per customer, channel and topic.
CREATE TABLE consents (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL, -- opted_in, opted_out, pending (asked, not confirmed) or none
    source TEXT NOT NULL,
    method TEXT NOT NULL, -- how it was said: form, keyword, one_click, preferences, double_opt_in, provider, operator, import, merge, undo, or a word that the API was given
    message_id UUID, -- the message that led to it
    campaign_id UUID, -- the campaign of that message
    import_id UUID,
    actor TEXT NOT NULL,
    event_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    wording TEXT, -- personal: the text that was agreed to
    ip TEXT, -- personal: the address that it was said from
    user_agent TEXT, -- personal: the browser that it was said with
    PRIMARY KEY (tenant_id, customer_id, channel, topic)
);

CREATE INDEX consents_by_state ON consents (tenant_id, channel, state, topic, customer_id);

-- Every change, with its evidence.
-- view: What did each customer agree to, and when? One row per change; newer ones do not replace older ones.
CREATE TABLE consent_history (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    position BYTES NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL, -- opted_in, opted_out, pending (asked, not confirmed) or none
    source TEXT NOT NULL,
    method TEXT NOT NULL, -- how it was said: form, keyword, one_click, preferences, double_opt_in, provider, operator, import, merge, undo, or a word that the API was given
    message_id UUID, -- the message that led to it
    campaign_id UUID, -- the campaign of that message
    import_id UUID,
    actor TEXT NOT NULL,
    event_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    wording TEXT, -- personal: the text that was agreed to
    ip TEXT, -- personal: the address that it was said from
    user_agent TEXT, -- personal: the browser that it was said with
    PRIMARY KEY (tenant_id, customer_id, position)
);

-- section: apply
INSERT INTO consent_history (
    tenant_id, customer_id, position, channel, topic, state, source, method, message_id, campaign_id, import_id, actor,
    event_id, occurred_at, recorded_at, wording, ip, user_agent
)
SELECT
    b.tenant_id, b.customer_id, b.position, b.channel, @text(b.data, 'topic'), b.state,
    @text(b.data, 'source'), @text(b.data, 'method'), b.message_id, b.campaign_id, b.import_id, b.actor, b.event_id,
    b.occurred_at, b.recorded_at, @text(b.personal, 'wording'), @text(b.personal, 'ip'),
    @text(b.personal, 'user_agent')
FROM batch b
WHERE b.type = 'ConsentChanged';

INSERT INTO consents (
    tenant_id, customer_id, position, channel, topic, state, source, method, message_id, campaign_id, import_id, actor,
    event_id, occurred_at, recorded_at, wording, ip, user_agent
)
SELECT
    b.tenant_id, b.customer_id, b.position, b.channel, @text(b.data, 'topic'), b.state,
    @text(b.data, 'source'), @text(b.data, 'method'), b.message_id, b.campaign_id, b.import_id, b.actor, b.event_id,
    b.occurred_at, b.recorded_at, @text(b.personal, 'wording'), @text(b.personal, 'ip'),
    @text(b.personal, 'user_agent')
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(c.ordinal)
    FROM batch c
    JOIN (
        SELECT tenant_id, customer_id, channel, @text(data, 'topic') AS topic, MAX(occurred_at) AS said_at
        FROM batch WHERE type = 'ConsentChanged'
        GROUP BY tenant_id, customer_id, channel, @text(data, 'topic')
    ) AS last
        ON last.tenant_id = c.tenant_id AND last.customer_id = c.customer_id AND last.channel = c.channel
        AND last.topic = @text(c.data, 'topic') AND last.said_at = c.occurred_at
    WHERE c.type = 'ConsentChanged'
    GROUP BY c.tenant_id, c.customer_id, c.channel, last.topic
)
ON CONFLICT (tenant_id, customer_id, channel, topic) DO UPDATE SET
    position = excluded.position, state = excluded.state, source = excluded.source, method = excluded.method,
    message_id = excluded.message_id, campaign_id = excluded.campaign_id, import_id = excluded.import_id,
    actor = excluded.actor, event_id = excluded.event_id, occurred_at = excluded.occurred_at,
    recorded_at = excluded.recorded_at, wording = excluded.wording, ip = excluded.ip,
    user_agent = excluded.user_agent
WHERE excluded.occurred_at >= consents.occurred_at;

-- section: forget
UPDATE consents SET wording = NULL, ip = NULL, user_agent = NULL
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
UPDATE consent_history SET wording = NULL, ip = NULL, user_agent = NULL
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
