-- When do customers write?
-- Messages received, by the hour of the day in UTC: SQLite knows no time zones.
SELECT substr(m.created_at, 12, 2) AS hour, count(*) AS messages
FROM v_messages m
WHERE m.direction = 'inbound'
GROUP BY 1
ORDER BY messages DESC, hour;
