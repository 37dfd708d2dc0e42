-- +goose Up
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    incarnation INTEGER NOT NULL,
    event_id    BLOB    NOT NULL UNIQUE CHECK (length(event_id) = 16),
    name        TEXT    NOT NULL,
    client      TEXT    NOT NULL,
    challenge   BLOB    NOT NULL CHECK (length(challenge) = 16),
    at          INTEGER NOT NULL, -- µs since 1970 UTC: when it was decided
    stored_at   INTEGER NOT NULL, -- µs since 1970 UTC: the stream's timestamp
    data        BLOB    NOT NULL
) STRICT;

CREATE INDEX events_by_challenge ON events (challenge);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_client ON events (client, at);

-- Append-only is a promise of the table, not of the program.
-- +goose StatementBegin
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only: no event is ever changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only: no event is ever deleted');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE deletes without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
BEGIN
    SELECT RAISE(ABORT, 'events are append-only: this sequence or event id is taken');
END;
-- +goose StatementEnd

-- What the events of a challenge add up to, for lookups; rebuilt from events.
CREATE TABLE states (
    challenge   BLOB    PRIMARY KEY CHECK (length(challenge) = 16),
    client      TEXT    NOT NULL,
    status      INTEGER NOT NULL, -- domain.Status
    created_seq INTEGER NOT NULL,
    final_seq   INTEGER NOT NULL, -- 0 until there is a verdict
    expires_at  INTEGER NOT NULL  -- µs since 1970 UTC
) STRICT, WITHOUT ROWID;

-- One row: up to where the log has been archived. Compare-and-set on it, inside
-- the transaction of each batch, lets one archiver write and no two.
CREATE TABLE checkpoint (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    event_id    BLOB    -- of the event at seq; NULL where there is none (empty, or an accepted gap)
) STRICT;

INSERT INTO checkpoint (id, incarnation, seq, event_id) VALUES (1, 0, 0, NULL);

-- Sequences that an operator has declared lost.
CREATE TABLE gaps (
    incarnation INTEGER NOT NULL,
    from_seq    INTEGER NOT NULL,
    to_seq      INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL, -- µs since 1970 UTC
    PRIMARY KEY (from_seq, to_seq, incarnation)
) STRICT;
