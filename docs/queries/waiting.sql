-- Who has customers waiting, and for how long?
-- Conversations whose last word is the customer's; nobody is assigned where the assignee is empty.
SELECT assignee, count(*) AS conversations, min(waiting_since) AS waiting_since
FROM v_conversations
WHERE waiting_since IS NOT NULL AND state <> 'resolved'
GROUP BY assignee
ORDER BY waiting_since;
