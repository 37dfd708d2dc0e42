-- +goose Up
CREATE TABLE clients (
    id         TEXT    PRIMARY KEY,
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL -- µs since 1970 UTC
) STRICT, WITHOUT ROWID;

-- One table of names, public ids and aliases alike, so that the database itself
-- refuses an alias that is somebody's id.
CREATE TABLE client_names (
    name   TEXT PRIMARY KEY,
    client TEXT NOT NULL REFERENCES clients (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets (
    id         TEXT    PRIMARY KEY,
    client     TEXT    NOT NULL REFERENCES clients (id),
    key        TEXT    NOT NULL, -- the printed form; its bytes are the HMAC key
    created_at INTEGER NOT NULL, -- µs since 1970 UTC
    expires_at INTEGER           -- µs since 1970 UTC; NULL: lives until it is revoked
) STRICT, WITHOUT ROWID;

CREATE INDEX client_secrets_by_client ON client_secrets (client);

CREATE TABLE client_collections (
    client     TEXT NOT NULL REFERENCES clients (id),
    collection TEXT NOT NULL,
    PRIMARY KEY (client, collection)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_revision (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO client_revision (id, revision) VALUES (1, 1);
