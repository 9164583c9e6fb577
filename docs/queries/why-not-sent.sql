-- Why were messages held, suppressed, refused or bounced?
-- Each message counts once for each state and reason.
SELECT state, why, count(DISTINCT message_id) AS messages
FROM v_message_reasons
GROUP BY state, why
ORDER BY messages DESC, state, why;
