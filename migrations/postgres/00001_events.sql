-- +goose Up
-- Names are unqualified: everything lands in the first schema of the
-- search_path. Functions that run with another one in force (a trigger fires in
-- whatever session writes) get that schema written into them.

-- One partition a month of the stream's own timestamp, which an event keeps for
-- ever, so that a rebuilt archive has the same ones. An old month can be
-- vacuumed, copied and moved to slower disks by itself.
--
-- There is no DEFAULT partition. A month that was not made ahead is refused, and
-- made before the batch is tried again; in a DEFAULT partition its events would
-- stand for good, because nothing moves events, and the month's own partition
-- could not be made any more.
--
-- Identifiers are uuid: 16 bytes, where bytea takes 17, compared as fast as
-- numbers are. Times are timestamptz: microseconds as in SQLite, bounds of
-- partitions that people can read, and the same instant in every session's time
-- zone. Columns of 8 bytes come first, so that none needs filling up.
CREATE TABLE events (
    seq         bigint      NOT NULL CHECK (seq > 0),
    incarnation bigint      NOT NULL,
    at          timestamptz NOT NULL, -- when it was decided
    stored_at   timestamptz NOT NULL, -- the stream's timestamp
    event_id    uuid        NOT NULL,
    challenge   uuid        NOT NULL,
    name        text        NOT NULL,
    client      text        NOT NULL,
    data        bytea       NOT NULL,
    -- A unique index of a partitioned table has to hold the partition's column;
    -- that nothing is taken twice at two times is the trigger's to see. Sequence
    -- comes first, because everything is read in its order and no question
    -- names an incarnation.
    CONSTRAINT events_seq_key UNIQUE (seq, incarnation, stored_at),
    CONSTRAINT events_event_id_key UNIQUE (event_id, stored_at)
) PARTITION BY RANGE (stored_at);

CREATE INDEX events_by_challenge ON events (challenge);
-- For "since": events are decided nearly in the order in which they are stored,
-- so a few bytes for each megabyte say where to look. There is none for the
-- client, of which a service has few, and none for stored_at: the log's order
-- is its order.
CREATE INDEX events_by_time ON events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- What the events of a challenge add up to, for lookups; rebuilt from events.
-- A row is written twice within minutes: the room that is left on a page takes
-- the second version without touching the index.
CREATE TABLE states (
    created_seq bigint      NOT NULL,
    final_seq   bigint      NOT NULL, -- 0 until there is a verdict
    expires_at  timestamptz NOT NULL,
    challenge   uuid        PRIMARY KEY,
    status      smallint    NOT NULL, -- domain.Status
    client      text        NOT NULL
) WITH (fillfactor = 70);

-- One row: up to where the log has been archived. Compare-and-set on it, inside
-- the transaction of each batch, lets one archiver write and no two.
CREATE TABLE checkpoint (
    id          integer PRIMARY KEY CHECK (id = 1),
    incarnation bigint  NOT NULL,
    seq         bigint  NOT NULL,
    event_id    uuid    -- of the event at seq; NULL where there is none (empty, or an accepted gap)
);

INSERT INTO checkpoint (id, incarnation, seq, event_id) VALUES (1, 0, 0, NULL);

-- Sequences that an operator has declared lost.
CREATE TABLE gaps (
    incarnation bigint      NOT NULL,
    from_seq    bigint      NOT NULL,
    to_seq      bigint      NOT NULL,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (from_seq, to_seq, incarnation)
);

-- Append-only is a promise of the table, not of the program.
-- +goose StatementBegin
CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_OP
        WHEN 'UPDATE' THEN
            RAISE EXCEPTION 'events are append-only: no event is ever changed' USING ERRCODE = 'restrict_violation';
        WHEN 'DELETE' THEN
            RAISE EXCEPTION 'events are append-only: no event is ever deleted' USING ERRCODE = 'restrict_violation';
        ELSE
            RAISE EXCEPTION 'events are append-only: the table is never emptied' USING ERRCODE = 'restrict_violation';
    END CASE;
END
$$;
-- +goose StatementEnd

-- The unique indexes do not see a sequence or an event id that comes again with
-- another time, and no index sees a sequence that comes too late. This looks at
-- what an INSERT has added: from its lowest sequence on there must be nothing
-- else, and each of its event ids must be there once.
--
-- Event ids begin with the time, so those of a batch lie close together:
-- instead of looking for each in every month, it counts what lies between the
-- lowest and the highest; where they are far apart (the first 8 digits are 65 s)
-- it does so for each minute.
--
-- The checkpoint's row makes writers wait for each other, who could not see each
-- other's events; the archiver has it already.
-- +goose StatementBegin
CREATE FUNCTION events_refuse_taken() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n       bigint;
    numbers bigint;
    lowest  bigint;
    ids     uuid[];
