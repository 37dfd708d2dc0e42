-- +goose Up
-- Names are compared and sorted by their bytes, as SQLite does it, whatever the
-- database's language.
CREATE TABLE clients (
    id         TEXT COLLATE "C" PRIMARY KEY,
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at BIGINT  NOT NULL -- µs since 1970 UTC
);

-- One table of names, public ids and aliases alike, so that the database itself
-- refuses an alias that is somebody's id.
CREATE TABLE client_names (
    name   TEXT COLLATE "C" PRIMARY KEY,
    client TEXT COLLATE "C" NOT NULL REFERENCES clients (id)
);

CREATE TABLE client_secrets (
    id         TEXT COLLATE "C" PRIMARY KEY,
    client     TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    key        TEXT COLLATE "C" NOT NULL, -- the printed form; its bytes are the HMAC key
    created_at BIGINT NOT NULL,           -- µs since 1970 UTC
    expires_at BIGINT                     -- µs since 1970 UTC; NULL: lives until it is revoked
);

CREATE INDEX client_secrets_by_client ON client_secrets (client);

CREATE TABLE client_collections (
    client     TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    collection TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (client, collection)
);

CREATE TABLE client_revision (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision BIGINT  NOT NULL
);

INSERT INTO client_revision (id, revision) VALUES (1, 1);
