-- +goose Up
-- Which images are dealt together: one generation of a pool's images. All nodes
-- deal from the same plan; whoever stores a number first has made it. Those that
-- nobody has to remember any more are deleted.
CREATE TABLE plans (
    id      INTEGER PRIMARY KEY CHECK (id > 0), -- the generation that events name; random, never used again
    pool    TEXT    NOT NULL, -- the ids of its collections, sorted, with spaces between
    type    INTEGER NOT NULL CHECK (type IN (1, 2)), -- domain.ChallengeType
    number  INTEGER NOT NULL CHECK (number >= 0),    -- of its pool's plans for the type
    made_at INTEGER NOT NULL, -- µs since 1970 UTC
    body    BLOB    NOT NULL, -- the plan's own form, with its version
    UNIQUE (pool, type, number)
) STRICT;