BEGIN
    PERFORM FROM checkpoint WHERE id = 1 FOR UPDATE;
    SELECT count(*), count(DISTINCT seq), min(seq), array_agg(event_id ORDER BY event_id) INTO n, numbers, lowest, ids FROM added;
    IF n = 0 THEN
        RETURN NULL;
    END IF;
    IF numbers <> n OR n <> (SELECT count(*) FROM (SELECT FROM events WHERE seq >= lowest ORDER BY seq LIMIT n + 1) AS later) THEN
        RAISE EXCEPTION 'events are append-only: a sequence from % on is taken', lowest USING ERRCODE = 'unique_violation';
    END IF;
    IF left(ids[1]::text, 8) = left(ids[n]::text, 8) THEN
        PERFORM events_refuse_twice(ids[1], ids[n]);
    ELSE
        PERFORM events_refuse_twice(min(id::text)::uuid, max(id::text)::uuid) FROM unnest(ids) AS id GROUP BY left(id::text, 8);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION events_refuse_twice(low uuid, high uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) <> count(DISTINCT event_id) FROM events WHERE event_id BETWEEN low AND high) THEN
        RAISE EXCEPTION 'events are append-only: an event id from % to % is taken', low, high USING ERRCODE = 'unique_violation';
    END IF;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION events_refuse_change();
CREATE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change();
CREATE TRIGGER events_refuse_taken AFTER INSERT ON events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_taken();

-- +goose StatementBegin
CREATE FUNCTION has_event_partition(part text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'events'::regclass AND relname = part)
$$;
-- +goose StatementEnd

-- Makes the partitions of as many months, from the one that an instant is in,
-- where they are missing. Any number of sessions may call it at once. It runs as
-- the owner of the tables, so that the service's own role need not be allowed to
-- make tables. A partition is made by itself and then attached: to make it in
-- place would wait for everybody who reads the events, and have everybody wait.
-- +goose StatementBegin
CREATE FUNCTION make_event_partitions(first timestamptz, months integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
    part  text;
BEGIN
    IF months NOT BETWEEN 1 AND 120 THEN
        RAISE EXCEPTION 'partitions are made for 1 to 120 months, not for %', months USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR i IN 1..months LOOP
        part := 'events_' || to_char(month, 'YYYY_MM');
        IF NOT has_event_partition(part) THEN
            LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE;
            IF NOT has_event_partition(part) THEN -- nobody was faster
                EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)', part);
                EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part,
                    month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
                -- Row triggers came with the attachment; these do not.
                EXECUTE format('CREATE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change()', part);
                EXECUTE format('CREATE TRIGGER events_refuse_taken AFTER INSERT ON %I REFERENCING NEW TABLE AS added
                    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_taken()', part);
            END IF;
        END IF;
        month := month + interval '1 month';
    END LOOP;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION make_event_partitions(timestamptz, integer) FROM PUBLIC;

-- The archiver's first step, as a function because a batch goes out whole: it
-- fails, and with it all that follows, when the checkpoint is not where the
-- archiver believes it to be.
-- +goose StatementBegin
CREATE FUNCTION move_checkpoint(from_incarnation bigint, from_seq bigint, to_incarnation bigint, to_seq bigint, to_event_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE checkpoint SET incarnation = to_incarnation, seq = to_seq, event_id = to_event_id
    WHERE id = 1 AND incarnation = from_incarnation AND seq = from_seq;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the checkpoint is not at %', from_seq USING ERRCODE = 'OC001';
    END IF;
END
$$;
-- +goose StatementEnd

-- The log's order is the order of its timestamps, so this looks at a
-- logarithmic number of rows, in one round trip; an index on stored_at would be
-- written for every event.
-- +goose StatementBegin
CREATE FUNCTION last_event_stored_before(cutoff timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer bigint := 0;
    low    bigint; -- the answer is answer, or lies in low to high
    high   bigint;
    middle bigint;
    found_seq bigint;
    found_at  timestamptz;
BEGIN
    SELECT min(seq), max(seq) INTO low, high FROM events;
    WHILE low <= high LOOP
        middle := low + (high - low) / 2;
        SELECT seq, stored_at INTO found_seq, found_at FROM events WHERE seq >= middle ORDER BY seq LIMIT 1;
        IF found_at < cutoff THEN
            answer := found_seq;
            low := found_seq + 1;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN answer;
END
$$;
-- +goose StatementEnd

-- A plan is made once for each session. One that is made while a month is empty
-- would read the whole of it for every batch as it fills, until the server
-- counts its rows anew. These have an index for all they ask.
-- +goose StatementBegin
DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['events_refuse_taken()', 'events_refuse_twice(uuid, uuid)', 'last_event_stored_before(timestamptz)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
        EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', signature);
        EXECUTE format('ALTER FUNCTION %s SET jit = off', signature);
    END LOOP;
    EXECUTE format('ALTER FUNCTION make_event_partitions(timestamptz, integer) SET search_path = %I, pg_temp', current_schema());
END
$$;
-- +goose StatementEnd

SELECT make_event_partitions(now(), 3);
