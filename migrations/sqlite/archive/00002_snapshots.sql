-- +goose Up
-- What projections have made of the events up to a sequence, so that a start
-- need not read all of them. It follows from the events: whoever deletes a row
-- loses time and nothing else.
CREATE TABLE snapshots (
    name        TEXT    PRIMARY KEY, -- of the projection
    incarnation INTEGER NOT NULL,    -- with seq and event_id: the last event that is in it
    seq         INTEGER NOT NULL,
    event_id    BLOB    NOT NULL CHECK (length(event_id) = 16),
    made_at     INTEGER NOT NULL,    -- µs since 1970 UTC
    body        BLOB    NOT NULL     -- the projection's own form, with its version
) STRICT;
