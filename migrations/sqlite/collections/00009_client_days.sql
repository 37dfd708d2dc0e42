-- +goose Up
-- What leaves no event, summed up by client and day: see package usage. No
-- reference to the client: a count must not fail because of another table.
CREATE TABLE client_days (
    client            TEXT    NOT NULL,
    day               INTEGER NOT NULL, -- since 1970-01-01 UTC
    checked_validated INTEGER NOT NULL,
    checked_rejected  INTEGER NOT NULL,
    checked_created   INTEGER NOT NULL,
    checks_failed     INTEGER NOT NULL,
    failed            INTEGER NOT NULL,
    asked             INTEGER NOT NULL,
    limited           INTEGER NOT NULL,
    PRIMARY KEY (client, day)
) STRICT, WITHOUT ROWID;

-- The latest decisions about a collection are looked at.
CREATE INDEX annotations_by_time ON annotations (collection, decided_at);
