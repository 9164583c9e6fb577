-- The last checkpoint of the log that was signed, as one line of JSON (src/log/keeper.rs).
CREATE TABLE keys.log_checkpoint (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    kept      text NOT NULL
);
