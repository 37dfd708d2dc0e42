-- +goose Up
-- What a machine reads in an unknown text. Dealing does not read it.
ALTER TABLE images ADD COLUMN guess TEXT NOT NULL DEFAULT '';

-- Answers that people gave on another platform, without who they were.
CREATE TABLE imported_votes (
    collection     TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    classification TEXT COLLATE "C" NOT NULL, -- the platform's id of one sitting with one subject
    task           TEXT COLLATE "C" NOT NULL,
    n              BIGINT  NOT NULL CHECK (n >= 0), -- where a task has several answers
    subject        TEXT    NOT NULL, -- the platform's id of what was looked at
    file           TEXT    NOT NULL, -- its picture's file name, where it is said
    question       TEXT    NOT NULL,
    value          TEXT    NOT NULL,
    workflow       TEXT    NOT NULL,
    version        TEXT    NOT NULL, -- of the workflow
    decided_at     BIGINT  NOT NULL, -- µs since 1970 UTC
    PRIMARY KEY (collection, classification, task, n)
);
