-- +goose Up
-- Where on an IIIF canvas an image lies. Part of the provenance.
ALTER TABLE images ADD COLUMN canvas TEXT NOT NULL DEFAULT ''; -- URL
ALTER TABLE images ADD COLUMN region TEXT NOT NULL DEFAULT ''; -- as in the Image API, or a selector

-- What an image looks like, to find it again in another file. Images of before
-- have none; they are compared with nothing.
CREATE TABLE looks (
    image TEXT    PRIMARY KEY REFERENCES images (id),
    hash  INTEGER NOT NULL -- 64 bits, as a signed number
) STRICT, WITHOUT ROWID;

-- Images that are dealt no more. A row stays when its image is restored.
CREATE TABLE retirements (
    image       TEXT    NOT NULL REFERENCES images (id),
    at          INTEGER NOT NULL, -- µs since 1970 UTC
    reason      TEXT    NOT NULL,
    restored_at INTEGER, -- µs since 1970 UTC; NULL: it is retired
    PRIMARY KEY (image, at)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX retired_images ON retirements (image) WHERE restored_at IS NULL;
