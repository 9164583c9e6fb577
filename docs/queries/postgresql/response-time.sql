-- How long do customers wait for a reply, by channel?
-- Each message received, and the first one that we sent in the same conversation after it.
WITH received AS (
    SELECT
        m.channel, m.created_at,
        (
            SELECT min(r.sent_at) FROM v_messages r
            WHERE r.conversation_id = m.conversation_id AND r.direction = 'outbound' AND r.sent_at > m.created_at
        ) AS replied_at
    FROM v_messages m
    WHERE m.direction = 'inbound' AND m.conversation_id IS NOT NULL
)
SELECT
    channel, count(*) AS received, count(replied_at) AS replied,
    round((avg(extract(epoch FROM replied_at - created_at)) / 60)::numeric, 1) AS average_minutes
FROM received
GROUP BY channel
ORDER BY channel;
