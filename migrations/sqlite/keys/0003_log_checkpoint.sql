-- The last checkpoint of the log that was signed, as one line of JSON (src/log/keeper.rs).
CREATE TABLE log_checkpoint (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    kept TEXT NOT NULL
) STRICT;
