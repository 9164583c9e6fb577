-- projection: mail_ids
-- question: Which of our messages does a mail answer that names only a Message-ID?
-- events: MessageSent
-- scope: customer
-- version: 1

-- section: tables

-- Only ids that a provider put in the place of ours: ours name their message themselves. The fingerprint is keyed, so a
-- Message-ID cannot be read from it. A message that went out more than once may have several.
CREATE TABLE mail_ids (
    tenant_id UUID NOT NULL,
    mail_id UUID NOT NULL,
    message_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, mail_id, message_id)
) CLUSTERED;

-- section: apply

INSERT INTO mail_ids (tenant_id, mail_id, message_id)
SELECT DISTINCT b.tenant_id, @uuid(b.data, 'mail_id'), b.message_id
FROM batch b
WHERE b.type = 'MessageSent' AND @has(b.data, 'mail_id')
ON CONFLICT (tenant_id, mail_id, message_id) DO NOTHING;

-- section: forget
