-- +goose Up
-- Private ids are sealed with a key that is kept elsewhere. The column key holds
-- those of before until the service has sealed them, and nothing after that.
ALTER TABLE client_secrets ADD COLUMN sealed TEXT NOT NULL DEFAULT ''; -- v1.<id of the key>.<nonce and AES-256-GCM, base64url>

-- What a client is confined to, and what it may do beyond the usual.
CREATE TABLE client_settings (
    client TEXT NOT NULL REFERENCES clients (id),
    name   TEXT NOT NULL CHECK (name IN ('type', 'language', 'origin', 'siteverify')),
    value  TEXT NOT NULL,
    PRIMARY KEY (client, name, value)
) STRICT, WITHOUT ROWID;
