-- +goose Up
-- What a machine reads in an unknown text. Dealing does not read it.
ALTER TABLE images ADD COLUMN guess TEXT NOT NULL DEFAULT '';

-- Answers that people gave on another platform, without who they were.
CREATE TABLE imported_votes (
    collection     TEXT    NOT NULL REFERENCES collections (id),
    classification TEXT    NOT NULL, -- the platform's id of one sitting with one subject
    task           TEXT    NOT NULL,
    n              INTEGER NOT NULL CHECK (n >= 0), -- where a task has several answers
    subject        TEXT    NOT NULL, -- the platform's id of what was looked at
    file           TEXT    NOT NULL, -- its picture's file name, where it is said
    question       TEXT    NOT NULL,
    value          TEXT    NOT NULL,
    workflow       TEXT    NOT NULL,
    version        TEXT    NOT NULL, -- of the workflow
    decided_at     INTEGER NOT NULL, -- µs since 1970 UTC
    PRIMARY KEY (collection, classification, task, n)
) STRICT, WITHOUT ROWID;
