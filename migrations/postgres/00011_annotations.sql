-- +goose Up
-- What visitors' votes have decided about images: a projection of the events
-- about annotations. A row stays when its image is deleted, and counts again when
-- the image is imported again.
CREATE TABLE annotations (
    image       TEXT COLLATE "C" NOT NULL,
    keyword     TEXT COLLATE "C" NOT NULL, -- '' with transcriptions
    collection  TEXT COLLATE "C" NOT NULL,
    status      INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4), -- domain.QuestionStatus
    truth       INTEGER NOT NULL CHECK (truth BETWEEN 0 AND 2),  -- domain.TruthKind
    is_match    INTEGER NOT NULL CHECK (is_match IN (0, 1)),
    text        TEXT    NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    votes       BIGINT  NOT NULL,
    merged      INTEGER NOT NULL CHECK (merged IN (0, 1)),
    model       BIGINT  NOT NULL,
    through     BIGINT  NOT NULL, -- the last event that was counted
    seq         BIGINT  NOT NULL, -- of the event that decided it
    event_id    TEXT    NOT NULL,
    decided_at  BIGINT  NOT NULL, -- µs since 1970 UTC
    tried       BIGINT  NOT NULL CHECK (tried >= 0), -- answers since it was settled
    PRIMARY KEY (image, keyword)
);

CREATE INDEX annotations_of_collection ON annotations (collection, image, keyword);

-- How far the projection has come, and how often it has changed.
CREATE TABLE annotations_through (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation BIGINT  NOT NULL,
    seq         BIGINT  NOT NULL,
    revision    BIGINT  NOT NULL
);

INSERT INTO annotations_through (id, incarnation, seq, revision) VALUES (1, 0, 0, 0);

-- How many votes an image needs until one of its questions is settled. It says
-- what is asked next, and nothing else.
CREATE TABLE needs (
    image      TEXT COLLATE "C" PRIMARY KEY,
    collection TEXT COLLATE "C" NOT NULL,
    need       INTEGER NOT NULL CHECK (need BETWEEN 1 AND 255)
);

CREATE INDEX needs_of_collection ON needs (collection, image, need);

-- When a truth on record was last corrected, µs since 1970 UTC; 0: never. What was
-- decided before a correction says nothing of it.
ALTER TABLE images ADD COLUMN corrected_at BIGINT NOT NULL DEFAULT 0;

