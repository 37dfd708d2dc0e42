-- +goose Up
-- Limits of clients that have others than the service's default.
CREATE TABLE client_limits (
    client     TEXT    PRIMARY KEY REFERENCES clients (id),
    per_second REAL    NOT NULL CHECK (per_second > 0),
    burst      INTEGER NOT NULL CHECK (burst > 0)
) STRICT, WITHOUT ROWID;

-- Secret keys of the service itself, that all nodes share. Each is made by
-- whoever needs it first, and never changed.
CREATE TABLE service_keys (
    name       TEXT    PRIMARY KEY,
    key        BLOB    NOT NULL,
    created_at INTEGER NOT NULL -- µs since 1970 UTC
) STRICT, WITHOUT ROWID;
