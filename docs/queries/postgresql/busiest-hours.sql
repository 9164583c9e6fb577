-- When do customers write?
-- Messages received, by the hour of the day on the customer's clock, or in UTC where the zone is not known.
SELECT to_char(m.created_at AT TIME ZONE coalesce(c.time_zone, 'UTC'), 'HH24') AS hour, count(*) AS messages
FROM v_messages m LEFT JOIN v_customers c ON c.customer_id = m.customer_id
WHERE m.direction = 'inbound'
GROUP BY 1
ORDER BY messages DESC, hour;
