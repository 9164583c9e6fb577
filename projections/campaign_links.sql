-- projection: campaign_links
-- question: Which links of a campaign were followed, by whom, and how often?
-- events: MessageClicked, EngagementReclassified
-- scope: customer
-- version: 1

-- section: tables

-- A row per click, so that a correction finds it, and so that forgetting a customer takes the link away and leaves the click.
-- view: Which links of each campaign were followed? One row per click.
CREATE TABLE campaign_clicks (
    tenant_id UUID NOT NULL,
    event_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    message_id UUID NOT NULL,
    variant TEXT NOT NULL, -- the variant; empty for messages without one
    class TEXT NOT NULL, -- whose the click is: human or machine
    url TEXT, -- personal: the link
    PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX campaign_clicks_of_campaign ON campaign_clicks (tenant_id, campaign_id, url, class, message_id);
-- on: CustomerForgotten
CREATE INDEX campaign_clicks_of_customer ON campaign_clicks (tenant_id, customer_id);

-- section: apply

INSERT INTO campaign_clicks (tenant_id, event_id, campaign_id, customer_id, message_id, variant, class, url)
SELECT
    b.tenant_id, b.event_id, b.campaign_id, b.customer_id, b.message_id, COALESCE(b.variant, ''), b.class,
    @text(b.personal, 'url')
FROM batch b
WHERE b.type = 'MessageClicked' AND b.campaign_id IS NOT NULL;

UPDATE campaign_clicks AS c SET class = e.class
FROM (
    SELECT b.tenant_id, @uuid(b.data, 'corrects') AS event_id, b.class
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch
        WHERE type = 'EngagementReclassified' AND campaign_id IS NOT NULL
        GROUP BY tenant_id, @uuid(data, 'corrects')
    )
) AS e
WHERE c.tenant_id = e.tenant_id AND c.event_id = e.event_id;

-- section: forget
UPDATE campaign_clicks SET url = NULL
WHERE url IS NOT NULL AND (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
