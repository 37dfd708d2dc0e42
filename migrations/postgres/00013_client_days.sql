-- +goose Up
-- What leaves no event, summed up by client and day: see package usage. No
-- reference to the client: a count must not fail because of another table.
CREATE TABLE client_days (
    client            TEXT COLLATE "C" NOT NULL,
    day               BIGINT NOT NULL, -- since 1970-01-01 UTC
    checked_validated BIGINT NOT NULL,
    checked_rejected  BIGINT NOT NULL,
    checked_created   BIGINT NOT NULL,
    checks_failed     BIGINT NOT NULL,
    failed            BIGINT NOT NULL,
    asked             BIGINT NOT NULL,
    limited           BIGINT NOT NULL,
    PRIMARY KEY (client, day)
);

-- The latest decisions about a collection are looked at.
CREATE INDEX annotations_by_time ON annotations (collection, decided_at);
