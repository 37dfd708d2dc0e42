-- +goose Up
-- What projections have made of the events up to a sequence, so that a start
-- need not read all of them. It follows from the events: whoever deletes a row
-- loses time and nothing else.
CREATE TABLE snapshots (
    name        TEXT COLLATE "C" PRIMARY KEY, -- of the projection
    incarnation BIGINT      NOT NULL,         -- with seq and event_id: the last event that is in it
    seq         BIGINT      NOT NULL,
    event_id    UUID        NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    body        BYTEA       NOT NULL          -- the projection's own form, with its version
);

-- Names of images are random letters: trying to make them shorter costs time
-- and gains nothing.
ALTER TABLE snapshots ALTER COLUMN body SET STORAGE EXTERNAL;
