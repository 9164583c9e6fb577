-- How well do mails arrive, by the receiver's domain?
-- Reads addresses: `commlog sql` needs --personal. Forgotten customers have no domain.
SELECT
    lower(split_part(to_address, '@', 2)) AS domain,
    count(*) AS sent, sum(CASE WHEN delivered_count > 0 THEN 1 ELSE 0 END) AS delivered,
    sum(CASE WHEN bounced_count > 0 THEN 1 ELSE 0 END) AS bounced,
    sum(CASE WHEN complained_count > 0 THEN 1 ELSE 0 END) AS complained
FROM v_messages_personal
WHERE direction = 'outbound' AND channel = 'email' AND sent_count > 0
GROUP BY 1
ORDER BY sent DESC, domain;
