-- +goose Up
CREATE TABLE collections (
    id         TEXT COLLATE "C" PRIMARY KEY,
    title      TEXT    NOT NULL,
    credit     TEXT    NOT NULL, -- the institution's line, shown before the verdict
    demo       INTEGER NOT NULL CHECK (demo IN (0, 1)),
    created_at BIGINT  NOT NULL  -- µs since 1970 UTC
);

CREATE TABLE keywords (
    collection TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    keyword    TEXT COLLATE "C" NOT NULL,
    lang       TEXT COLLATE "C" NOT NULL,
    label      TEXT NOT NULL,
    PRIMARY KEY (collection, keyword, lang)
);

-- Bytes live in a table of their own: dealing reads all images and no bytes.
CREATE TABLE images (
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    collection TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    document   TEXT    NOT NULL,
    type       INTEGER NOT NULL CHECK (type IN (1, 2)),        -- domain.ChallengeType
    known      INTEGER NOT NULL CHECK (known IN (0, 1)),
    trust      INTEGER NOT NULL CHECK (trust BETWEEN 0 AND 2), -- domain.Trust
    text       TEXT    NOT NULL,
    labels     TEXT    NOT NULL, -- JSON array of keywords, sorted
    candidates TEXT    NOT NULL, -- JSON array of keywords, sorted
    complete   INTEGER NOT NULL CHECK (complete IN (0, 1)),
    prior      DOUBLE PRECISION NOT NULL CHECK (prior BETWEEN 0 AND 1),
    renderings BIGINT  NOT NULL CHECK (renderings >= 1),
    -- provenance, per image
    institution TEXT COLLATE "C" NOT NULL,
    shelfmark   TEXT   NOT NULL,
    page        TEXT   NOT NULL,
    licence     TEXT   NOT NULL,
    source      TEXT   NOT NULL, -- URL
    created_at  BIGINT NOT NULL, -- µs since 1970 UTC
    PRIMARY KEY (collection, id)
);

CREATE TABLE renderings (
    image        TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    n            BIGINT  NOT NULL CHECK (n >= 0),
    content_type TEXT    NOT NULL,
    width        INTEGER NOT NULL CHECK (width > 0),
    height       INTEGER NOT NULL CHECK (height > 0),
    bytes        BYTEA   NOT NULL CHECK (length(bytes) > 0),
    PRIMARY KEY (image, n)
);

-- Pictures are compressed already: trying once more costs time and gains nothing.
ALTER TABLE renderings ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE corpus_revision (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT  NOT NULL
);

INSERT INTO corpus_revision (id, revision) VALUES (1, 1);
