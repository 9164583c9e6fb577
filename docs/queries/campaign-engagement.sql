-- How many of a campaign's messages were delivered, opened and clicked?
-- Opens and clicks by people; those by machines are left out.
SELECT
    campaign_id, channel, sum(sent) AS sent, sum(delivered) AS delivered, sum(unique_opens_human) AS opened,
    sum(unique_clicks_human) AS clicked
FROM v_campaign_metrics
GROUP BY campaign_id, channel
ORDER BY sent DESC, campaign_id, channel;
