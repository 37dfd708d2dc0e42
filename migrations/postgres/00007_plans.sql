-- +goose Up
-- Which images are dealt together: one generation of a pool's images. All nodes
-- deal from the same plan; whoever stores a number first has made it. Those that
-- nobody has to remember any more are deleted.
CREATE TABLE plans (
    id      BIGINT   PRIMARY KEY CHECK (id > 0), -- the generation that events name; random, never used again
    pool    TEXT COLLATE "C" NOT NULL, -- the ids of its collections, sorted, with spaces between
    type    INTEGER  NOT NULL CHECK (type IN (1, 2)), -- domain.ChallengeType
    number  INTEGER  NOT NULL CHECK (number >= 0),    -- of its pool's plans for the type
    made_at BIGINT   NOT NULL, -- µs since 1970 UTC
    body    BYTEA    NOT NULL, -- the plan's own form, with its version
    UNIQUE (pool, type, number)
);
