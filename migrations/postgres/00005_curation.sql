-- +goose Up
-- Where on an IIIF canvas an image lies. Part of the provenance.
ALTER TABLE images ADD COLUMN canvas TEXT NOT NULL DEFAULT ''; -- URL
ALTER TABLE images ADD COLUMN region TEXT NOT NULL DEFAULT ''; -- as in the Image API, or a selector

-- What an image looks like, to find it again in another file. Images of before
-- have none; they are compared with nothing.
CREATE TABLE looks (
    image TEXT COLLATE "C" PRIMARY KEY REFERENCES images (id),
    hash  BIGINT NOT NULL -- 64 bits, as a signed number
);

-- Images that are dealt no more. A row stays when its image is restored.
CREATE TABLE retirements (
    image       TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    at          BIGINT NOT NULL, -- µs since 1970 UTC
    reason      TEXT   NOT NULL,
    restored_at BIGINT, -- µs since 1970 UTC; NULL: it is retired
    PRIMARY KEY (image, at)
);

CREATE UNIQUE INDEX retired_images ON retirements (image) WHERE restored_at IS NULL;
