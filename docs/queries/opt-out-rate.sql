-- How many of those whom a campaign reached opted out?
-- Messages that a provider took, and those that led to an opt-out.
SELECT
    campaign_id, sum(sent) AS sent, sum(opted_out) AS opted_out,
    round(100.0 * sum(opted_out) / nullif(sum(sent), 0), 1) AS percent
FROM v_campaign_metrics
GROUP BY campaign_id
ORDER BY percent DESC, campaign_id;
