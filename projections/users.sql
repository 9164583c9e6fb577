-- projection: users
-- question: What are the users called whom API keys act for?
-- events: UserNamed, UserForgotten
-- scope: tenant
-- version: 1

-- section: tables

-- Events name a user by id; the name is kept here once, until the user is forgotten. It is sealed with the user's key.
-- view: What are the colleagues called who act through the API? One row per user.
CREATE TABLE users (
    tenant_id UUID NOT NULL,
    user_id TEXT NOT NULL, -- the id that the front end gave
    name TEXT, -- personal: the user's name; empty once the user was forgotten
    PRIMARY KEY (tenant_id, user_id)
) CLUSTERED;

-- section: apply

INSERT INTO users (tenant_id, user_id, name)
SELECT b.tenant_id, @text(b.data, 'user_id'), @text(b.personal, 'name')
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'UserNamed' GROUP BY tenant_id, @text(data, 'user_id')
)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET name = excluded.name;

-- A user who was forgotten is not named again.
UPDATE users SET name = NULL WHERE (tenant_id, user_id) IN (
    SELECT tenant_id, @text(data, 'user_id') FROM batch WHERE type = 'UserForgotten'
);

-- section: forget
