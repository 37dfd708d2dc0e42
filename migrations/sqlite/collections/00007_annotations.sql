-- +goose Up
-- What visitors' votes have decided about images: a projection of the events
-- about annotations. A row stays when its image is deleted, and counts again when
-- the image is imported again.
CREATE TABLE annotations (
    image       TEXT    NOT NULL,
    keyword     TEXT    NOT NULL, -- '' with transcriptions
    collection  TEXT    NOT NULL,
    status      INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4), -- domain.QuestionStatus
    truth       INTEGER NOT NULL CHECK (truth BETWEEN 0 AND 2),  -- domain.TruthKind
    is_match    INTEGER NOT NULL CHECK (is_match IN (0, 1)),
    text        TEXT    NOT NULL,
    probability REAL    NOT NULL,
    votes       INTEGER NOT NULL,
    merged      INTEGER NOT NULL CHECK (merged IN (0, 1)),
    model       INTEGER NOT NULL,
    through     INTEGER NOT NULL, -- the last event that was counted
    seq         INTEGER NOT NULL, -- of the event that decided it
    event_id    TEXT    NOT NULL,
    decided_at  INTEGER NOT NULL, -- µs since 1970 UTC
    tried       INTEGER NOT NULL CHECK (tried >= 0), -- answers since it was settled
    PRIMARY KEY (image, keyword)
) STRICT, WITHOUT ROWID;

CREATE INDEX annotations_of_collection ON annotations (collection, image, keyword);

-- How far the projection has come, and how often it has changed.
CREATE TABLE annotations_through (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    revision    INTEGER NOT NULL
) STRICT;

INSERT INTO annotations_through (id, incarnation, seq, revision) VALUES (1, 0, 0, 0);

-- How many votes an image needs until one of its questions is settled. It says
-- what is asked next, and nothing else.
CREATE TABLE needs (
    image      TEXT    PRIMARY KEY,
    collection TEXT    NOT NULL,
    need       INTEGER NOT NULL CHECK (need BETWEEN 1 AND 255)
) STRICT, WITHOUT ROWID;

CREATE INDEX needs_of_collection ON needs (collection, image, need);

-- When a truth on record was last corrected, µs since 1970 UTC; 0: never. What was
-- decided before a correction says nothing of it.
ALTER TABLE images ADD COLUMN corrected_at INTEGER NOT NULL DEFAULT 0;
